"""
Makes keras/*.keras, keras/*.h5 and keras.json: files as Keras 3 lays them out, and what their models give. Keras itself is not run: files
are written by h5py from the facts below, and outputs are worked out by numpy from the equations of Keras' documentation.

Run it with Debian's python3-h5py and python3-numpy:  /usr/bin/python3 test/interchange/golden/make_keras.py

Facts of the layout, from keras/src/saving/saving_lib.py, serialization_lib.py and the layers' get_config and build:
- A .keras file is a zip archive of metadata.json, config.json and model.weights.h5.
- config.json is the model's serialisation: module, class_name, config, registered_name, build_config; a Sequential config has `layers`, of
  the same form, with an InputLayer of a `batch_shape` first; a Functional config has `inbound_nodes`, `input_layers` and `output_layers`.
- Variables are `layers/<class in snake case>[_<number>]/vars/<k>`, in the order in which the layer made them. A recurrent layer has them in
  its `cell`, Bidirectional in `forward_layer/cell` and `backward_layer/cell`, TimeDistributed in `layer`. Each `vars` has a `name`.
- LSTM's gates are i, f, c, o side by side; GRU's z, r, h, with two rows of biases where `reset_after`.
- A whole model as HDF5 (Keras 2) has an attribute `model_config` and groups `model_weights/<layer>` with an attribute `weight_names`.
"""

import io
import json
import pathlib
import zipfile

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent
FILES = HERE / 'keras'
random = np.random.default_rng(17)


def draw(*shape, scale=0.5):
    """Multiples of 1/256: exact in float32 and in short decimals."""
    return np.round(random.standard_normal(shape) * scale * 256) / 256


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def erf(z):
    from math import erf as one

    return np.vectorize(one)(z)


ACTIVATIONS = {
    'linear': lambda z: z,
    'relu': lambda z: np.maximum(z, 0),
    'tanh': np.tanh,
    'sigmoid': sigmoid,
    'softmax': softmax,
    'softplus': lambda z: np.log1p(np.exp(z)),
    'gelu': lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    'elu': lambda z: np.where(z > 0, z, np.expm1(z)),
    'leaky_relu': lambda z: np.where(z > 0, z, 0.2 * z),
}


class Layer:
    """A layer: its class, its config, its variables by their place in the layer, and what it computes, batch first."""

    def __init__(self, kind, config, variables, call):
        self.kind, self.config, self.variables, self.call = kind, config, variables, call


def plain(kind, call, **config):
    return Layer(kind, config, {}, lambda x, mask: (call(x), mask))


def dense(inputs, units, activation='linear', use_bias=True):
    kernel, bias = draw(inputs, units), draw(units)

    def call(x, mask):
        z = np.einsum('...i,io->...o', x, kernel) + (bias if use_bias else 0)
        return ACTIVATIONS[activation](z), mask

    config = {'units': units, 'activation': activation, 'use_bias': use_bias}
    return Layer('Dense', config, {'': [kernel, bias] if use_bias else [kernel]}, call)


def embedding(symbols, features, mask_zero=False):
    table = draw(symbols, features)
    config = {'input_dim': symbols, 'output_dim': features, 'mask_zero': mask_zero}
    return Layer('Embedding', config, {'': [table]}, lambda x, _: (table[x], x != 0 if mask_zero else None))


def masking(value):
    def call(x, _):
        mask = (x.astype('float32') != np.float32(value)).any(-1)
        return x * mask[..., None], mask

    return Layer('Masking', {'mask_value': value}, {}, call)


def recurrence(step, units, states, sequences, backwards):
    """Steps in the order of processing; a masked step leaves the state, and repeats the last output."""

    def call(x, mask):
        batch, steps, _ = x.shape
        state = [np.zeros((batch, units)) for _ in range(states)]
        y = np.zeros((batch, units))
        outputs = []
        order = range(steps - 1, -1, -1) if backwards else range(steps)
        for t in order:
            new = step(x[:, t], state)
            real = np.ones((batch, 1), bool) if mask is None else mask[:, t, None]
            state = [np.where(real, a, b) for a, b in zip(new, state)]
            y = np.where(real, new[0], y)
            outputs.append(y)
        return (np.stack(outputs, 1), mask) if sequences else (y, None)

    return call


