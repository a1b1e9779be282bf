"""Makes models.json from PyTorch: losses of whole distributions, summed losses, weight decay. See README.md beside this file."""

import json

import torch
from make import HERE, draw, problem, show, show_all
from torch.nn import functional


def losses():
    """Logits [3, 2, 5] against distributions and ids, as means and as sums."""
    weights = torch.softmax(draw(650, 3, 2, 5, scale=2), -1)
    # Rows that are exact in float32: multiples of 1/256 that add up to 1.
    soft = torch.round(weights * 256) / 256
    soft[..., 0] += 1 - soft.sum(-1)
    ids = torch.tensor([[0, 4], [3, 3], [1, 2]])
    hard = functional.one_hot(ids, 5).double()

    def cross_entropy(reduction):
        def run(given):
            target = given['target']
            flat = target.flatten(0, 1) if target.is_floating_point() else target.flatten()
            # A target is given, not learnt: its gradient is of no use.
            flat = flat.detach()
            return {'loss': functional.cross_entropy(given['prediction'].flatten(0, 1), flat, reduction=reduction)}

        return run

    def squared(given):
        difference = given['prediction'] - given['target'].detach()
        return {'loss': (difference**2).sum() / 2}

    logits = {'prediction': draw(651, 3, 2, 5, scale=3)}
    cases = []
    for reduction in ('mean', 'sum'):
        for name, target in (('soft', soft), ('one-hot', hard), ('ids', ids)):
            cases.append((f'{name}, {reduction}', {**logits, 'target': target}, cross_entropy(reduction)))
    cases.append(('squared, sum', {**logits, 'target': draw(652, 3, 2, 5)}, squared))
    return [loss_case(*each) for each in cases]


def loss_case(name, inputs, run):
    prediction = inputs['prediction'].clone().requires_grad_()
    loss = run({**inputs, 'prediction': prediction})['loss']
    loss.backward()
    return {
        'name': name,
        'inputs': show_all(inputs),
        'loss': float(f'{loss.item():.12g}'),
        'gradient': show(prediction.grad),
    }


def decay():
    """The regression of optimizers.json under SGD with weight_decay on the weights and none on the biases."""
    given = problem()
    w, b = (given[key].clone().requires_grad_() for key in ('w', 'b'))
    rate, lam = 0.05, 0.3
    optimizer = torch.optim.SGD([{'params': [w], 'weight_decay': lam}, {'params': [b]}], rate)
    positions = given['x'].shape[0] * given['x'].shape[1]
    after = []
    for step in range(30):
        optimizer.zero_grad()
        loss = ((given['x'] @ w + b - given['target']) ** 2).sum() / (2 * positions)
        loss.backward()
        optimizer.step()
        if (step + 1) % 10 == 0:
            after.append({'steps': step + 1, 'w': show(w), 'b': show(b)})
    return {'problem': show_all(given), 'learningRate': rate, 'lambda': lam, 'after': after}


def main():
    text = json.dumps({'losses': losses(), 'decay': decay()}, separators=(',', ':'))
    (HERE / 'models.json').write_text(text + '\n')


if __name__ == '__main__':
    main()
