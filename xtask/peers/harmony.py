"""How much of the harmony that people chose can be known from a melody.

    harmony.py FOLDER      trains four recurrent nets on FOLDER (POP909: a track MELODY, chord symbols as markers)

Run it with the Python of `cargo xtask peers`, whose environment has all it needs; it takes five minutes on one core. A
net names the triad of each beat, of 88 songs that it was not trained on; what is counted is the share of that triad's
notes that lie in the chord that stands in the file. It estimates, from below, what an accompanist can know who was told no
chords: `likeliest` if it always plays the triad it believes in most, `drawn` if it draws lots as it believes.
"""

import random
import struct
import sys
from pathlib import Path

import torch
from torch import nn

HELD_OUT = 88
BEATS = 128
STEPS = 500
UNKNOWN = 24

QUALITIES = {
    "maj": [0, 4, 7], "min": [0, 3, 7], "dim": [0, 3, 6], "aug": [0, 4, 8], "sus2": [0, 2, 7], "sus4": [0, 5, 7],
    "5": [0, 7], "maj6": [0, 4, 7, 9], "min6": [0, 3, 7, 9], "7": [0, 4, 7, 10], "maj7": [0, 4, 7, 11],
    "min7": [0, 3, 7, 10], "minmaj7": [0, 3, 7, 11], "dim7": [0, 3, 6, 9], "hdim7": [0, 3, 6, 10],
    "9": [0, 2, 4, 7, 10], "maj9": [0, 2, 4, 7, 11], "min9": [0, 2, 3, 7, 10], "11": [0, 2, 4, 5, 7, 10],
    "min11": [0, 2, 3, 5, 7, 10], "13": [0, 2, 4, 7, 9, 10],
}
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def chord(symbol):
    """Root and intervals of a symbol such as `Bb:min7/5`; None for no chord."""
    root, _, quality = symbol.split("/")[0].partition(":")
    intervals = QUALITIES.get(quality.split("(")[0] or "maj")
    if root[:1] not in LETTERS or intervals is None:
        return None
    return (LETTERS[root[0]] + root.count("#") - root.count("b")) % 12, intervals


def variable_length(data, at):
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at


def read(path):
    """The melody as (onset, end, key) and the chords as (onset, symbol), in beats."""
    data = path.read_bytes()
    (ppq,) = struct.unpack(">H", data[12:14])
    melody, chords, at = [], [], 14
    while at < len(data):
        (length,) = struct.unpack(">I", data[at + 4 : at + 8])
        end, at = at + 8 + length, at + 8
        now, status, name, down, notes = 0, 0, "", {}, []
        while at < end:
            delta, at = variable_length(data, at)
            now += delta
            if data[at] == 0xFF:
                kind = data[at + 1]
                size, at = variable_length(data, at + 2)
                text = data[at : at + size].decode("latin1")
                at += size
                if kind == 3:
                    name = text
                elif kind == 6:
                    chords.append((now / ppq, text))
                continue
            if data[at] in (0xF0, 0xF7):
                size, at = variable_length(data, at + 1)
                at += size
                continue
            if data[at] & 0x80:
                status = data[at]
                at += 1
            if status >> 4 in (12, 13):
                at += 1
                continue
            key, value = data[at], data[at + 1]
            at += 2
            if status >> 4 == 9 and value:
                down.setdefault(key, []).append(now / ppq)
            elif status >> 4 in (8, 9) and down.get(key):
                notes.append((down[key].pop(0), now / ppq, key))
        if name == "MELODY":
            melody = sorted(notes)
    return melody, sorted(chords)


def song(path):
    """By the beat: how long each class sounds in the melody, which sound on the beat, the triad, the chord's classes."""
    melody, chords = read(path)
    if not melody or not chords:
        return None
    beats = int(max(end for _, end, _ in melody)) + 1
    heard, struck, classes = (torch.zeros(beats, 12) for _ in range(3))
    triad = torch.full((beats,), UNKNOWN)
    for onset, end, key in melody:
        for beat in range(int(onset), min(beats, int(end - 1e-6) + 1)):
            heard[beat, key % 12] += min(end, beat + 1) - max(onset, beat)
            if beat > onset:
                struck[beat, key % 12] = 1
        near = round(onset)
        if abs(onset - near) < 1 / 8 and near < beats:
            struck[near, key % 12] = 1
    symbols = iter(chords)
    upcoming, symbol = next(symbols), None
    for beat in range(beats):
        while upcoming and upcoming[0] <= beat + 0.01:
            symbol, upcoming = upcoming[1], next(symbols, None)
        if symbol and (known := chord(symbol)):
            root, intervals = known
            triad[beat] = root + 12 * (3 in intervals)
            classes[beat, [(root + i) % 12 for i in intervals]] = 1
    return heard, struck, triad, classes