def recurrent(kind, inputs, units, sequences=False, backwards=False, activation='tanh', reset_after=True, dropout=0.0):
    gates = {'SimpleRNN': 1, 'LSTM': 4, 'GRU': 3}[kind]
    w, u = draw(inputs, gates * units), draw(units, gates * units)
    b = draw(2, gates * units) if kind == 'GRU' and reset_after else draw(gates * units)
    f = ACTIVATIONS[activation]

    def cut(z):
        return np.split(z, gates, -1)

    def simple(x, state):
        return [f(x @ w + state[0] @ u + b)]

    def lstm(x, state):
        i, forget, c, o = cut(x @ w + state[0] @ u + b)
        cell = sigmoid(forget) * state[1] + sigmoid(i) * f(c)
        return [sigmoid(o) * f(cell), cell]

    def gru(x, state):
        (h,) = state
        xz, xr, xh = cut(x @ w + (b[0] if reset_after else b))
        if reset_after:
            hz, hr, hh = cut(h @ u + b[1])
            z, r = sigmoid(xz + hz), sigmoid(xr + hr)
            candidate = f(xh + r * hh)
        else:
            uz, ur, uh = cut(u)
            z, r = sigmoid(xz + h @ uz), sigmoid(xr + h @ ur)
            candidate = f(xh + (r * h) @ uh)
        return [z * h + (1 - z) * candidate]

    step = {'SimpleRNN': simple, 'LSTM': lstm, 'GRU': gru}[kind]
    config = {
        'return_sequences': sequences, 'return_state': False, 'go_backwards': backwards, 'stateful': False, 'unroll': False,
        'zero_output_for_mask': False, 'units': units, 'activation': activation, 'use_bias': True,
        'kernel_initializer': {'module': 'keras.initializers', 'class_name': 'GlorotUniform', 'config': {'seed': None}, 'registered_name': None},
        'kernel_regularizer': None, 'dropout': dropout, 'recurrent_dropout': 0.0, 'seed': None,
    }
    if kind != 'SimpleRNN':
        config['recurrent_activation'] = 'sigmoid'
    if kind == 'GRU':
        config['reset_after'] = reset_after
    if kind == 'LSTM':
        config['unit_forget_bias'] = True
    return Layer(kind, config, {'cell': [w, u, b]}, recurrence(step, units, 2 if kind == 'LSTM' else 1, sequences, backwards))


MERGES = {'concat': lambda a, b: np.concatenate([a, b], -1), 'sum': np.add, 'mul': np.multiply, 'ave': lambda a, b: (a + b) / 2}


def bidirectional(kind, inputs, units, sequences, merge='concat', **options):
    ahead = recurrent(kind, inputs, units, sequences, **options)
    behind = recurrent(kind, inputs, units, sequences, backwards=True, **options)

    def call(x, mask):
        a, b = ahead.call(x, mask)[0], behind.call(x, mask)[0]
        return MERGES[merge](a, b[:, ::-1] if sequences else b), mask if sequences else None

    config = {'merge_mode': merge, 'layer': serialised(ahead, 'forward_' + kind.lower()), 'backward_layer': serialised(behind, 'backward_' + kind.lower())}
    variables = {'forward_layer/cell': ahead.variables['cell'], 'backward_layer/cell': behind.variables['cell']}
    return Layer('Bidirectional', config, variables, call)


def distributed(inner):
    def call(x, mask):
        return np.stack([inner.call(x[:, t], None)[0] for t in range(x.shape[1])], 1), mask

    variables = {f'layer/{place}'.rstrip('/'): values for place, values in inner.variables.items()}
    return Layer('TimeDistributed', {'layer': serialised(inner, 'inner')}, variables, call)


