"""Makes torch.txt: what PyTorch, in double precision, says of the network and the window that tests.rs builds.

Run in this folder with torch 2.15 installed (any 2.x will do): python by_torch.py

Weights and inputs come from one formula on both sides. Of each gradient two numbers are kept: its product with
another run of the formula, which every element and its place go into, and its length.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.set_default_dtype(torch.float64)
VOCABULARY, PLACES, FEATURES, EMBEDDING, HIDDEN, LAYERS = 11, 5, 3, 6, 9, 2
STEPS, LANES = 20, 3


def numbers(seed, n):
    """The formula: numbers between -1 and 1, rounded to single precision."""
    i = torch.arange(n, dtype=torch.int64)
    whole = (i * i * 31 + i * 7919 + seed * 104729) % 2003
    return (whole.double() / 1001.0 - 1.0).float().double()


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.place = nn.Embedding(PLACES, EMBEDDING)
        self.context = nn.Linear(FEATURES, EMBEDDING, bias=False)
        self.lstm = nn.LSTM(EMBEDDING, HIDDEN, LAYERS)
        self.head = nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, tokens, places, features, state):
        x = self.embedding(tokens) + self.place(places) + self.context(features)
        y, state = self.lstm(x, state)
        return self.head(y), state


net = Network()
for nth, p in enumerate(net.parameters()):
    p.data.copy_(numbers(nth, p.numel()).reshape(p.shape))
i = torch.arange(STEPS * LANES)
shape = (STEPS, LANES)
tokens, places, targets = (i * 7 % 11).reshape(shape), (i * 3 % 5).reshape(shape), i * i % 11
features = numbers(100, STEPS * LANES * FEATURES).reshape(STEPS, LANES, FEATURES)
counts = (i % 6 != 5).double()
start = numbers(101, LAYERS * 2 * LANES * HIDDEN).reshape(LAYERS, 2, LANES, HIDDEN)
state = (start[:, 0].contiguous(), start[:, 1].contiguous())
logits, end = net(tokens, places, features, state)
nats = (cross_entropy(logits.reshape(-1, VOCABULARY), targets, reduction="none") * counts).sum()
nats.backward()
with open("torch.txt", "w") as to:
    print("nats", f"{nats.item():.9e} {1:.9e}", file=to)
    runs = [(name, p.grad.flatten(), nth + 1) for nth, (name, p) in enumerate(net.named_parameters())]
    runs.append(("end", torch.stack(end, 1).detach().flatten(), 102))
    for name, run, seed in runs:
        print(name, f"{torch.dot(run, numbers(seed, run.numel())):.9e} {run.norm():.9e}", file=to)
