"""Reads a .keras file as Keras' reader walks it, and works out what its model gives by numpy. Made for make_keras.py's layers."""

import io
import json
import pathlib
import sys
import zipfile

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'golden'))
import make_keras as golden  # noqa: E402


def snake(name):
    """Keras' names of groups, by its two patterns."""
    import re

    return re.sub('([a-z])([A-Z])', r'\1_\2', re.sub('(.)([A-Z][a-z]+)', r'\1_\2', name)).lower()


def layer_of(serialised, group):
    """A layer of make_keras, with the variables of a group; checks what Keras asks of its file."""
    assert {'module', 'class_name', 'config', 'registered_name'} <= set(serialised), serialised
    kind, config = serialised['class_name'], dict(serialised['config'])
    assert config['trainable'] is True and config['dtype']['config']['name'] == 'float32'

    def variables(place, count):
        own = group[place + '/vars' if place else 'vars']
        assert sorted(own.keys()) == [str(k) for k in range(count)], (kind, place, list(own.keys()))
        assert all(own[k].dtype == 'float32' for k in own)
        return [own[str(k)][()].astype('float64') for k in range(count)]

    def filled(layer, **places):
        """The same layer with the file's numbers in place of those that were drawn."""
        for place, values in layer.variables.items():
            for old, new in zip(values, variables(place, len(values)), strict=True):
                assert old.shape == new.shape, (kind, place, old.shape, new.shape)
                old[...] = new
        return layer

    def width(place='', axis=0):
        return group[place + '/vars/0' if place else 'vars/0'].shape[axis]

    if kind == 'Dense':
        return filled(golden.dense(width(), config['units'], config['activation'], config['use_bias']))
    if kind == 'Embedding':
        return filled(golden.embedding(config['input_dim'], config['output_dim'], config['mask_zero']))
    if kind == 'Masking':
        return golden.masking(config['mask_value'])
    if kind in ('LSTM', 'GRU', 'SimpleRNN'):
        return filled(golden.recurrent(kind, width('cell'), config['units'], config['return_sequences'], config['go_backwards'], config['activation'], config.get('reset_after', True)))
    if kind == 'Bidirectional':
        inner = config['layer']['config']
        assert config['backward_layer']['config']['go_backwards'] is True and inner['go_backwards'] is False
        return filled(golden.bidirectional(config['layer']['class_name'], width('forward_layer/cell'), inner['units'], inner['return_sequences'], config['merge_mode'], reset_after=inner.get('reset_after', True)))
    if kind == 'LayerNormalization':
        return filled(golden.layer_norm(width(), config['epsilon']))
    if kind == 'PReLU':
        return filled(golden.prelu(width(axis=-1), config['shared_axes'] or []))
    if kind == 'Conv1D':
        return filled(golden.conv1d(width(axis=1), config['filters'], *config['kernel_size'], *config['strides'], config['padding'], config['activation']))
    if kind == 'Conv2D':
        return filled(golden.conv2d(width(axis=2) * config['groups'], config['filters'], config['kernel_size'], config['strides'], config['padding'], config['groups'], config['activation']))
    if 'Pooling' in kind:
        return golden.pool(kind.split('P')[0], int(kind[-2]), config['pool_size'], config['strides'])
    if kind == 'TimeDistributed':
        return golden.distributed(layer_of(config['layer'], group.get('layer', group)))
    bends = {
        'Flatten': lambda x: x.reshape(len(x), -1),
        'Dropout': lambda x: x,
        'SpatialDropout1D': lambda x: x,
        'Activation': lambda x: golden.ACTIVATIONS[config['activation']](x),
        'LeakyReLU': lambda x: np.where(x > 0, x, config['negative_slope'] * x),
        'ELU': lambda x: np.where(x > 0, x, config['alpha'] * np.expm1(x)),
    }
    return golden.plain(kind, bends[kind])


def outputs(path, x):
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None and set(archive.namelist()) == {'metadata.json', 'config.json', 'model.weights.h5'}
    assert 'keras_version' in json.loads(archive.read('metadata.json'))
    model = json.loads(archive.read('config.json'))
    assert (model['module'], model['class_name']) == ('keras', 'Sequential')
    first, *layers = model['config']['layers']
    assert first['class_name'] == 'InputLayer' and first['config']['batch_shape'] == model['config']['build_input_shape']
    names = [each['config']['name'] for each in layers]
    assert len(set(names)) == len(names), names
    counts, mask = {}, None
    with h5py.File(io.BytesIO(archive.read('model.weights.h5'))) as file:
        for each in layers:
            own = snake(each['class_name'])
            count = counts.get(own, 0)
            counts[own] = count + 1
            group = file[f'layers/{own}_{count}' if count else f'layers/{own}']
            assert group['vars'].attrs['name'] == each['config']['name']
            x, mask = layer_of(each, group).call(x, mask)
    return x


if __name__ == '__main__':
    results = []
    for path, given in json.load(sys.stdin):
        x = np.array(given['data'], 'int64' if given['ids'] else 'float64').reshape(given['shape'])
        y = outputs(path, x)
        results.append({'shape': list(y.shape), 'data': y.reshape(-1).tolist()})
    json.dump(results, sys.stdout)
