"""The other side of `test/examples/pytorch.test.ts`, one process for all of it.

In the folder that is given: each model of ours, NAME.safetensors with NAME.json (inputs and mix), is read by the module of
Python in its metadata, strictly, and runs; its outputs are written to NAME.out.json and its gradients to NAME.grad.pt. Then
models of PyTorch's own, below, are written to be imported: theirs/NAME.pt, .json (inputs, mix, outputs) and .grad.pt.

The loss is the sum of mix * output over all outputs, a mean with made weights. Of two biases that stand for one of ours the second's gradient is 0 in
the file, so that their sum is ours.
"""
import json
import struct
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
folder = Path(sys.argv[1])


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop('__metadata__', {})
    start = 8 + length

    def tensor(entry):
        begin, end = entry['data_offsets']
        assert entry['dtype'] == 'F32'
        return torch.frombuffer(bytearray(data[start + begin : start + end]), dtype=torch.float32).reshape(entry['shape'])

    return {name: tensor(entry) for name, entry in header.items()}, metadata


def given(value):
    return torch.tensor(value['data'], dtype=torch.int64 if value['type'] == 'int32' else torch.float32).reshape(value['shape'])


def told(tensor):
    kind = 'float32' if tensor.is_floating_point() else 'int32'
    return {'shape': list(tensor.shape), 'type': kind, 'data': tensor.detach().flatten().tolist()}


def gradients(model):
    """By the names of the state_dict; tied weights have one gradient under both."""
    named = model.state_dict(keep_vars=True)
    grads = {}
    for name, parameter in named.items():
        grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
        if 'bias_hh_l' in name:
            rows = grad.shape[0] // 3 * 2 if 'GRU' in kind_of(model, name) else grad.shape[0]
            grad[:rows] = 0
        grads[name] = grad
    return grads


def kind_of(model, name):
    owner = model
    for part in name.split('.')[:-1]:
        owner = getattr(owner, part)
    return ' '.join(each.__name__ for each in type(owner).__mro__)


def run(model, inputs, mix):
    outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    loss = sum((output * factor).sum() for output, factor in zip(outputs, mix(outputs)))
    loss.backward()
    return outputs


for path in sorted(folder.glob('*.safetensors')):
    case = json.loads(path.with_suffix('.json').read_text())
    state, metadata = read_safetensors(path)
    space = {}
    exec(metadata['python'], space)
    model = space['Model']()
    model.load_state_dict(state, strict=True)
    outputs = run(model, [given(each) for each in case['inputs']], lambda _: [given(each) for each in case['mix']])
    path.with_suffix('.out.json').write_text(json.dumps([told(output) for output in outputs]))
    torch.save(gradients(model), path.with_suffix('.grad.pt'))


class Chain(nn.Module):
    """Parts by name, one after another; recurrent ones give what they give and keep the rest."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x):
        for part in self.children():
            x = part(x)
            x = x[0] if isinstance(x, tuple) else x
        return x


class Alone(nn.Module):
    """What a part gives, without its state; the names are the part's own."""

    def __init__(self, part, run):
        super().__init__()
        self.part = part
        self.run = run

    def forward(self, *x):
        return self.run(self.part, *x)


class CharRnn(nn.Module):
    def __init__(self, symbols, features, units, layers):
        super().__init__()
        self.encoder = nn.Embedding(symbols, features)
        self.rnn = nn.LSTM(features, units, layers)
        self.decoder = nn.Linear(units, symbols)

    def forward(self, ids):
        return self.decoder(self.rnn(self.encoder(ids))[0])


class Gpt(nn.Module):
    def __init__(self, symbols, steps, features, heads, layers):
        super().__init__()
        self.embed = nn.Embedding(symbols, features)
        self.positions = nn.Embedding(steps, features)
        block = nn.TransformerEncoderLayer(features, heads, 4 * features, 0.0, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, nn.LayerNorm(features))
        self.head = nn.Linear(features, symbols, bias=False)

    def forward(self, ids):
        x = self.embed(ids) + self.positions(torch.arange(len(ids)))[:, None]
        mask = torch.full((len(ids), len(ids)), float('-inf')).triu(1)
        return self.head(self.blocks(x, mask))


