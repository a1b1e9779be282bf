"""Makes the golden figures from PyTorch. See README.md beside this file."""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HERE = pathlib.Path(__file__).parent


def draw(seed, *shape, scale=1.0):
    """Normal numbers rounded to multiples of 1/256: exact in float32, float64 and in short decimals."""
    random = torch.Generator().manual_seed(seed)
    return torch.round(torch.randn(shape, generator=random) * scale * 256) / 256


def show(tensor):
    """A tensor as written to the files: twelve digits, ids as they are."""
    flat = tensor.detach().reshape(-1).tolist()
    whole = not tensor.is_floating_point()
    return {'shape': list(tensor.shape), 'data': flat if whole else [float(f'{number:.12g}') for number in flat]}


def show_all(tensors):
    return {name: show(tensor) for name, tensor in tensors.items()}


def scatter(module, seed, scale=0.5):
    """Other numbers for every parameter, biases too, so that swapped gates and forgotten biases show."""
    with torch.no_grad():
        for at, parameter in enumerate(module.parameters()):
            parameter.copy_(draw(seed + at, *parameter.shape, scale=scale))


def case(name, module, inputs, run):
    """
    Runs a module, mixes its outputs into one number L = sum over outputs of sum(mix * output), and takes dL by every
    parameter and every input that is a number.
    """
    leaves = {key: value.requires_grad_() if value.is_floating_point() else value for key, value in inputs.items()}
    outputs = run(leaves)
    mix = {key: draw(900 + at, *value.shape) for at, (key, value) in enumerate(outputs.items())}
    sum((mix[key] * value).sum() for key, value in outputs.items()).backward()
    parameters = dict(module.named_parameters()) if module is not None else {}
    differentiable = {**parameters, **{key: value for key, value in leaves.items() if value.is_floating_point()}}
    return {
        'name': name,
        'parameters': show_all(parameters),
        'inputs': show_all(leaves),
        'outputs': show_all(outputs),
        'mix': show_all(mix),
        'gradients': {key: show(value.grad) for key, value in differentiable.items()},
    }


def recurrent(name, module, seed):
    steps, batch = 6, 3
    scatter(module, seed)
    shape = (module.num_layers, batch, module.hidden_size)
    inputs = {'x': draw(seed + 50, steps, batch, module.input_size), 'h': draw(seed + 51, *shape)}
    if isinstance(module, nn.LSTM):
        inputs['c'] = draw(seed + 52, *shape)

    def run(given):
        if isinstance(module, nn.LSTM):
            y, (h, c) = module(given['x'], (given['h'], given['c']))
            return {'y': y, 'h': h, 'c': c}
        y, h = module(given['x'], given['h'])
        return {'y': y, 'h': h}

    return case(name, module, inputs, run)


def cells():
    return [
        recurrent('RNN', nn.RNN(4, 5), 100),
        recurrent('LSTM', nn.LSTM(4, 5), 200),
        recurrent('GRU', nn.GRU(4, 5), 300),
        recurrent('LSTM, 2 layers', nn.LSTM(4, 5, num_layers=2), 400),
    ]


def layers():
    linear = nn.Linear(4, 3)
    scatter(linear, 500)
    embedding = nn.Embedding(7, 4)
    scatter(embedding, 510)
    ids = torch.tensor([[0, 6], [3, 3], [5, 0]])
    return [
        case('Linear', linear, {'x': draw(501, 3, 2, 4)}, lambda given: {'y': linear(given['x'])}),
        case('Embedding', embedding, {'x': ids}, lambda given: {'y': embedding(given['x'])}),
    ]


def losses():
    def cross_entropy(given):
        logits, target = given['prediction'], given['target']
        loss = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-1)
        return {'loss': loss}

    full = torch.tensor([[0, 4], [3, 3], [1, 2]])
    padded = torch.tensor([[0, -1], [3, 3], [-1, 2]])
    return [
        case('cross_entropy', None, {'prediction': draw(600, 3, 2, 5, scale=3), 'target': full}, cross_entropy),
        case('cross_entropy, ignore_index', None, {'prediction': draw(601, 3, 2, 5), 'target': padded}, cross_entropy),
        case(
            'mse_loss',
            None,
            {'prediction': draw(602, 3, 2, 5), 'target': draw(603, 3, 2, 5)},
            lambda given: {'loss': functional.mse_loss(given['prediction'], given['target'])},
        ),
    ]


