"""Makes feedforward.json: optimizers, activations. See README.md beside this file."""

import json

import torch
from torch import nn
from torch.nn import functional

from make import HERE, case, draw, problem, scatter, show, show_all


def number(value):
    return float(f'{value.item():.12g}')


def noisy_problem():
    """A linear regression in five batches, [5, 4, 3] onto 2 features, taken in turn; noise keeps batches apart."""
    return {
        'x': draw(710, 5, 4, 3) * torch.tensor([1.0, 0.5, 2.0]),
        'target': draw(711, 5, 4, 2, scale=2),
        'w': draw(712, 3, 2, scale=0.5),
        'b': draw(713, 2, scale=0.5),
    }


def trajectory(name, settings, make, given):
    """
    100 steps on the batches in turn. `make` takes the parameters and gives a function that takes `gradients`, which sets
    their gradients on the current batch and gives the loss, and moves them. Losses are those that the first call of
    `gradients` in each step gave.
    """
    w, b = (given[key].clone().requires_grad_() for key in ('w', 'b'))
    step_of = make([w, b])
    batches, positions = given['x'].shape[0], given['x'].shape[1]
    losses, after = [], []
    for step in range(100):
        seen = []

        def gradients():
            w.grad = b.grad = None
            at = step % batches
            difference = given['x'][at] @ w + b - given['target'][at]
            loss = (difference**2).sum() / (2 * positions)
            loss.backward()
            seen.append(number(loss))
            return [w.grad.clone(), b.grad.clone()]

        step_of(step, gradients)
        losses.append(seen[0])
        if step < 3 or (step + 1) % 10 == 0:
            after.append({'steps': step + 1, 'w': show(w), 'b': show(b)})
    return {'name': name, 'settings': settings, 'losses': losses, 'after': after}


def of_torch(make):
    def start(parameters):
        optimizer = make(parameters)

        def step_of(_, gradients):
            gradients()
            optimizer.step()

        return step_of

    return start


def weights_only(parameters, decay):
    """Parameter groups in which biases, the tensors of one axis, do not decay."""
    return [
        {'params': [p for p in parameters if p.dim() > 1], 'weight_decay': decay},
        {'params': [p for p in parameters if p.dim() < 2], 'weight_decay': 0.0},
    ]


def clipped_by_value(limit, decay):
    """L2 first, then each number held within the limit, then momentum."""

    def start(parameters):
        optimizer = torch.optim.SGD(parameters, 0.02, momentum=0.9)

        def step_of(_, gradients):
            gradients()
            for p in parameters:
                if p.dim() > 1:
                    p.grad += decay * p.detach()
                p.grad.clamp_(-limit, limit)
            optimizer.step()

        return step_of

    return start


def decayed_then_clipped(decay, limit):
    """L2 first, then the global norm of what that gave clipped, then SGD."""

    def start(parameters):
        optimizer = torch.optim.SGD(parameters, 0.05)

        def step_of(_, gradients):
            gradients()
            for p in parameters:
                if p.dim() > 1:
                    p.grad += decay * p.detach()
            norm = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
            for p in parameters:
                p.grad *= torch.clamp(limit / norm, max=1.0)
            optimizer.step()

        return step_of

    return start


# Transcriptions of the sources, for what PyTorch does not have. Rates and momenta may depend on the step.


def classical(rate, momentum):
    """v_t = mu_{t-1} v_{t-1} - eps_{t-1} grad f(theta_{t-1}); theta_t = theta_{t-1} + v_t."""

    def start(parameters):
        velocity = [torch.zeros_like(p) for p in parameters]

        def step_of(t, gradients):
            found = gradients()
            with torch.no_grad():
                for at, (p, g) in enumerate(zip(parameters, found)):
                    velocity[at] = momentum(t) * velocity[at] - rate(t) * g
                    p += velocity[at]

        return step_of

    return start


def nesterov(rate, momentum):
    """v_t = mu_{t-1} v_{t-1} - eps_{t-1} grad f(theta_{t-1} + mu_{t-1} v_{t-1}); theta_t = theta_{t-1} + v_t."""

    def start(parameters):
        velocity = [torch.zeros_like(p) for p in parameters]

        def step_of(t, gradients):
            theta = [p.detach().clone() for p in parameters]
            with torch.no_grad():
                for p, v in zip(parameters, velocity):
                    p += momentum(t) * v
            found = gradients()
            with torch.no_grad():
                for at, (p, g) in enumerate(zip(parameters, found)):
                    velocity[at] = momentum(t) * velocity[at] - rate(t) * g
                    p.copy_(theta[at] + velocity[at])

        return step_of

    return start


