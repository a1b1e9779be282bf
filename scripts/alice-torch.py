"""The lecture's two text models in PyTorch, for docs/alice.md: one line of JSON for each epoch.

    python3 scripts/alice-torch.py FILE SEED EPOCHS [--model words] [--state FILE]

The same recipes as `npm run example:alice`. Characters: one-hot, SimpleRNN 128, its last step, Dense; RMSprop 0.001, 0.9,
1e-7; batches of 128 of all windows in random order. Words: Embedding 500, LSTM 500 twice, Dropout 0.5, Dense at every step;
Adam; batches of 20, the last tenth of the windows held out. Initial values are ours: Glorot uniform for each gate, orthogonal,
zeros, 1 for forget gates; one bias; N(0, 1) for the embedding. With --state a run goes on from where it ended.
"""

import argparse
import json
import os
import re
import time

import torch
from torch import nn
from torch.nn import functional


def prepared(path):
    with open(path, encoding='utf-8') as file:
        lines = (line.strip().lower().encode('ascii', 'ignore').decode() for line in file)
        return ' '.join(line for line in lines if line != '')


def numbered(symbols):
    known = sorted(set(symbols))
    numbers = {symbol: number for number, symbol in enumerate(known)}
    return torch.tensor([numbers[symbol] for symbol in symbols]), len(known)


def initialise(rnn, gates):
    """Each gate's block by itself; one of PyTorch's two biases stays 0."""
    for name, values in rnn.named_parameters():
        for block in values.data.chunk(gates):
            if name.startswith('weight_ih'):
                nn.init.xavier_uniform_(block)
            elif name.startswith('weight_hh'):
                nn.init.orthogonal_(block)
            else:
                nn.init.zeros_(block)
        if name.startswith('bias_hh'):
            values.requires_grad_(False)
        elif name.startswith('bias_ih') and gates == 4:
            nn.init.ones_(values.data.chunk(gates)[1])


class Characters(nn.Module):
    """Windows of ten characters, step 1, and the one after each."""

    batch = 128

    def __init__(self, text):
        super().__init__()
        ids, self.size = numbered(text)
        windows = ids.unfold(0, 11, 1)
        self.data, self.held_out = (windows[:, :10], windows[:, 10:]), None
        self.rnn, self.head = nn.RNN(self.size, 128), nn.Linear(128, self.size)
        initialise(self.rnn, 1)

    def forward(self, x):
        _, last = self.rnn(functional.one_hot(x, self.size).float())
        return self.head(last)

    def optimizer(self, parameters):
        return torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1e-7)


class Words(nn.Module):
    """Windows of 30 words side by side, and the next word at each step."""

    batch = 20

    def __init__(self, text):
        super().__init__()
        ids, self.size = numbered(re.findall(r"[a-z0-9]+(?:'[a-z]+)*|[^\sa-z0-9]", text))
        count = (len(ids) - 1) // 30
        x, y = (ids[at : at + 30 * count].view(count, 30) for at in (0, 1))
        # Half a window is rounded up, as in JavaScript.
        kept = count - int(count * 0.1 + 0.5)
        self.data, self.held_out = (x[:kept], y[:kept]), (x[kept:], y[kept:])
        self.embed, self.head = nn.Embedding(self.size, 500), nn.Linear(500, self.size)
        self.rnn, self.drop = nn.LSTM(500, 500, 2), nn.Dropout(0.5)
        initialise(self.rnn, 4)

    def forward(self, x):
        return self.head(self.drop(self.rnn(self.embed(x))[0]))

    def optimizer(self, parameters):
        return torch.optim.Adam(parameters, lr=1e-3)


def epoch(model, data, order, optimizer=None):
    """The mean loss and accuracy of all batches, learnt from where there is an optimizer."""
    x, y = data
    total = right = count = 0
    model.train(optimizer is not None)
    with torch.set_grad_enabled(optimizer is not None):
        for batch in order.split(model.batch):
            logits, targets = model(x[batch].T).flatten(0, 1), y[batch].T.flatten()
            loss = functional.cross_entropy(logits, targets)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(targets)
            right += (logits.argmax(1) == targets).sum().item()
            count += len(targets)
    return {'loss': total / count, 'accuracy': right / count}


def main(options):
    if options.model == 'characters':
        torch.set_num_threads(1)  # Faster than two: its products are small.
    torch.manual_seed(options.seed)
    model = {'characters': Characters, 'words': Words}[options.model](prepared(options.file))
    nn.init.xavier_uniform_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    optimizer = model.optimizer([p for p in model.parameters() if p.requires_grad])
    first = 1
    if options.state and os.path.exists(options.state):
        state = torch.load(options.state)
        model.load_state_dict(state['model'])
        optimizer.load_state_dict(state['optimizer'])
        torch.set_rng_state(state['random'])
        first = state['epoch'] + 1
    for number in range(first, options.epochs + 1):
        started = time.perf_counter()
        figures = epoch(model, model.data, torch.randperm(len(model.data[0])), optimizer)
        if model.held_out:
            figures['validation'] = epoch(model, model.held_out, torch.arange(len(model.held_out[0])))
        seconds = time.perf_counter() - started
        print(json.dumps({'seed': options.seed, 'epoch': number, **figures, 'seconds': seconds}), flush=True)
        if options.state:
            kept = {'model': model.state_dict(), 'optimizer': optimizer.state_dict(), 'random': torch.get_rng_state()}
            torch.save({**kept, 'epoch': number}, options.state)


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('file')
    parser.add_argument('seed', type=int)
    parser.add_argument('epochs', type=int)
    parser.add_argument('--model', choices=['characters', 'words'], default='characters')
    parser.add_argument('--state')
    main(parser.parse_args())