def problem():
    """A linear regression, [T, B, I] = [2, 4, 3] onto 2 features, with features of unequal size."""
    return {
        'x': draw(700, 2, 4, 3) * torch.tensor([1.0, 0.5, 2.0]),
        'target': draw(701, 2, 4, 2, scale=2),
        'w': draw(702, 3, 2, scale=0.5),
        'b': draw(703, 2, scale=0.5),
    }


def trajectory(name, settings, make, clip_norm=None):
    given = problem()
    w, b = (given[key].clone().requires_grad_() for key in ('w', 'b'))
    optimizer = make([w, b])
    positions = given['x'].shape[0] * given['x'].shape[1]
    losses, norms, after = [], [], []
    for step in range(100):
        optimizer.zero_grad()
        difference = given['x'] @ w + b - given['target']
        loss = (difference**2).sum() / (2 * positions)
        loss.backward()
        norm = nn.utils.clip_grad_norm_([w, b], clip_norm if clip_norm is not None else math.inf)
        optimizer.step()
        losses.append(float(f'{loss.item():.12g}'))
        norms.append(float(f'{norm.item():.12g}'))
        if step < 3 or (step + 1) % 10 == 0:
            after.append({'steps': step + 1, 'w': show(w), 'b': show(b)})
    return {
        'name': name,
        'settings': {**settings, 'clipNorm': clip_norm},
        'losses': losses,
        'gradientNorms': norms,
        'after': after,
    }


def optimizers():
    sgd, rms, adam = torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adam
    momentum = {'learningRate': 0.02, 'decay': 0.9}
    # Epsilons large enough to show where they stand, and to keep RMSprop from bouncing about the optimum, where
    # float32 and float64 part ways.
    return {
        'problem': show_all(problem()),
        'trajectories': [
            trajectory('sgd', {'learningRate': 0.05}, lambda p: sgd(p, 0.05)),
            trajectory('sgd, clipped', {'learningRate': 0.05}, lambda p: sgd(p, 0.05), clip_norm=0.5),
            trajectory('momentum', momentum, lambda p: sgd(p, 0.02, momentum=0.9)),
            trajectory('nesterov', momentum, lambda p: sgd(p, 0.02, momentum=0.9, nesterov=True)),
            trajectory(
                'rmsprop',
                {'learningRate': 0.01, 'decay': 0.95, 'epsilon': 0.1},
                lambda p: rms(p, 0.01, alpha=0.95, eps=0.1),
            ),
            trajectory(
                'adam',
                {'learningRate': 0.05, 'beta1': 0.85, 'beta2': 0.98, 'epsilon': 0.01},
                lambda p: adam(p, 0.05, betas=(0.85, 0.98), eps=0.01),
            ),
            trajectory(
                'adam, clipped',
                {'learningRate': 0.05, 'beta1': 0.9, 'beta2': 0.999, 'epsilon': 1e-8},
                lambda p: adam(p, 0.05),
                clip_norm=0.5,
            ),
        ],
    }


def clipping():
    """One gradient over two parameters, clipped to a norm below its own and to one above."""
    gradients = {'w': draw(800, 3, 4), 'b': draw(801, 4)}
    cases = []
    for maximum in (1.5, 100.0):
        parameters = {key: value.clone().requires_grad_() for key, value in gradients.items()}
        for key, parameter in parameters.items():
            parameter.grad = gradients[key].clone()
        norm = nn.utils.clip_grad_norm_(parameters.values(), maximum)
        clipped = {key: show(parameter.grad) for key, parameter in parameters.items()}
        cases.append({'clipNorm': maximum, 'norm': float(f'{norm.item():.12g}'), 'clipped': clipped})
    return {'gradients': show_all(gradients), 'cases': cases}


def main():
    files = {'cells': cells, 'layers': layers, 'losses': losses, 'optimizers': optimizers, 'clipping': clipping}
    for name, make in files.items():
        (HERE / f'{name}.json').write_text(json.dumps(make(), separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
