"""Makes transformers.json: attention by its formula, and whole small Transformers of PyTorch's layers. See README.md."""

import json

import torch
from torch import nn
from torch.nn import functional

from make import HERE, case, draw, scatter
from make_attention import BATCH, CAUSAL, FEATURES, HEADS, LENGTHS, STEPS, padding

SYMBOLS, HIDDEN, BLOCKS = 7, 12, 2
HIDDEN_PAIRS = torch.tensor([
    [0, 1, 0, 0, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 1], [0, 0, 1, 1, 0]
], dtype=torch.bool)
"""Which step (row) does not see which (column)."""
NEAR = lambda x: functional.gelu(x, approximate='tanh')


def ids(seed, steps, below):
    return torch.randint(below, (steps, BATCH), generator=torch.Generator().manual_seed(seed))


def dot_product(name, seed, hidden=None, keys=STEPS, heads=1, values=FEATURES):
    """softmax(QK'/sqrt(d))V as it is written, for each head of each lane."""
    inputs = {
        'queries': draw(seed, STEPS, BATCH, FEATURES),
        'keys': draw(seed + 1, keys, BATCH, FEATURES),
        'values': draw(seed + 2, keys, BATCH, values),
    }

    def run(given):
        outputs = []
        for b in range(BATCH):
            parts = []
            for q, k, v in zip(*(given[name][:, b].chunk(heads, -1) for name in ('queries', 'keys', 'values'))):
                scores = q @ k.T / q.shape[-1] ** 0.5
                unseen = torch.zeros_like(scores, dtype=torch.bool) if hidden is None else hidden
                unseen = unseen[b] if unseen.dim() == 3 else unseen
                # A query that sees nothing gives 0: its weights are equal ones, times 0.
                parts.append((torch.softmax(scores.masked_fill(unseen, -1e30), -1) * ~unseen) @ v)
            outputs.append(torch.cat(parts, -1))
        return {'y': torch.stack(outputs, 1)}

    return case(name, None, inputs, run)


def pairwise(seed):
    module = nn.MultiheadAttention(FEATURES, HEADS)
    scatter(module, seed)

    def run(given):
        x = given['x']
        return {'y': module(x, x, x, need_weights=False, attn_mask=HIDDEN_PAIRS)[0]}

    return case('MultiheadAttention, pairs', module, {'x': draw(seed + 50, STEPS, BATCH, FEATURES)}, run)


def encoder_of(norm_first, activation):
    layer = nn.TransformerEncoderLayer(
        FEATURES, HEADS, HIDDEN, dropout=0.0, activation=activation, norm_first=norm_first
    )
    return nn.TransformerEncoder(layer, BLOCKS, nn.LayerNorm(FEATURES) if norm_first else None)


class Gpt(nn.Module):
    def __init__(self, activation, tied):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, FEATURES)
        self.positions = nn.Embedding(STEPS, FEATURES)
        self.blocks = encoder_of(True, activation)
        self.tied = tied
        if not tied:
            self.head = nn.Linear(FEATURES, SYMBOLS, bias=False)

    def forward(self, x):
        z = self.embed(x) + self.positions.weight[:, None]
        z = self.blocks(z, mask=CAUSAL)
        return z @ self.embed.weight.T if self.tied else self.head(z)


class Bert(nn.Module):
    def __init__(self, norm_first, activation):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, FEATURES)
        self.positions = nn.Embedding(STEPS, FEATURES)
        self.encoder = encoder_of(norm_first, activation)
        self.head = nn.Linear(FEATURES, SYMBOLS)

    def forward(self, x, hidden):
        z = self.embed(x) + self.positions.weight[:, None]
        return self.head(self.encoder(z, src_key_padding_mask=hidden))


class EncoderDecoder(nn.Module):
    """PyTorch's Transformer with embeddings, the sines of the paper, and a head."""

    def __init__(self, norm_first, activation):
        super().__init__()
        self.read = nn.Embedding(SYMBOLS, FEATURES)
        self.write = nn.Embedding(SYMBOLS + 1, FEATURES)
        self.encoder = encoder_of(norm_first, activation)
        layer = nn.TransformerDecoderLayer(
            FEATURES, HEADS, HIDDEN, dropout=0.0, activation=activation, norm_first=norm_first
        )
        self.decoder = nn.TransformerDecoder(layer, BLOCKS, nn.LayerNorm(FEATURES) if norm_first else None)
        self.head = nn.Linear(FEATURES, SYMBOLS + 1)

    def forward(self, source, target, hidden):
        memory = self.encoder(self.read(source) + sines(len(source)), src_key_padding_mask=hidden)
        z = self.write(target) + sines(len(target))
        causal = CAUSAL[:len(target), :len(target)]
        return self.head(self.decoder(z, memory, tgt_mask=causal, memory_key_padding_mask=hidden))


def sines(steps):
    t = torch.arange(steps)[:, None, None]
    angle = t / 10_000 ** (torch.arange(0, FEATURES, 2) / FEATURES)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(2)


def gpt(name, seed, activation, tied):
    module = Gpt(activation, tied)
    scatter(module, seed)
    return case(name, module, {'x': ids(seed, STEPS, SYMBOLS)}, lambda given: {'y': module(given['x'])})


def bert(name, seed, norm_first, activation):
    """Its last symbol fills up lanes."""
    module = Bert(norm_first, activation)
    scatter(module, seed)
    x = ids(seed, STEPS, SYMBOLS - 1)
    hidden = padding(LENGTHS, STEPS)
    x[hidden.T] = SYMBOLS - 1

    return case(name, module, {'x': x}, lambda given: {'y': module(given['x'], hidden)})


def encoder_decoder(name, seed, norm_first, activation):
    """The source's last symbol fills up lanes; the target has one step less than the source."""
    module = EncoderDecoder(norm_first, activation)
    scatter(module, seed)
    source = ids(seed, STEPS, SYMBOLS - 1)
    hidden = padding(LENGTHS, STEPS)
    source[hidden.T] = SYMBOLS - 1
    inputs = {'source': source, 'target': ids(seed + 1, STEPS - 1, SYMBOLS + 1)}
    return case(name, module, inputs, lambda given: {'y': module(given['source'], given['target'], hidden)})


def main():
    by_lanes = torch.stack([HIDDEN_PAIRS, HIDDEN_PAIRS.T, ~HIDDEN_PAIRS])
    nothing = HIDDEN_PAIRS.clone()
    nothing[3] = True
    cases = [
        dot_product('attention', 2100, keys=4),
        dot_product('attention, 2 heads, causal', 2110, CAUSAL, heads=2),
        dot_product('attention, padded', 2120, padding(LENGTHS, STEPS)[:, None, :].expand(-1, STEPS, -1)),
        dot_product('attention, pairs', 2130, HIDDEN_PAIRS, heads=4),
        dot_product('attention, pairs, a query that sees nothing', 2140, nothing),
        dot_product('attention, pairs by lanes, causal and padded', 2150,
                    by_lanes | CAUSAL | padding(LENGTHS, STEPS)[:, None, :], heads=2),
        dot_product('attention, wider values', 2160, keys=4, heads=2, values=6),
        pairwise(2170),
        gpt('GPT', 2200, 'gelu', False),
        gpt('GPT, tied', 2300, NEAR, True),
        bert('BERT, pre', 2400, True, NEAR),
        bert('BERT, post', 2500, False, 'gelu'),
        encoder_decoder('encoder-decoder, pre', 2600, True, 'gelu'),
        encoder_decoder('encoder-decoder, post', 4164, False, 'relu'),
    ]
    (HERE / 'transformers.json').write_text(json.dumps(cases, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