def transposed(parts, steps):
    heard, struck, triad, classes = parts
    turned = torch.where(triad == UNKNOWN, triad, (triad % 12 + steps) % 12 + 12 * (triad // 12))
    return heard.roll(steps, 1), struck.roll(steps, 1), turned, classes.roll(steps, 1)


def features(parts, told):
    """What a net is told on each beat; `past` always: the melody of the beat before."""
    heard, struck, triad, _ = parts
    place = nn.functional.one_hot(torch.arange(len(heard)) % 8, 8).float()
    columns = [torch.cat([torch.zeros(1, 12), heard[:-1]]), place]
    if "now" in told:
        columns.append(struck)
    if "future" in told:
        columns.append(heard)
    if "chords" in told:
        known = nn.functional.one_hot(triad, 25).float()
        columns.append(torch.cat([torch.zeros(1, 25), known[:-1]]))
    return torch.cat(columns, 1)


class Net(nn.Module):
    def __init__(self, inputs, both_ways):
        super().__init__()
        self.lstm = nn.LSTM(inputs, 192, 2, batch_first=True, dropout=0.2, bidirectional=both_ways)
        self.head = nn.Linear(384 if both_ways else 192, 24)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


def window(parts, told):
    """A random stretch in a random key, padded."""
    parts = transposed(parts, random.randrange(12))
    x, y = features(parts, told), parts[2]
    start = random.randrange(max(1, len(x) - BEATS))
    x, y = x[start : start + BEATS], y[start : start + BEATS]
    missing = BEATS - len(x)
    return nn.functional.pad(x, (0, 0, 0, missing)), nn.functional.pad(y, (0, missing), value=UNKNOWN)


def measure(told, train, held_out):
    net = Net(features(train[0], told).shape[1], "future" in told)
    adam = torch.optim.Adam(net.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, STEPS)
    for _ in range(STEPS):
        x, y = zip(*(window(random.choice(train), told) for _ in range(24)))
        logits = net(torch.stack(x)).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, torch.stack(y).flatten(), ignore_index=UNKNOWN)
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        schedule.step()
    net.eval()
    triads = torch.zeros(24, 12)
    for name in range(24):
        triads[name, [(name + i) % 12 for i in (QUALITIES["min"] if name >= 12 else QUALITIES["maj"])]] = 1 / 3
    beats = right = likeliest = drawn = 0
    with torch.no_grad():
        for parts in held_out:
            belief = net(features(parts, told)[None])[0].softmax(1)
            known = parts[2] != UNKNOWN
            in_chord = parts[3] @ triads.T
            best = belief.argmax(1)
            beats += known.sum().item()
            right += (best == parts[2])[known].sum().item()
            likeliest += in_chord[torch.arange(len(best)), best][known].sum().item()
            drawn += (in_chord * belief).sum(1)[known].sum().item()
    print(
        f"told {', '.join(told):24} triad right {right / beats:.3f}; in the chord: "
        f"likeliest {likeliest / beats:.3f}, drawn {drawn / beats:.3f}",
        flush=True,
    )


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(1)
    random.seed(1)
    torch.set_num_threads(1)
    songs = [s for s in map(song, sorted(Path(sys.argv[1]).glob("*.mid"))) if s]
    if len(songs) <= HELD_OUT:
        sys.exit(f"{sys.argv[1]} has {len(songs)} .mid files with a MELODY and chords; more than {HELD_OUT} are needed")
    random.shuffle(songs)
    held_out, train = songs[:HELD_OUT], songs[HELD_OUT:]
    for told in (["past"], ["past", "now"], ["past", "now", "future"], ["past", "now", "chords"]):
        measure(told, train, held_out)


if __name__ == "__main__":
    main()
