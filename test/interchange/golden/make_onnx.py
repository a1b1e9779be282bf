"""Files of ONNX as PyTorch writes them, with what PyTorch gives for them.

Debian 12: apt install python3-torch python3-onnx, then /usr/bin/python3 test/interchange/golden/make_onnx.py
Each file NAME.onnx has its inputs and outputs in torch-onnx.json, of two windows one after the other.
"""
import json
import os

import torch
from torch import nn

torch.manual_seed(17)
here = os.path.dirname(os.path.abspath(__file__))


class Tagger(nn.Module):
    """Embedding, two layers of LSTM, a head: batch first, states started from zeros within."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(9, 6)
        self.rnn = nn.LSTM(6, 5, num_layers=2, batch_first=True)
        self.head = nn.Linear(5, 4)

    def forward(self, x):
        y, _ = self.rnn(self.embed(x))
        return self.head(y)


class Last(nn.Module):
    """The last step alone, of a bidirectional GRU."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, bidirectional=True, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.head(y[:, -1, :])


class Gelu(nn.Module):
    """No recurrence: rows by themselves."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 8)
        self.norm = nn.LayerNorm(8)
        self.outer = nn.Linear(8, 2)

    def forward(self, x):
        return torch.softmax(self.outer(self.norm(nn.functional.gelu(self.inner(x)))), -1)


def tensor(x):
    return {"shape": list(x.shape), "data": x.detach().reshape(-1).tolist()}


def signal(*shape):
    return (torch.randint(-256, 257, shape).float()) / 256


made = {}


def export(name, model, windows, dynamic, inputs, outputs, states=None):
    model.eval()
    path = os.path.join(here, name + ".onnx")
    first = windows[0] if states is None else (windows[0], *states)
    torch.onnx.export(
        model, first, path, opset_version=16, input_names=inputs, output_names=outputs, dynamic_axes=dynamic
    )
    results = []
    carry = states
    for x in windows:
        if carry is None:
            y = model(x)
            results.append({"x": tensor(x), "outputs": [tensor(each) for each in (y if isinstance(y, tuple) else (y,))]})
            continue
        y, after = model(x, carry[0] if len(carry) == 1 else carry)
        carry = after if isinstance(after, tuple) else (after,)
        results.append({"x": tensor(x), "outputs": [tensor(y)], "carry": [tensor(each) for each in carry]})
    made[name] = results


class Stateful(nn.Module):
    """A recurrent layer with its states in the open."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x, *states):
        given = states[0] if len(states) == 1 else states
        return self.rnn(x, given)


def open_rnn(name, rnn, count):
    model = Stateful(rnn)
    states = tuple(torch.zeros(rnn.num_layers, 2, rnn.hidden_size) for _ in range(count))
    names = ["h0", "c0"][:count]
    left = ["hn", "cn"][:count]
    dynamic = {"x": {0: "time", 1: "batch"}, "y": {0: "time", 1: "batch"}}
    for each in [*names, *left]:
        dynamic[each] = {1: "batch"}
    windows = [signal(5, 2, 3), signal(3, 2, 3)]
    export(name, model, windows, dynamic, ["x", *names], ["y", *left], states)


open_rnn("torch-rnn-relu", nn.RNN(3, 4, nonlinearity="relu"), 1)
open_rnn("torch-gru", nn.GRU(3, 4), 1)
open_rnn("torch-lstm-2", nn.LSTM(3, 4, num_layers=2), 2)
both = {"x": {0: "batch", 1: "sequence"}}
export("torch-tagger", Tagger(), [torch.randint(0, 9, (2, 5)), torch.randint(0, 9, (2, 4))], both, ["x"], ["y"])
export("torch-last", Last(), [signal(2, 5, 3), signal(2, 6, 3)], both, ["x"], ["y"])
export("torch-rows", Gelu(), [signal(4, 3), signal(4, 3)], {"x": {0: "batch"}}, ["x"], ["y"])

with open(os.path.join(here, "torch-onnx.json"), "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