class Images(nn.Module):
    """LeNet's kind of net, channels first as PyTorch has them; our images come as [1, B, H, W, C]."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2, padding=1), nn.Tanh())
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(4 * 4 * 4, 6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, x):
        return self.classifier(self.features(x[0].permute(0, 3, 1, 2)))[None]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 4)
        self.rnn = nn.LSTM(4, 3, 2, bidirectional=True)
        self.tags = nn.Linear(6, 3)
        self.intents = nn.Linear(6, 2)

    def forward(self, words):
        h, _ = self.rnn(self.words(words))
        return self.tags(h), self.intents(h.max(0).values)


def masked(steps):
    return torch.full((steps, steps), float('-inf')).triu(1)


state = lambda module, x: module(x)[0]
plain = lambda module, x: module(x)
x = lambda *shape: torch.randn(*shape)
ids = lambda symbols, *shape: torch.randint(symbols, shape)
sequence = [x(5, 2, 4)]
theirs = {
    'simpleRnn': (Alone(nn.RNN(4, 3), state), sequence),
    'simpleRnn, relu': (Alone(nn.RNN(4, 3, nonlinearity='relu'), state), sequence),
    'lstm': (Alone(nn.LSTM(4, 3), state), sequence),
    'lstm without biases': (Alone(nn.LSTM(4, 3, bias=False), state), sequence),
    'gru': (Alone(nn.GRU(4, 3), state), sequence),
    'lstm, bidirectional': (Alone(nn.LSTM(4, 3, bidirectional=True), state), sequence),
    'gru, bidirectional': (Alone(nn.GRU(4, 3, bidirectional=True), state), sequence),
    'gru, 3 layers': (Alone(nn.GRU(4, 3, 3), state), sequence),
    'lstm, 2 layers, bidirectional': (Alone(nn.LSTM(4, 3, 2, bidirectional=True), state), sequence),
    'embedding': (Alone(nn.Embedding(6, 4), plain), [ids(6, 5, 2)]),
    'dense': (Alone(nn.Linear(4, 3), plain), sequence),
    'dense without a bias': (Alone(nn.Linear(4, 3, bias=False), plain), sequence),
    'layerNorm': (Alone(nn.LayerNorm(4), plain), sequence),
    'prelu': (Alone(nn.PReLU(4), lambda m, v: F.prelu(v.permute(0, 2, 1).flatten(0, 0), m.weight).permute(0, 2, 1)), sequence),
    'convolution1d, causal': (Alone(nn.Conv1d(4, 3, 3, padding=2), lambda m, v: m(v.permute(1, 2, 0))[:, :, :5].permute(2, 0, 1)), sequence),
    'images': (Images(), [x(1, 2, 8, 8, 2)]),
    'selfAttention': (Alone(nn.MultiheadAttention(4, 2), lambda m, v: m(v, v, v)[0]), sequence),
    'causalAttention': (Alone(nn.MultiheadAttention(4, 2), lambda m, v: m(v, v, v, attn_mask=masked(5))[0]), sequence),
    'crossAttention': (Alone(nn.MultiheadAttention(4, 2), lambda m, v, w: m(v, w, w)[0]), [x(5, 2, 4), x(3, 2, 4)]),
    'encoderBlock, pre': (Alone(nn.TransformerEncoderLayer(4, 2, 8, 0.0, norm_first=True), plain), sequence),
    'encoderBlock, post, gelu': (Alone(nn.TransformerEncoderLayer(4, 2, 8, 0.0, activation='gelu'), plain), sequence),
    'decoderBlock': (
        Alone(nn.TransformerDecoderLayer(4, 2, 8, 0.0, norm_first=True), lambda m, v, w: m(v, w, tgt_mask=masked(5))),
        [x(5, 2, 4), x(3, 2, 4)],
    ),
    'encoder, 2 blocks': (
        Alone(nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0, norm_first=True), 2, nn.LayerNorm(4)), plain),
        sequence,
    ),
    'char-rnn': (CharRnn(9, 4, 5, 2), [ids(9, 5, 2)]),
    'gpt': (Gpt(9, 6, 4, 2, 2), [ids(9, 5, 2)]),
    'tagger without its chain': (Tagger(), [ids(7, 5, 2)]),
}

(folder / 'theirs').mkdir()
torch.manual_seed(1)
for name, (model, inputs) in theirs.items():
    for parameter in model.parameters():
        # Norms and biases begin as ones and zeros, which would hide where they go.
        nn.init.normal_(parameter, std=0.4)
    factors = []

    def mix(outputs):
        factors.extend(torch.randn_like(output) / output.numel() for output in outputs)
        return factors

    outputs = run(model, inputs, mix)
    named = lambda values: {key.removeprefix('part.'): value for key, value in values.items()}
    torch.save(named(model.state_dict()), folder / 'theirs' / f'{name}.pt')
    torch.save(named(gradients(model)), folder / 'theirs' / f'{name}.grad.pt')
    facts = {'inputs': [told(each) for each in inputs], 'mix': [told(each) for each in factors], 'outputs': [told(each) for each in outputs]}
    (folder / 'theirs' / f'{name}.json').write_text(json.dumps(facts))