def same_zeros(length, size, stride):
    zeros = max((-(-length // stride) - 1) * stride + size - length, 0)
    return zeros // 2, zeros - zeros // 2


def padded(x, axes, sizes, strides, padding):
    zeros = [(0, 0)] * x.ndim
    for axis, size, stride in zip(axes, sizes, strides):
        if padding == 'same':
            zeros[axis] = same_zeros(x.shape[axis], size, stride)
        if padding == 'causal':
            zeros[axis] = (size - 1, 0)
    return np.pad(x, zeros)


def conv1d(inputs, filters, size, stride=1, padding='valid', activation='linear'):
    kernel, bias = draw(size, inputs, filters), draw(filters)

    def call(x, mask):
        p = padded(x, [1], [size], [stride], padding)
        places = range(0, p.shape[1] - size + 1, stride)
        y = np.stack([np.einsum('bkc,kco->bo', p[:, t : t + size], kernel) + bias for t in places], 1)
        return ACTIVATIONS[activation](y), mask

    config = {'filters': filters, 'kernel_size': [size], 'strides': [stride], 'padding': padding, 'data_format': 'channels_last', 'dilation_rate': [1], 'groups': 1, 'activation': activation, 'use_bias': True}
    return Layer('Conv1D', config, {'': [kernel, bias]}, call)


def conv2d(inputs, filters, size, stride=(1, 1), padding='valid', groups=1, activation='linear'):
    kernel, bias = draw(*size, inputs // groups, filters), draw(filters)

    def call(x, mask):
        p = padded(x, [1, 2], size, stride, padding)
        rows = range(0, p.shape[1] - size[0] + 1, stride[0])
        columns = range(0, p.shape[2] - size[1] + 1, stride[1])
        each, width = inputs // groups, filters // groups
        y = np.zeros((x.shape[0], len(rows), len(columns), filters))
        for i, r in enumerate(rows):
            for j, c in enumerate(columns):
                for g in range(groups):
                    part = p[:, r : r + size[0], c : c + size[1], g * each : (g + 1) * each]
                    own = slice(g * width, (g + 1) * width)
                    y[:, i, j, own] = np.einsum('bhwc,hwco->bo', part, kernel[..., own])
        return ACTIVATIONS[activation](y + bias), mask

    config = {'filters': filters, 'kernel_size': list(size), 'strides': list(stride), 'padding': padding, 'data_format': 'channels_last', 'dilation_rate': [1, 1], 'groups': groups, 'activation': activation, 'use_bias': True}
    return Layer('Conv2D', config, {'': [kernel, bias]}, call)


def pool(kind, axes, size, stride):
    reduce = np.max if kind == 'Max' else np.mean

    def call(x):
        for axis, k, s in zip(range(1, 1 + axes), size, stride):
            places = range(0, x.shape[axis] - k + 1, s)
            x = np.stack([reduce(np.take(x, range(t, t + k), axis), axis) for t in places], axis)
        return x

    return plain(f'{kind}Pooling{axes}D', call, pool_size=list(size), strides=list(stride), padding='valid', data_format='channels_last')


def global_pool(kind, axes):
    reduce = np.max if kind == 'Max' else np.mean
    return plain(f'Global{kind}Pooling{axes}D', lambda x: reduce(x, tuple(range(1, 1 + axes))), data_format='channels_last', keepdims=False)


def layer_norm(features, epsilon=0.001):
    gamma, beta = draw(features), draw(features)

    def call(x, mask):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * gamma + beta, mask

    config = {'axis': -1, 'epsilon': epsilon, 'center': True, 'scale': True, 'rms_scaling': False}
    return Layer('LayerNormalization', config, {'': [gamma, beta]}, call)


def prelu(features, shared):
    alpha = draw(*[1] * len(shared), features)
    return Layer('PReLU', {'shared_axes': shared or None}, {'': [alpha]}, lambda x, mask: (np.where(x > 0, x, alpha * x), mask))


FLATTEN = dict(data_format='channels_last')


def flatten():
    return plain('Flatten', lambda x: x.reshape(len(x), -1), **FLATTEN)


def policy(name='float32'):
    return {'module': 'keras', 'class_name': 'DTypePolicy', 'config': {'name': name}, 'registered_name': None}


def serialised(layer, name, **more):
    config = {'name': name, 'trainable': True, 'dtype': policy(), **layer.config}
    return {'module': 'keras.layers', 'class_name': layer.kind, 'config': config, 'registered_name': None, **more}


def snake(name):
    return {'LSTM': 'lstm', 'GRU': 'gru', 'SimpleRNN': 'simple_rnn', 'TimeDistributed': 'time_distributed', 'LayerNormalization': 'layer_normalization', 'PReLU': 'p_re_lu', 'LeakyReLU': 'leaky_re_lu', 'ReLU': 're_lu', 'ELU': 'elu'}.get(name) or ''.join(
        ('_' if k and letter.isupper() and name[k - 1].islower() else '') + letter.lower() for k, letter in enumerate(name)
    )


def named(layers):
    counts = {}
    for layer in layers:
        own = snake(layer.kind)
        count = counts.get(own, 0)
        counts[own] = count + 1
        yield layer, own if count == 0 else f'{own}_{count}'


def input_layer(shape, dtype):
    config = {'batch_shape': [None, *shape], 'dtype': dtype, 'sparse': False, 'ragged': False, 'name': 'input_layer', 'optional': False}
    return {'module': 'keras.layers', 'class_name': 'InputLayer', 'config': config, 'registered_name': None}


def weights(layers):
    out = io.BytesIO()
    with h5py.File(out, 'w') as file:
        for layer, name in named(layers):
            file.create_group(f'layers/{name}/vars').attrs['name'] = name
            for place, values in layer.variables.items():
                group = file.require_group(f'layers/{name}/{place}/vars' if place else f'layers/{name}/vars')
                for k, value in enumerate(values):
                    group[str(k)] = value.astype('float32')
    return out.getvalue()


def sequential(layers, shape, dtype):
    parts = [serialised(layer, name) for layer, name in named(layers)]
    config = {'name': 'sequential', 'trainable': True, 'dtype': policy(), 'layers': [input_layer(shape, dtype), *parts], 'build_input_shape': [None, *shape]}
    return {'module': 'keras', 'class_name': 'Sequential', 'config': config, 'registered_name': None, 'build_config': {'input_shape': [None, *shape]}, 'compile_config': None}


def functional(layers, shape, dtype):
    parts, before = [{**input_layer(shape, dtype), 'name': 'input_layer', 'inbound_nodes': []}], 'input_layer'
    for layer, name in named(layers):
        tensor = {'class_name': '__keras_tensor__', 'config': {'shape': [None, *shape], 'dtype': 'float32', 'keras_history': [before, 0, 0]}}
        parts.append({**serialised(layer, name), 'name': name, 'inbound_nodes': [{'args': [tensor], 'kwargs': {'mask': None}}]})
        before = name
    config = {'name': 'functional', 'trainable': True, 'layers': parts, 'input_layers': [['input_layer', 0, 0]], 'output_layers': [[before, 0, 0]]}
    return {'module': 'keras.src.models.functional', 'class_name': 'Functional', 'config': config, 'registered_name': 'Functional', 'build_config': {'input_shape': None}}


def legacy(layers, shape):
    """A whole model as HDF5, as Keras 2 wrote it."""
    parts = []
    for at, (layer, name) in enumerate(named(layers)):
        config = {'name': name, 'trainable': True, 'dtype': 'float32', **({'batch_input_shape': [None, *shape]} if at == 0 else {}), **layer.config}
        parts.append({'class_name': layer.kind, 'config': config})
    out = io.BytesIO()
    with h5py.File(out, 'w') as file:
        file.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': {'name': 'sequential', 'layers': parts}})
        file.attrs['keras_version'] = '2.13.1'
        top = file.create_group('model_weights')
        top.attrs['layer_names'] = [name.encode() for _, name in named(layers)]
        for layer, name in named(layers):
            own = [(f'{name}/{k}:0', value) for k, value in enumerate(v for values in layer.variables.values() for v in values)]
            group = top.create_group(name)
            group.attrs['weight_names'] = [key.encode() for key, _ in own]
            for key, value in own:
                group[key] = value.astype('float32')
    return out.getvalue()


def archive(config, h5, stored):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as file:
        # Keras stores; what was packed anew is deflated, which keeps these files small.
        for name, data in (
            ('metadata.json', json.dumps({'keras_version': '3.8.0', 'date_saved': '2025-01-01@00:00:00'})),
            ('config.json', json.dumps(config)),
            ('model.weights.h5', h5),
        ):
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, None if stored else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def show(array):
    flat = array.reshape(-1).tolist()
    return {'shape': list(array.shape), 'data': flat if array.dtype.kind == 'i' else [float(f'{x:.9g}') for x in flat]}


CASES = []


def case(name, layers, shape, x=None, kind='sequential', covers=None, lengths=None):
    dtype = 'int32' if layers[0].kind == 'Embedding' else 'float32'
    if x is None:
        x = draw(3, *(5 if size is None else size for size in shape), scale=1)
    y, mask = x, None
    for layer in layers:
        y, mask = layer.call(y, mask)
    if kind == 'legacy':
        file, data = f'{name}.h5', legacy(layers, shape)
    elif kind == 'weights':
        file, data = f'{name}.weights.h5', weights(layers)
    else:
        make = functional if kind == 'functional' else sequential
        file, data = f'{name}.keras', archive(make(layers, shape, dtype), weights(layers), name == 'dense')
    (FILES / file).write_bytes(data)
    real = None if lengths is None else lengths
    CASES.append({'file': file, 'layers': covers or sorted({layer.kind for layer in layers}), 'x': show(x), 'y': show(y), **({'lengths': real} if real else {})})


def main():
    FILES.mkdir(exist_ok=True)
    case('dense', [dense(4, 6, 'relu'), dense(6, 3, 'softmax')], [4])
    case('bends', [dense(4, 5, name) for name in ('gelu',)] + [dense(5, 5, name) for name in ('elu', 'leaky_relu', 'softplus', 'sigmoid')], [4], covers=['activations'])
    case(
        'activations',
        [dense(4, 5, use_bias=False), plain('ReLU', lambda z: np.where(z > 0, z, 0.5 * z), max_value=None, negative_slope=0.5, threshold=0.0),
         dense(5, 5), plain('LeakyReLU', lambda z: np.where(z > 0, z, 0.3 * z), negative_slope=0.3),
         dense(5, 5), plain('ELU', lambda z: np.where(z > 0, z, 0.7 * np.expm1(z)), alpha=0.7), prelu(5, [1]),
         plain('Activation', np.tanh, activation='tanh'), plain('Softmax', softmax, axis=-1)],
        [None, 4], covers=['ReLU', 'LeakyReLU', 'ELU', 'PReLU', 'Activation', 'Softmax'],
    )
    ids = np.array([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [6, 0, 2, 0, 1]])
    case('embedding', [embedding(7, 4), recurrent('LSTM', 4, 3, True), dense(3, 2)], [None], ids, covers=['Embedding'])
    short = np.array([[1, 2, 3, 4, 5], [5, 4, 3, 0, 0], [6, 2, 0, 0, 0]])
    case('mask-zero', [embedding(7, 4, True), recurrent('GRU', 4, 3, True), recurrent('LSTM', 3, 4), dense(4, 2)], [None], short, covers=['Embedding, mask_zero'])
    numbers = draw(3, 5, 4, scale=1)
    numbers[1, 3:] = numbers[2, 2:] = -1.1
    case('masking', [masking(-1.1), bidirectional('GRU', 4, 3, False), dense(6, 2)], [None, 4], numbers, covers=['Masking'])
    case('simple-rnn', [recurrent('SimpleRNN', 4, 5, True, activation='relu'), recurrent('SimpleRNN', 5, 3)], [None, 4])
    case('lstm', [recurrent('LSTM', 4, 5, True), recurrent('LSTM', 5, 3)], [None, 4])
    case('gru', [recurrent('GRU', 4, 5, True), recurrent('GRU', 5, 3)], [None, 4])
    case('gru-before', [recurrent('GRU', 4, 5, True, reset_after=False), recurrent('GRU', 5, 3, reset_after=False)], [None, 4], covers=['GRU, reset_after=False'])
    case('backwards', [recurrent('LSTM', 4, 5, True, True), recurrent('GRU', 5, 4, False, True)], [None, 4], covers=['go_backwards'])
    case('both', [bidirectional('LSTM', 4, 3, True), bidirectional('GRU', 6, 4, True, 'sum'), bidirectional('SimpleRNN', 4, 4, True, 'mul'), bidirectional('LSTM', 4, 3, False, 'ave')], [None, 4], covers=['Bidirectional'])
    case('distributed', [distributed(dense(4, 5, 'tanh')), distributed(plain('Dropout', lambda x: x, rate=0.5, noise_shape=None)), recurrent('GRU', 5, 3, True, dropout=0.2), plain('SpatialDropout1D', lambda x: x, rate=0.1)], [None, 4], covers=['TimeDistributed', 'Dropout'])
    case('norm', [layer_norm(4), dense(4, 5), layer_norm(5, 1e-5)], [None, 4], covers=['LayerNormalization'])
    case('conv1d', [conv1d(4, 5, 3, padding='same', activation='relu'), conv1d(5, 4, 2, padding='causal'), pool('Max', 1, [2], [1]), conv1d(4, 3, 3, stride=2), pool('Average', 1, [2], [2]), flatten(), dense(6, 2)], [12, 4], covers=['Conv1D', 'MaxPooling1D', 'AveragePooling1D', 'Flatten, of steps'])
    case('global', [conv1d(4, 5, 3), global_pool('Average', 1), dense(5, 3)], [7, 4], covers=['GlobalAveragePooling1D'])
    case('conv2d', [conv2d(2, 4, (3, 3), padding='same', activation='relu'), pool('Max', 2, [2, 2], [2, 2]), conv2d(4, 6, (3, 3), stride=(2, 2), padding='same', groups=2), pool('Average', 2, [2, 2], [1, 1]), flatten(), dense(24, 3)], [10, 10, 2], covers=['Conv2D', 'MaxPooling2D', 'AveragePooling2D', 'Flatten'])
    case('films', [distributed(conv2d(1, 3, (2, 2))), distributed(global_pool('Max', 2)), recurrent('GRU', 3, 2)], [None, 4, 4, 1], draw(2, 3, 4, 4, 1, scale=1), covers=['TimeDistributed(Conv2D)', 'GlobalMaxPooling2D'])
    case('functional', [recurrent('LSTM', 4, 5, True), dense(5, 3)], [None, 4], kind='functional', covers=['Functional'])
    case('legacy', [recurrent('GRU', 4, 5, True), bidirectional('LSTM', 5, 3, False), dense(6, 2)], [None, 4], kind='legacy', covers=['HDF5 of Keras 2'])
    case('alone', [embedding(7, 4), recurrent('GRU', 4, 5, True, reset_after=False), bidirectional('LSTM', 5, 3, False), dense(6, 2)], [None], ids, kind='weights', covers=['weights.h5'])
    (HERE / 'keras.json').write_text(json.dumps(CASES, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
