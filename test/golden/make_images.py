"""Makes the golden figures of convolution, pooling and the nets made of them. See README.md beside this file."""

import json

import torch
from torch import nn
from torch.nn import functional

from make import HERE, case, draw, scatter, show


def last(tensor):
    """Channels first, as PyTorch has them, to channels last, as we have them: [N, C, ...] to [1, N, ..., C]."""
    return tensor.movedim(1, -1).unsqueeze(0)


def first(tensor):
    return tensor.squeeze(0).movedim(-1, 1)


def on_images(name, module, seed, *shape):
    """A module over images [1, N, H, W, C], so that inputs, outputs and their gradients have our layout."""
    scatter(module, seed)
    inputs = {'x': draw(seed + 50, *shape)}
    return case(name, module, inputs, lambda given: {'y': last(module(first(given['x'])))})


def on_sequences(name, module, seed, *shape):
    """The same over sequences [T, N, F]."""
    scatter(module, seed)
    inputs = {'x': draw(seed + 50, *shape)}
    return case(name, module, inputs, lambda given: {'y': module(given['x'].permute(1, 2, 0)).permute(2, 0, 1)})


def layers():
    return [
        on_images('Conv2d', nn.Conv2d(3, 5, 3), 1000, 1, 2, 6, 7, 3),
        on_images('Conv2d, strided', nn.Conv2d(3, 5, (3, 2), stride=(2, 3)), 1100, 1, 2, 8, 9, 3),
        on_images('Conv2d, padded', nn.Conv2d(2, 20, (3, 5), padding=(1, 2)), 1200, 1, 2, 5, 6, 2),
        on_images('Conv2d, strided, padded, grouped', nn.Conv2d(4, 6, 5, stride=2, padding=3, groups=2), 1300, 1, 2, 7, 8, 4),
        on_images('MaxPool2d', nn.MaxPool2d(2), 1400, 1, 2, 5, 7, 5),
        on_images('MaxPool2d, overlapping', nn.MaxPool2d(3, 2), 1500, 1, 2, 7, 8, 3),
        on_images('AvgPool2d', nn.AvgPool2d((2, 3)), 1600, 1, 2, 5, 7, 5),
        on_images('LocalResponseNorm', nn.LocalResponseNorm(5, alpha=0.5, beta=0.75, k=2.0), 1700, 1, 2, 2, 3, 7),
        on_sequences('Conv1d', nn.Conv1d(3, 4, 3), 1800, 6, 2, 3),
        on_sequences('Conv1d, strided, padded', nn.Conv1d(3, 4, 4, stride=2, padding=3), 1900, 6, 2, 3),
        on_sequences('MaxPool1d', nn.MaxPool1d(2), 2000, 5, 2, 3),
        on_sequences('AvgPool1d', nn.AvgPool1d(3, 1), 2100, 5, 2, 3),
    ]


def made(salt, scale, *shape):
    """Numbers that anyone can make again: no net's weights have to lie in a file."""
    k = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    return (((k * 7919 + salt * 104729) % 1009 - 504).to(torch.float64) / 504 * scale).reshape(shape)


def fill(modules, scale):
    """Weights of all layers by their number and in our layout; returns them by our names."""
    salt = 0
    for module in modules:
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        with torch.no_grad():
            if isinstance(module, nn.Conv2d):
                outputs, inputs, rows, columns = module.weight.shape
                w = made(salt, scale(rows * columns * inputs), rows, columns, inputs, outputs)
                module.weight.copy_(w.permute(3, 2, 0, 1))
            else:
                outputs, inputs = module.weight.shape
                module.weight.copy_(made(salt, scale(inputs), inputs, outputs).T)
            module.bias.copy_(made(salt + 1, 0.1, *module.bias.shape))
        salt += 2


class Flatten(nn.Module):
    """Row by row, channels last, as ours does."""

    def forward(self, x):
        return x.movedim(1, -1).flatten(1)


def slopes_of(net):
    """Of each gradient its product with numbers that make every element count differently, and its norm."""
    slopes = []
    for module in net:
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        w = module.weight.grad.permute(2, 3, 1, 0) if isinstance(module, nn.Conv2d) else module.weight.grad.T
        for ours in (w, module.bias.grad):
            mix = made(200, 1.0, *ours.shape)
            slopes.append([float(f'{(ours * mix).sum().item():.12g}'), float(f'{ours.norm().item():.12g}')])
    return slopes


def le_net():
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2),
        Flatten(), nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10),
    )
    fill(net, lambda fan: fan**-0.5)
    x = made(100, 1.0, 1, 3, 28, 28, 1)
    target = torch.tensor([3, 0, 7])
    logits = net(first(x))
    loss = functional.cross_entropy(logits, target)
    loss.backward()
    return {'logits': show(logits.unsqueeze(0)), 'loss': show(loss), 'slopes': slopes_of(net)}


def alex_net(side, narrower, classes):
    a, b, c, d = (width // narrower for width in (96, 256, 384, 4096))
    pooled = lambda rows: (rows - 3) // 2 + 1
    rows = pooled(pooled(pooled((side - 11) // 4 + 1)))
    norm = lambda: nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    net = nn.Sequential(
        nn.Conv2d(3, a, 11, stride=4), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(a, b, 5, padding=2, groups=2), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(b, c, 3, padding=1), nn.ReLU(),
        nn.Conv2d(c, c, 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(c, b, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        Flatten(), nn.Linear(rows * rows * b, d), nn.ReLU(), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, classes),
    )
    fill(net, lambda fan: (3 / fan) ** 0.5)
    logits = net(first(made(100, 1.0, 1, 1, side, side, 3)))
    functional.cross_entropy(logits, torch.tensor([classes // 2])).backward()
    count = sum(parameter.numel() for parameter in net.parameters())
    return {
        'side': side, 'narrower': narrower, 'classes': classes, 'weights': count,
        'logits': show(logits.unsqueeze(0)), 'slopes': slopes_of(net),
    }


def nets():
    return {'leNet5': le_net(), 'alexNet': [alex_net(67, 8, 10), alex_net(227, 1, 1000)]}


def main():
    for name, make in {'images': layers, 'nets': nets}.items():
        (HERE / f'{name}.json').write_text(json.dumps(make(), separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