def nesterov_simplified(rate, momentum):
    """Theta_t = Theta_{t-1} - mu_{t-1} v_{t-1} + mu_t v_t + v_t, the lecture's first line."""

    def start(parameters):
        velocity = [torch.zeros_like(p) for p in parameters]

        def step_of(t, gradients):
            found = gradients()
            with torch.no_grad():
                for at, (p, g) in enumerate(zip(parameters, found)):
                    old = velocity[at]
                    velocity[at] = momentum(t) * old - rate(t) * g
                    p += -momentum(t) * old + momentum(t + 1) * velocity[at] + velocity[at]

        return step_of

    return start


def adasecant(decay=0.95, most=1.8, epsilon=1e-6):
    """Gulcehre and Bengio (2014), algorithm 1, in the order and with the starting values of the authors' code."""
    delta = 1e-7

    def start(parameters):
        kept = []
        for p in parameters:
            small = torch.full_like(p, delta).detach()
            kept.append(
                {
                    **{key: small.clone() for key in ('mg', 'msg', 'nume', 'deno', 'cov', 'old', 'plain', 'mc', 'mcs')},
                    'tau': torch.full_like(p, 2.1).detach(),
                    'mdx': torch.zeros_like(p).detach(),
                    'msdx': torch.zeros_like(p).detach(),
                }
            )

        def step_of(t, gradients):
            found = gradients()
            with torch.no_grad():
                for p, g, k in zip(parameters, found, kept):
                    g = g / (g.norm() + delta)
                    tau = k['tau']

                    def average(name, value):
                        return (1 - 1 / tau) * k[name] + value / tau

                    msdx, mdx = (g**2, g) if t == 0 else (k['msdx'], k['mdx'])
                    mg = decay * k['mg'] + (1 - decay) * g
                    msg = decay * k['msg'] + (1 - decay) * g**2
                    gamma = torch.sqrt(k['nume']) / torch.sqrt(k['deno'] + delta)
                    gamma = torch.clamp(gamma, max=most)
                    nume = average('nume', ((g - k['old']) * (k['old'] - mg)) ** 2)
                    deno = average('deno', ((mg - g) * (k['old'] - mg)) ** 2)
                    corrected = (g + gamma * mg) / (1 + gamma)
                    curve = g - k['plain']
                    mc, mcs = average('mc', curve), average('mcs', curve**2)
                    rate = torch.sqrt(msdx + epsilon) / torch.sqrt(mcs + epsilon) - k['cov'] / (mcs + epsilon)
                    dx = -rate * corrected
                    new_tau = (1 - mdx**2 / (msdx + delta)) * tau + 1 + delta
                    outlier = ((g - mg).abs() > 2 * torch.sqrt(msg - mg**2)) | (
                        (curve - mc).abs() > 2 * torch.sqrt(mcs - mc**2)
                    )
                    new_tau = torch.where(outlier, torch.full_like(tau, 2.2), new_tau).clamp(1.5, 1e8)
                    new_msdx = (1 - 1 / tau) * msdx + dx**2 / tau
                    new_mdx, cov = average('mdx', dx), average('cov', dx * curve)
                    k.update(mg=mg, msg=msg, nume=nume, deno=deno, cov=cov, old=corrected, plain=g, mc=mc, mcs=mcs)
                    k.update(tau=new_tau, mdx=new_mdx, msdx=new_msdx)
                    p += dx

        return step_of

    return start


def vsgd(samples=10, slow_start=2.0, least=1e-6, epsilon=1e-9):
    """Schaul and LeCun (2013), algorithm 1 (vSGD-fd) with n = 1, after the first paper's start."""

    def start(parameters):
        names = ('g', 'v', 'h', 'u')
        kept = [{name: torch.zeros_like(p).detach() for name in names} for p in parameters]
        for k, p in zip(kept, parameters):
            k['tau'] = torch.full_like(p, float(samples)).detach()

        def step_of(t, gradients):
            here = [p.detach().clone() for p in parameters]
            first = gradients()
            shifts = [g if t == 0 else k['g'] for g, k in zip(first, kept)]
            with torch.no_grad():
                for p, shift in zip(parameters, shifts):
                    p += shift
            second = gradients()
            with torch.no_grad():
                for at, (p, k) in enumerate(zip(parameters, kept)):
                    g, shift = first[at], shifts[at]
                    seen = shift.abs() >= least
                    c = ((g - second[at]) / shift).abs()
                    if t < samples:
                        tau = torch.full_like(p, t + 1.0)
                    else:
                        outlier = (g - k['g']).abs() > 2 * torch.sqrt(k['v'] - k['g'] ** 2)
                        outlier |= seen & ((c - k['h']).abs() > 2 * torch.sqrt(k['u'] - k['h'] ** 2))
                        tau = k['tau'] + outlier.to(g.dtype)
                    fresh = {'g': g, 'v': g**2, 'h': c, 'u': c**2}
                    for name in names:
                        value = (1 - 1 / tau) * k[name] + fresh[name] / tau
                        k[name] = torch.where(seen, value, k[name]) if name in 'hu' else value
                    if t < samples:
                        if t == samples - 1:
                            k['v'], k['h'], k['u'] = slow_start * k['v'], slow_start * k['h'], slow_start**2 * k['u']
                        p.copy_(here[at])
                        continue
                    sure = k['g'] ** 2 / k['v']
                    rate = (k['h'] + epsilon) / (k['u'] + epsilon) * sure
                    k['tau'] = (1 - sure) * tau + 1
                    p.copy_(here[at] - rate * g)

        return step_of

    return start


