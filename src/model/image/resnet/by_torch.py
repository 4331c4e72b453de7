"""Makes torch-18.txt and torch-50.txt: what PyTorch, in double precision, says of the nets that tests.rs builds.

Run in this folder with torch 2.15 installed (any 2.x will do): python by_torch.py

Weights and images come from one formula on both sides, so no weights are kept. Of each gradient two numbers are kept:
its product with another run of the formula, which every element and its place go into, and its length.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, max_pool2d, relu

torch.set_default_dtype(torch.float64)


def numbers(seed, n):
    """The formula: numbers between -1 and 1, rounded to single precision."""
    i = torch.arange(n, dtype=torch.int64)
    whole = (i * i * 31 + i * 7919 + seed * 104729) % 2003
    return (whole.double() / 1001.0 - 1.0).float().double()


class Block(nn.Module):
    def __init__(self, inputs, inner, stride, bottleneck):
        super().__init__()
        outputs = 4 * inner if bottleneck else inner
        if bottleneck:
            shapes = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        else:
            shapes = [(inputs, inner, 3, stride), (inner, inner, 3, 1)]
        self.count = len(shapes)
        for i, (a, b, kernel, step) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.downsample = None
        if stride > 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.count:
                y = relu(y)
        return relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, counts, bottleneck, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(counts):
            blocks = []
            for nth in range(count):
                inner = 64 << stage
                blocks.append(Block(inputs, inner, 2 if stage > 0 and nth == 0 else 1, bottleneck))
                inputs = 4 * inner if bottleneck else inner
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = max_pool2d(relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def fill(net, last):
    """Fills the net. Norms lift every other channel by 2 and lower the rest, so that hardly a number comes near
    a ReLU's edge, where single precision might take the other side; a block's last norm is kept small."""
    for nth, (name, p) in enumerate(net.named_parameters()):
        run = numbers(nth, p.numel())
        if p.dim() == 4:
            out, _, height, width = p.shape
            deviation = (2.0 / (height * width * out)) ** 0.5
            run = (run * 1.7 * deviation).float().double()
            # Ours are (rows, columns, inputs, outputs).
            run = run.reshape(height, width, p.shape[1], out).permute(3, 2, 0, 1)
        elif name.startswith("fc."):
            run = (run * 0.1).float().double().reshape(p.shape)
        else:
            scale = 0.3 if name.endswith(f".{last}.weight") else 1.0
            shift = 1.0 if name.endswith("weight") else 2.0 - 4.0 * (torch.arange(p.numel()) % 2)
            run = ((run * 0.2 + shift) * scale).float().double()
        p.data.copy_(run)


def line(name, run, seed):
    print(name, f"{torch.dot(run, numbers(seed, run.numel())):.9e} {run.norm():.9e}", file=to)


for depth, counts, bottleneck in [(18, [2, 2, 2, 2], False), (50, [3, 4, 6, 3], True)]:
    net = ResNet(counts, bottleneck, 7)
    fill(net, "bn3" if bottleneck else "bn2")
    x = numbers(1000, 5 * 49 * 63).reshape(5, 1, 49, 63)
    labels = torch.tensor([4, 0, 6, 1, 2])
    logits = net(x)
    loss = cross_entropy(logits, labels)
    loss.backward()
    with open(f"torch-{depth}.txt", "w") as to:
        print("loss", f"{loss.item():.9e} {1:.9e}", file=to)
        line("logits", logits.detach().flatten(), 2000)
        for nth, (name, p) in enumerate(net.named_parameters()):
            g = p.grad.permute(2, 3, 1, 0) if p.dim() == 4 else p.grad
            line(name, g.flatten(), nth + 1)
        for nth, (name, b) in enumerate((n, b) for n, b in net.named_buffers() if "running" in n):
            line(name, b, nth)
        net.eval()
        line("eval", net(x).detach().flatten(), 2000)
