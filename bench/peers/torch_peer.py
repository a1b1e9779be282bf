"""PyTorch beside us: answers on stdout, one JSON line for each request line on stdin.

A request is `{"case": "W3 lstm128x2", "seconds": 0.4}`; the answer has the rate over that time, in the case's unit, or
the latencies of W5. The first request for a case builds and warms it. Debian: python3-torch, libopenblas0-pthread.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
torch.manual_seed(0)


class LanguageModel(nn.Module):
    """Embedding, stacked recurrent layers, dropout where asked for, and a dense head."""

    def __init__(self, cell, symbols, features, units, layers, dropout=0.0):
        super().__init__()
        self.embed = nn.Embedding(symbols, features)
        self.rnn = getattr(nn, cell)(features, units, layers)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(units, symbols)

    def forward(self, x, carry):
        y, carry = self.rnn(self.embed(x), carry)
        return self.head(self.drop(y)), carry


def constant(carry):
    return tuple(part.detach() for part in carry) if isinstance(carry, tuple) else carry.detach()


def product(m, n, k):
    a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
    return (lambda: torch.mm(a, b, out=c)), 2 * m * n * k / 1e9


def products(count, m, n, k):
    a, b, c = torch.randn(count, m, k), torch.randn(count, k, n), torch.empty(count, m, n)
    return (lambda: torch.bmm(a, b, out=c)), 2 * count * m * n * k / 1e9


def last_step_rnn():
    steps, batch, symbols, units = 10, 128, 65, 128
    rnn, head = nn.RNN(symbols, units), nn.Linear(units, symbols)
    optimizer = torch.optim.RMSprop([*rnn.parameters(), *head.parameters()], 1e-3)
    x = F.one_hot(torch.randint(symbols, (steps, batch)), symbols).float()
    y = torch.randint(symbols, (batch,))

    def step():
        optimizer.zero_grad()
        h, _ = rnn(x)
        F.cross_entropy(head(h[-1]), y).backward()
        optimizer.step()

    return step, steps * batch


def language(cell, symbols, features, units, layers, steps, batch, dropout=0.0):
    model = LanguageModel(cell, symbols, features, units, layers, dropout)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.randint(symbols, (steps, batch)), torch.randint(symbols, (steps, batch))
    carry = None

    def step():
        nonlocal carry
        optimizer.zero_grad()
        logits, carry = model(x, carry)
        F.cross_entropy(logits.view(-1, symbols), y.view(-1)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        carry = constant(carry)

    return step, steps * batch


def lenet5():
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    x, y = torch.rand(64, 1, 28, 28), torch.randint(10, (64,))

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step, 64
class Block(nn.Module):
    """A pre-norm block with causal attention: one projection for queries, keys and values."""

    def __init__(self, features, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.project, self.output = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.inner, self.outer = nn.Linear(features, 4 * features), nn.Linear(4 * features, features)

    def forward(self, x, hidden):
        batch, steps, features = x.shape
        width = features // self.heads
        split = self.project(self.norm1(x)).view(batch, steps, 3, self.heads, width)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        weights = ((q @ k.transpose(-1, -2)) / width**0.5).masked_fill(hidden, float("-inf")).softmax(-1)
        x = x + self.output((weights @ v).transpose(1, 2).reshape(batch, steps, features))
        return x + self.outer(F.relu(self.inner(self.norm2(x))))


def transformer():
    batch, steps, features, symbols = 12, 64, 128, 65
    embed, positions = nn.Embedding(symbols, features), nn.Embedding(steps, features)
    blocks, head = nn.ModuleList([Block(features, 4) for _ in range(4)]), nn.Linear(features, symbols)
    parameters = [p for part in (embed, positions, blocks, head) for p in part.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-3)
    x, y = torch.randint(symbols, (batch, steps)), torch.randint(symbols, (batch, steps))
    hidden = torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1)

    def step():
        optimizer.zero_grad()
        z = embed(x) + positions.weight
        for block in blocks:
            z = block(z, hidden)
        F.cross_entropy(head(z).view(-1, symbols), y.view(-1)).backward()
        optimizer.step()

    return step, batch * steps


def generation(units, layers):
    model = LanguageModel("LSTM", 65, 64, units, layers).eval()
    carry, symbol = None, torch.zeros(1, 1, dtype=torch.long)

    def step():
        nonlocal carry, symbol
        with torch.no_grad():
            logits, carry = model(symbol, carry)
            symbol = torch.multinomial(F.softmax(logits.view(-1), 0), 1).view(1, 1)

    return step, 1


def streams(count):
    model = LanguageModel("LSTM", 65, 64, 128, 1).eval()
    carry, symbols = None, torch.zeros(1, count, dtype=torch.long)

    def step():
        nonlocal carry
        with torch.no_grad():
            logits, carry = model(symbols, carry)
            logits.view(count, -1).softmax(-1)

    return step, count


CASES = {
    **{
        f"W1 {m}x{n}x{k}": (lambda m=m, n=n, k=k: product(m, n, k))
        for m, n, k in [(128, 512, 128), (32, 2048, 512), (512, 512, 512), (1024, 1024, 1024), (20, 10000, 500)]
    },
    **{
        f"W1 {count} of {m}x{n}x{k}": (lambda count=count, m=m, n=n, k=k: products(count, m, n, k))
        for count, m, n, k in [(48, 64, 64, 32), (48, 64, 32, 64), (192, 64, 64, 64), (8, 256, 256, 256)]
    },
    "W2 rnn128": last_step_rnn,
    "W3 lstm128x2": lambda: language("LSTM", 65, 64, 128, 2, 50, 32),
    "W3b lstm512x2": lambda: language("LSTM", 65, 64, 512, 2, 50, 50),
    "W3g gru128x2": lambda: language("GRU", 65, 64, 128, 2, 50, 32),
    "W3o online lstm128 B1 T32": lambda: language("LSTM", 65, 64, 128, 1, 32, 1),
    "W4 word lstm500x2": lambda: language("LSTM", 10000, 500, 500, 2, 30, 20, 0.5),
    "W6 lenet5": lenet5,
    "W7 transformer": transformer,
    "W5 lstm128x1": lambda: generation(128, 1),
    "W5 lstm512x2": lambda: generation(512, 2),
    **{f"W8 lstm128 streams{k}": (lambda k=k: streams(k)) for k in (64, 256, 1024)},
}

built = {}


def answer(request):
    name, seconds = request["case"], request["seconds"]
    if name not in CASES:
        return {"case": name, "error": "unknown"}
    if name not in built:
        built.clear()
        built[name] = CASES[name]()
        for _ in range(3):
            built[name][0]()
    step, work = built[name]
    if name.startswith("W5"):
        times = []
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            before = time.perf_counter()
            step()
            times.append((time.perf_counter() - before) * 1e6)
        times.sort()
        return {"case": name, "figure": times[len(times) // 2]}
    count, start = 0, time.perf_counter()
    while True:
        step()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return {"case": name, "figure": work * count / elapsed}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
