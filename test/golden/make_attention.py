"""Makes attention.json from PyTorch. See README.md beside this file."""

import json

import torch
from torch import nn

from make import HERE, case, draw, scatter

STEPS, BATCH, FEATURES, HEADS = 5, 3, 8, 2
LENGTHS = (5, 2, 4)
"""Steps of each lane that are not padding."""


def padding(lengths, steps):
    """True where there is padding, [B, T] as PyTorch wants it."""
    return torch.arange(steps)[None, :] >= torch.tensor(lengths)[:, None]


CAUSAL = torch.triu(torch.ones(STEPS, STEPS, dtype=torch.bool), 1)


def attention(name, seed, memory=False, **options):
    module = nn.MultiheadAttention(FEATURES, HEADS)
    scatter(module, seed)
    inputs = {'x': draw(seed + 50, STEPS, BATCH, FEATURES)}
    if memory:
        inputs['memory'] = draw(seed + 51, 4, BATCH, FEATURES)

    def run(given):
        keys = given.get('memory', given['x'])
        return {'y': module(given['x'], keys, keys, need_weights=False, **options)[0]}

    return case(name, module, inputs, run)


def norm():
    module = nn.LayerNorm(FEATURES)
    scatter(module, 1000)
    return case('LayerNorm', module, {'x': draw(1050, STEPS, BATCH, FEATURES)}, lambda given: {'y': module(given['x'])})


def encoder(name, seed, norm_first, **options):
    module = nn.TransformerEncoderLayer(FEATURES, HEADS, 12, dropout=0.0, norm_first=norm_first)
    scatter(module, seed)
    inputs = {'x': draw(seed + 50, STEPS, BATCH, FEATURES)}
    return case(name, module, inputs, lambda given: {'y': module(given['x'], **options)})


def decoder(name, seed, norm_first):
    module = nn.TransformerDecoderLayer(FEATURES, HEADS, 12, dropout=0.0, norm_first=norm_first)
    scatter(module, seed)
    inputs = {'x': draw(seed + 50, STEPS, BATCH, FEATURES), 'memory': draw(seed + 51, 4, BATCH, FEATURES)}
    hidden = padding((4, 1, 3), 4)

    def run(given):
        y = module(given['x'], given['memory'], tgt_mask=CAUSAL, memory_key_padding_mask=hidden)
        return {'y': y}

    return case(name, module, inputs, run)


def main():
    hidden = padding(LENGTHS, STEPS)
    cases = [
        norm(),
        attention('MultiheadAttention', 1100),
        attention('MultiheadAttention, padded', 1200, key_padding_mask=hidden),
        attention('MultiheadAttention, causal', 1300, attn_mask=CAUSAL),
        attention('MultiheadAttention, memory', 1400, memory=True),
        encoder('TransformerEncoderLayer, post', 1500, False),
        encoder('TransformerEncoderLayer, pre', 1600, True),
        encoder('TransformerEncoderLayer, pre, padded', 1700, True, src_key_padding_mask=hidden),
        encoder('TransformerEncoderLayer, pre, causal', 1800, True, src_mask=CAUSAL),
        decoder('TransformerDecoderLayer, post', 1900, False),
        decoder('TransformerDecoderLayer, pre', 2000, True),
    ]
    (HERE / 'attention.json').write_text(json.dumps(cases, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
