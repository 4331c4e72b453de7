"""PyTorch's side of `sideman-train bench`: the same nets on batches of the same sizes.

`python rival.py THREADS JOB...` makes the job ready, says `ready`, and then answers each line on its input with
the seconds of one training step and the peak memory in MB over what was there before the job was made.
"""

import sys
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy, max_pool2d, relu_


def peak_mb():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


class Network(nn.Module):
    """Token, place in the bar and context in; two LSTM layers; one softmax."""

    def __init__(self, vocabulary, places, features, width, layers):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.place = nn.Embedding(places, width)
        self.context = nn.Linear(features, width, bias=False)
        self.lstm = nn.LSTM(width, width, layers)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens, places, features, state):
        x = self.embedding(tokens) + self.place(places) + self.context(features)
        y, state = self.lstm(x, state)
        return self.head(y), state


def lstm(vocabulary, places, features, width, layers, steps, lanes):
    net = Network(vocabulary, places, features, width, layers)
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    shape = (steps, lanes)
    tokens, targets = (torch.randint(vocabulary, shape) for _ in range(2))
    bars = torch.randint(places, shape)
    context = (torch.rand(steps, lanes, features) < 1 / 3).float()
    zeros = torch.zeros(layers, lanes, width)
    state = (zeros, zeros)

    def step():
        nonlocal state
        adam.zero_grad()
        logits, after = net(tokens, bars, context, state)
        cross_entropy(logits.reshape(-1, vocabulary), targets.reshape(-1)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        state = tuple(s.detach() for s in after)

    return step


class Bottleneck(nn.Module):
    def __init__(self, inputs, inner, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.downsample = nn.Identity()
        if stride > 1 or inputs != 4 * inner:
            conv = nn.Conv2d(inputs, 4 * inner, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * inner))

    def forward(self, x):
        y = relu_(self.bn1(self.conv1(x)))
        y = relu_(self.bn2(self.conv2(y)))
        return relu_(self.bn3(self.conv3(y)).add_(self.downsample(x)))


class ResNet50(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        blocks, inputs = [], 64
        for stage, count in enumerate([3, 4, 6, 3]):
            for nth in range(count):
                inner = 64 << stage
                blocks.append(Bottleneck(inputs, inner, 2 if stage > 0 and nth == 0 else 1))
                inputs = 4 * inner
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = max_pool2d(relu_(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.blocks(x).mean((2, 3)))


def resnet(classes, batch, height, width):
    # Channels last is PyTorch's fastest layout on a CPU.
    net = ResNet50(classes).to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(net.parameters(), 1e-3)
    images = torch.randn(batch, 1, height, width).to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % classes

    def step():
        sgd.zero_grad()
        cross_entropy(net(images), labels).backward()
        sgd.step()

    return step


torch.set_num_threads(int(sys.argv[1]))
base = peak_mb()
step = {"lstm": lstm, "resnet": resnet}[sys.argv[2]](*map(int, sys.argv[3:]))
print("ready", torch.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    step()
    print(time.perf_counter() - start, peak_mb() - base, flush=True)