def optimizers():
    optim, one, noisy = torch.optim, problem(), noisy_problem()
    single = {**one, 'x': one['x'].reshape(1, 8, 3), 'target': one['target'].reshape(1, 8, 2)}
    adam = {'learningRate': 0.05, 'beta1': 0.85, 'beta2': 0.98, 'epsilon': 0.01}
    betas = {'betas': (0.85, 0.98), 'eps': 0.01}

    def falling(t):
        return 0.05 / (t + 1) ** 0.5

    def rising(t):
        return 0.9 - 0.5 / (t + 1)

    def make(kind, *arguments, **options):
        return of_torch(lambda p: kind(p, *arguments, **options))

    runs = [
        ('adagrad', {'learningRate': 0.3, 'epsilon': 0.01}, make(optim.Adagrad, 0.3, eps=0.01), single),
        (
            'adadelta',
            {'learningRate': 0.8, 'decay': 0.85, 'epsilon': 0.01},
            make(optim.Adadelta, 0.8, rho=0.85, eps=0.01),
            noisy,
        ),
        (
            'adamw',
            {**adam, 'decay': 0.1, 'biases': False},
            of_torch(lambda p: optim.AdamW(weights_only(p, 0.1), 0.05, **betas)),
            single,
        ),
        (
            'adamw, biases too',
            {**adam, 'decay': 0.1, 'biases': True},
            make(optim.AdamW, 0.05, weight_decay=0.1, **betas),
            single,
        ),
        # Its other path multiplies by mu_t twice, in 1.13.
        (
            'nadam',
            {**adam, 'momentumDecay': 0.01},
            make(optim.NAdam, 0.05, momentum_decay=0.01, foreach=True, **betas),
            single,
        ),
        (
            'weightDecay, sgd',
            {'learningRate': 0.05, 'decay': 0.1},
            of_torch(lambda p: optim.SGD(weights_only(p, 0.1), 0.05)),
            single,
        ),
        (
            'weightDecay, clipByValue, momentum',
            {'decay': 0.1, 'limit': 0.3},
            clipped_by_value(0.3, 0.1),
            noisy,
        ),
        ('weightDecay, clipByGlobalNorm, sgd', {'decay': 0.5, 'limit': 0.4}, decayed_then_clipped(0.5, 0.4), noisy),
        ('classicalMomentum', {}, classical(falling, rising), noisy),
        ('nesterov', {}, nesterov(falling, rising), noisy),
        ('nesterov, simplified', {}, nesterov_simplified(falling, rising), noisy),
        ('adasecant', {}, adasecant(), noisy),
        ('vsgd', {}, vsgd(), noisy),
    ]
    return {
        'problems': {'single': show_all(single), 'noisy': show_all(noisy)},
        'trajectories': [
            {**trajectory(name, settings, start, given), 'problem': 'single' if given is single else 'noisy'}
            for name, settings, start, given in runs
        ],
    }


def activations():
    # The corners too: 0, where slopes differ, and magnitudes at which e^x has no place in float32.
    x = torch.cat([draw(720, 17), torch.tensor([0.0, -100.0, 100.0, -15.0, 30.0, 1 / 256, -1 / 256])]).reshape(2, 3, 4)
    prelu = nn.PReLU(4)
    scatter(prelu, 721)
    linear = nn.Linear(4, 6)
    scatter(linear, 722)

    def plain(name, run):
        return case(name, None, {'x': x.clone()}, lambda given: {'y': run(given['x'])})

    def maxout(given):
        # Three parts of two units, as blocks of the outputs.
        return {'y': linear(given['x']).reshape(2, 3, 3, 2).amax(dim=2)}

    return [
        plain('logistic', torch.sigmoid),
        plain('tanh', torch.tanh),
        plain('relu', torch.relu),
        plain('leakyRelu', lambda given: functional.leaky_relu(given, 0.1)),
        plain('elu', lambda given: functional.elu(given, 0.7)),
        plain('softplus', lambda given: functional.softplus(given, threshold=200)),
        plain('gelu', functional.gelu),
        plain('geluTanh', lambda given: functional.gelu(given, approximate='tanh')),
        plain('softmax', lambda given: torch.softmax(given, -1)),
        case('PReLU', prelu, {'x': x.clone()}, lambda given: {'y': prelu(given['x'].reshape(6, 4)).reshape(2, 3, 4)}),
        case('maxout', linear, {'x': draw(723, 2, 3, 4)}, maxout),
    ]


def main():
    figures = {'optimizers': optimizers(), 'activations': activations()}
    (HERE / 'feedforward.json').write_text(json.dumps(figures, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
