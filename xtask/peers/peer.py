"""The engines of Python's world, for `cargo xtask peers`.

    peer.py onnx FOLDER             writes FOLDER/model.onnx from FOLDER/weights.safetensors
    peer.py torch FOLDER            serves torch.nn.LSTM with mkldnn off
    peer.py torch-mkldnn FOLDER     ... and on
    peer.py onnxruntime FOLDER      serves ONNX Runtime with bound inputs and outputs

How a peer is spoken to stands in benches/step/peer.rs. All use one thread.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

EVICTION_BYTES = 256 << 20


def write_onnx(folder, weights, told):
    """One step as a graph: token, place, features and each layer's h and c in; the logits and the new h and c out."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    hidden = told["hidden"]
    nodes, tensors = [], []
    inputs = [
        helper.make_tensor_value_info("token", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("place", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, len(told["features"])]),
    ]
    vocabulary = weights["head.bias"].shape[0]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, vocabulary])]

    def constant(name, value):
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind, ins, outs, **attributes):
        nodes.append(helper.make_node(kind, ins, outs, **attributes))
        return outs[0]

    def iofc(rows):
        """PyTorch's order of the gates is i, f, g, o; ONNX's is i, o, f, c."""
        i, f, g, o = np.split(rows, 4)
        return np.concatenate([i, o, f, g])

    token = node("Gather", [constant("embedding", weights["embedding.weight"]), "token"], ["e"])
    place = node("Gather", [constant("places", weights["place.weight"]), "place"], ["p"])
    context = constant("context", weights["context.weight"].T)
    context = node("MatMul", ["features", context], ["f"])
    x = node("Add", [node("Add", [token, place], ["ep"]), context], ["x"])
    axis = constant("axis", np.array([0], dtype=np.int64))
    x = node("Unsqueeze", [x, axis], ["x0"])
    for layer in range(told["layers"]):
        w = constant(f"w{layer}", iofc(weights[f"lstm.weight_ih_l{layer}"])[None])
        r = constant(f"r{layer}", iofc(weights[f"lstm.weight_hh_l{layer}"])[None])
        biases = [iofc(weights[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")]
        b = constant(f"b{layer}", np.concatenate(biases)[None])
        h, c, h_out, c_out = (f"{name}{layer}" for name in ("h", "c", "h_out", "c_out"))
        node("LSTM", [x, w, r, b, "", h, c], ["", h_out, c_out], hidden_size=hidden)
        for name in (h, c):
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, hidden]))
        for name in (h_out, c_out):
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, hidden]))
        x = h_out
    top = node("Squeeze", [x, axis], ["top"])
    head, bias = constant("head", weights["head.weight"]), constant("bias", weights["head.bias"])
    node("Gemm", [top, head, bias], ["logits"], transB=1)
    graph = helper.make_graph(nodes, "step", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))


def torch_engine(torch, weights, told, mkldnn):
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.backends.mkldnn.set_flags(mkldnn)
    hidden, layers = told["hidden"], told["layers"]
    vocabulary, width = weights["embedding.weight"].shape
    net = torch.nn.ModuleDict({
        "embedding": torch.nn.Embedding(vocabulary, width),
        "place": torch.nn.Embedding(weights["place.weight"].shape[0], width),
        "context": torch.nn.Linear(len(told["features"]), width, bias=False),
        "lstm": torch.nn.LSTM(width, hidden, layers),
        "head": torch.nn.Linear(hidden, vocabulary),
    }).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    embedding, place = net["embedding"], net["place"]
    context, lstm, head = net["context"], net["lstm"], net["head"]
    tokens = [torch.tensor([token]) for token in told["tokens"]]
    places = [torch.tensor([at]) for at in told["places"]]
    features = torch.tensor([told["features"]])
    state = (torch.zeros(layers, 1, hidden), torch.zeros(layers, 1, hidden))
    logits = None

    def step(n):
        nonlocal state, logits
        x = embedding(tokens[n]) + place(places[n]) + context(features)
        y, state = lstm(x.unsqueeze(0), state)
        logits = head(y.squeeze(0))

    return torch.__version__, step, lambda: logits.numpy().ravel()


def onnxruntime_engine(folder, told):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    # On the CPU such a value lies in the array's own memory.
    value = ort.OrtValue.ortvalue_from_numpy
    token, place = np.zeros(1, np.int64), np.zeros(1, np.int64)
    features = np.array([told["features"]], np.float32)
    logits = np.zeros(session.get_outputs()[0].shape, np.float32)
    fixed = {"token": value(token), "place": value(place), "features": value(features)}
    out = value(logits)
    names = [f"{kind}{layer}" for layer in range(told["layers"]) for kind in ("h", "c")]
    arrays = [{n: np.zeros((1, 1, told["hidden"]), np.float32) for n in names} for _ in range(2)]
    states = [{name: value(array) for name, array in side.items()} for side in arrays]
    bindings = []
    for before, after in (states, states[::-1]):
        binding = session.io_binding()
        for name, held in {**fixed, **before}.items():
            binding.bind_ortvalue_input(name, held)
        binding.bind_ortvalue_output("logits", out)
        for name, held in after.items():
            binding.bind_ortvalue_output(f"{name[0]}_out{name[1:]}", held)
        bindings.append(binding)
    tokens, places = told["tokens"], told["places"]
    side = 0

    def step(n):
        nonlocal side
        token[0], place[0] = tokens[n], places[n]
        session.run_with_iobinding(bindings[side])
        side = 1 - side

    # `arrays` must live as long as the bindings do.
    return ort.__version__, step, lambda: (arrays, logits.ravel())[1]


def serve(version, step, logits, inputs):
    eviction = np.ones(EVICTION_BYTES // 8, np.uint64)
    done = 0

    def run():
        nonlocal done
        began = time.perf_counter_ns()
        step(done % inputs)
        took = time.perf_counter_ns() - began
        done += 1
        return took

    def cold():
        np.multiply(eviction, 3, out=eviction)
        return run()

    print("ready", version, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if command == "logits":
            for _ in range(numbers[0]):
                run()
            answer = [float(x) for x in logits()]
        elif command == "warm":
            for _ in range(numbers[0]):
                run()
            answer = [run() for _ in range(numbers[1])]
        elif command == "cold":
            answer = [cold() for _ in range(numbers[0])]
        else:
            sys.exit(f"`{line.strip()}` is no command")
        print(*answer, flush=True)


def main():
    task, folder = sys.argv[1], Path(sys.argv[2])
    weights = load_file(folder / "weights.safetensors")
    told = json.loads((folder / "inputs.json").read_text())
    if task == "onnx":
        write_onnx(folder, weights, told)
    elif task == "onnxruntime":
        serve(*onnxruntime_engine(folder, told), len(told["tokens"]))
    elif task in ("torch", "torch-mkldnn"):
        import torch

        with torch.inference_mode():
            mkldnn = task == "torch-mkldnn"
            serve(*torch_engine(torch, weights, told, mkldnn), len(told["tokens"]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
