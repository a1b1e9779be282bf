"""Makes variants.json: recurrences that PyTorch has no module for, written down with its operations. See README.md."""

import json

import torch
from torch import nn

from make import HERE, case, draw, scatter

STEPS, BATCH, INPUTS, UNITS = 6, 3, 4, 5


class Recurrence(nn.Module):
    """Parameters by our names, in our layout; `step` gives the next carry, of which h is the output."""

    def __init__(self, shapes, step):
        super().__init__()
        self.names = list(shapes)
        for name, shape in shapes.items():
            self.register_parameter(name.replace('.', '_'), nn.Parameter(torch.zeros(*shape)))
        self.step = step

    def named_parameters(self, *_, **__):
        return [(name, getattr(self, name.replace('.', '_'))) for name in self.names]

    def forward(self, x, carry):
        p = dict(self.named_parameters())
        outputs = []
        for moment in x:
            carry = self.step(p, moment, carry)
            outputs.append(carry['h'])
        return {'y': torch.stack(outputs), **carry}


def recurrence(name, seed, shapes, step, cell=False):
    module = Recurrence(shapes, step)
    scatter(module, seed)
    inputs = {'x': draw(seed + 50, STEPS, BATCH, INPUTS), 'h': draw(seed + 51, BATCH, UNITS)}
    if cell:
        inputs['c'] = draw(seed + 52, BATCH, UNITS)
    return case(name, module, inputs, lambda given: module(given['x'], {k: v for k, v in given.items() if k != 'x'}))


def gru_reset_before(p, x, carry):
    """Cho et al. (2014) as the lecture has it: z and r, then the candidate of r * h; z is what stays."""
    h = carry['h']
    xz, xr, xn = (x @ p['wx'] + p['b']).chunk(3, 1)
    hz, hr = (h @ p['wh']).chunk(2, 1)
    z, r = torch.sigmoid(xz + hz), torch.sigmoid(xr + hr)
    n = torch.tanh(xn + (r * h) @ p['wn'])
    return {'h': z * h + (1 - z) * n}


def lstm(forget, peepholes):
    def step(p, x, carry):
        h, c = carry['h'], carry['c']
        gates = (x @ p['wx'] + h @ p['wh'] + p['b']).chunk(4 if forget == 'learned' else 3, 1)
        see = lambda z, name, cell: z + p[name] * cell if peepholes else z
        i = torch.sigmoid(see(gates[0], 'vi', c))
        g = torch.tanh(gates[-2])
        if forget == 'learned':
            f = torch.sigmoid(see(gates[1], 'vf', c))
        else:
            f = 1 - i if forget == 'coupled' else torch.ones_like(i)
        after = f * c + i * g
        return {'h': torch.sigmoid(see(gates[-1], 'vo', after)) * torch.tanh(after), 'c': after}

    count = 4 if forget == 'learned' else 3
    shapes = {'wx': (INPUTS, count * UNITS), 'wh': (UNITS, count * UNITS), 'b': (count * UNITS,)}
    if peepholes:
        seen = ['vi', 'vf', 'vo'] if forget == 'learned' else ['vi', 'vo']
        shapes.update({name: (UNITS,) for name in seen})
    return shapes, step


def residual(p, x, carry):
    return {'h': carry['h'] + torch.tanh(x @ p['g.w'] + p['g.b'])}


def residual_of_state(p, x, carry):
    return {'h': carry['h'] + torch.tanh(torch.cat([x, carry['h']], 1) @ p['g.w'] + p['g.b'])}


def main():
    gru = {'wx': (INPUTS, 3 * UNITS), 'b': (3 * UNITS,), 'wh': (UNITS, 2 * UNITS), 'wn': (UNITS, UNITS)}
    cases = [recurrence('GRU, reset before', 3000, gru, gru_reset_before)]
    for k, (forget, peepholes) in enumerate(
        [(forget, peepholes) for forget in ('learned', 'none', 'coupled') for peepholes in (False, True)]
    ):
        shapes, step = lstm(forget, peepholes)
        name = f'LSTM, {forget}' + (', peepholes' if peepholes else '')
        cases.append(recurrence(name, 3100 + 100 * k, shapes, step, cell=True))
    g = lambda width: {'g.w': (width, UNITS), 'g.b': (UNITS,)}
    cases.append(recurrence('residual', 3700, g(INPUTS), residual))
    cases.append(recurrence('residual of input and state', 3800, g(INPUTS + UNITS), residual_of_state))
    (HERE / 'variants.json').write_text(json.dumps(cases, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
