"""PyTorch learns a text online, one lane, each window scored before it is learnt. The text's symbols come on stdin as 32-bit integers; one JSON line
says the bits of all, how many were scored, and the seconds that it took. usage: torch_online.py SYMBOLS EMBED UNITS LAYERS LENGTH RATE CLIP SEED"""
import array
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

symbols, embed, units, layers, length = map(int, sys.argv[1:6])
rate, clip, seed = float(sys.argv[6]), float(sys.argv[7]), int(sys.argv[8])
torch.set_num_threads(1)
torch.manual_seed(seed)
numbers = array.array('i')
numbers.frombytes(sys.stdin.buffer.read())
text = torch.tensor(numbers, dtype=torch.long)

table = nn.Embedding(symbols, embed)
rnn = nn.LSTM(embed, units, layers)
head = nn.Linear(units, symbols)
weights = [*table.parameters(), *rnn.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(weights, rate)
carry, nats, scored = None, 0.0, 0
since = time.perf_counter()
for at in range(0, len(text) - 1 - length + 1, length):
    window = text[at : at + length + 1]
    optimizer.zero_grad(set_to_none=True)
    states, carry = rnn(table(window[:-1])[:, None], carry)
    loss = F.cross_entropy(head(states[:, 0]), window[1:])
    loss.backward()
    nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
    carry = tuple(part.detach() for part in carry)
    nats += float(loss.detach()) * length
    scored += length
print(json.dumps({'bits': nats / math.log(2), 'scored': scored, 'seconds': time.perf_counter() - since}))
