"""The lecture's character model in PyTorch, for docs/alice.md: one line of JSON for each epoch.

    python3 scripts/alice-torch.py FILE SEED EPOCHS

The same recipe as `npm run example:alice`: one-hot, SimpleRNN 128, its last step, Dense; Keras' initial values (Glorot
uniform, orthogonal, zeros; one bias); RMSprop 0.001, 0.9, 1e-7; batches of 128 of all windows in random order.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

LENGTH, UNITS, BATCH = 10, 128, 128


def prepared(path):
    with open(path, encoding='utf-8') as file:
        lines = (line.strip().lower().encode('ascii', 'ignore').decode() for line in file)
        return ' '.join(line for line in lines if line != '')


def main(path, seed, epochs):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    text = prepared(path)
    symbols = sorted(set(text))
    ids = torch.tensor([symbols.index(symbol) for symbol in text])
    windows = ids.unfold(0, LENGTH + 1, 1)
    rnn = nn.RNN(len(symbols), UNITS)
    head = nn.Linear(UNITS, len(symbols))
    nn.init.xavier_uniform_(rnn.weight_ih_l0)
    nn.init.orthogonal_(rnn.weight_hh_l0)
    nn.init.zeros_(rnn.bias_ih_l0)
    nn.init.zeros_(rnn.bias_hh_l0)
    rnn.bias_hh_l0.requires_grad_(False)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    parameters = [p for module in (rnn, head) for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1e-7)
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        total = right = 0.0
        for batch in torch.randperm(len(windows)).split(BATCH):
            x, y = windows[batch, :LENGTH].T, windows[batch, LENGTH]
            _, last = rnn(functional.one_hot(x, len(symbols)).float())
            logits = head(last[0])
            loss = functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            right += (logits.argmax(1) == y).sum().item()
        figures = {'seed': seed, 'epoch': epoch, 'loss': total / len(windows), 'accuracy': right / len(windows)}
        print(json.dumps({**figures, 'seconds': time.perf_counter() - started}), flush=True)


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
