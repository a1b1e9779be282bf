"""Makes recurrent.json: both directions, several layers, packed sequences. See README.md beside this file."""

import json

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from make import HERE, case, draw, scatter

STEPS, BATCH = 6, 3
LENGTHS = [4, 6, 1]


def padded(name, module, seed, lengths):
    """Starts from zero states; with lengths the sequences are packed, and y is 0 at padding."""
    scatter(module, seed)

    def run(given):
        x = given['x']
        if lengths is not None:
            x = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
        y, last = module(x)
        if lengths is not None:
            y, _ = pad_packed_sequence(y, total_length=STEPS)
        if isinstance(module, nn.LSTM):
            return {'y': y, 'h': last[0], 'c': last[1]}
        return {'y': y, 'h': last}

    inputs = {'x': draw(seed + 50, STEPS, BATCH, module.input_size)}
    return {**case(name, module, inputs, run), 'lengths': lengths if lengths is not None else [STEPS] * BATCH}


def main():
    cases = [
        padded('RNN, packed', nn.RNN(4, 5), 1000, LENGTHS),
        padded('LSTM, packed', nn.LSTM(4, 5), 1100, LENGTHS),
        padded('GRU, packed', nn.GRU(4, 5), 1200, LENGTHS),
        padded('LSTM, bidirectional', nn.LSTM(4, 5, bidirectional=True), 1300, None),
        padded('GRU, bidirectional', nn.GRU(4, 5, bidirectional=True), 1400, None),
        padded('LSTM, bidirectional, packed', nn.LSTM(4, 5, bidirectional=True), 1500, LENGTHS),
        padded('GRU, bidirectional, packed', nn.GRU(4, 5, bidirectional=True), 1600, LENGTHS),
        padded('GRU, 2 layers', nn.GRU(4, 5, num_layers=2), 1700, None),
        padded('LSTM, 2 layers, bidirectional', nn.LSTM(4, 3, num_layers=2, bidirectional=True), 1800, None),
        padded('LSTM, 2 layers, bidirectional, packed', nn.LSTM(4, 3, num_layers=2, bidirectional=True), 1900, LENGTHS),
    ]
    (HERE / 'recurrent.json').write_text(json.dumps(cases, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
