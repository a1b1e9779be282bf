/** What ONNX cannot say is refused before anything is written, and what there is nothing for before anything is made. */
import * as oxbow from 'oxbow';
import { describe, expect, it } from 'vitest';
import { onnx } from '../../../src/interchange/onnx/onnx.js';
import {
  AttributeType,
  DataType,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
} from '../../../src/interchange/onnx/proto.js';
import type { Any } from './models.js';
import { exported, fileOf, imported } from './runtime.js';

const {
  activations,
  bidirectional,
  crossAttention,
  dense,
  lstm,
  masked,
  residualRnn,
  selfAttention,
  simpleRnn,
  stack,
} = oxbow;
const any = (core: unknown): Any => core as Any;
const seed = { seed: 1 };

describe('a model', () => {
  it.each<[string, Any, string, 'window' | 'step']>([
    ['forget: none', any(stack({ rnn: lstm(3, 4, { forget: 'none' }) }, seed)), 'rnn, forget', 'window'],
    ['an activation', any(stack({ rnn: simpleRnn(3, 4, { activation: 'gelu' }) }, seed)), 'rnn, activation', 'window'],
    ['a recurrence of layers', any(stack({ rnn: residualRnn(3, 4, dense(3, 4)) }, seed)), 'rnn', 'window'],
    ['a record', any(crossAttention(4, 2, seed)), 'crossAttention', 'window'],
    ['a direction', any(bidirectional(dense(3, 4), dense(3, 4), seed)), 'forward', 'window'],
    ['attention in padding', any(masked(stack({ look: selfAttention(4, 2) }, seed))), 'look', 'window'],
    ['a window as a step', any(stack({ look: selfAttention(4, 2) }, seed)), 'look', 'step'],
  ])('is refused for %s, by the layer', async (_, model, place, graph) => {
    await expect(exported(model, { graph })).rejects.toMatchObject({ _tag: 'Interchange', format: 'ONNX', place });
  });

  it('takes an activation of the package and no graph of another kind', async () => {
    const model = any(dense(3, 4, { ...seed, activation: activations.elu(0.3) }));
    await expect(exported(model)).resolves.toBeInstanceOf(Uint8Array);
    await expect(exported(model, { graph: 'all' as never })).rejects.toThrow(
      "exportModel: graph is 'window' or 'step'",
    );
  });
});

const floats = (name: string, dims: readonly number[], data: readonly number[]) => ({
  name,
  dims,
  dataType: DataType.float,
  floatData: data,
});
const port = (name: string, axes: readonly (number | string)[]) => ({
  name,
  type: {
    tensorType: {
      elemType: DataType.float,
      shape: { dim: axes.map((axis) => (typeof axis === 'number' ? { value: axis } : { param: axis })) },
    },
  },
});
const x = port('x', ['time', 'batch', 2]);
const y = port('y', ['time', 'batch', 2]);
const relu: NodeProto = { opType: 'Relu', input: ['x'], output: ['y'] };
const rnn = (attribute: NodeProto['attribute'], more: readonly string[] = []): GraphProto => ({
  node: [{ opType: 'RNN', name: 'r', input: ['x', 'w', 'r', ...more], output: ['y'], attribute: attribute ?? [] }],
  initializer: [floats('w', [1, 2, 2], [1, 0, 0, 1]), floats('r', [1, 2, 2], [0, 0, 0, 0])],
  input: [x],
  output: [y],
});
const modelOf = (graph: GraphProto, more: Partial<ModelProto> = {}): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: { input: [x], output: [y], ...graph },
    ...more,
  });
const int = (name: string, i: number) => ({ name, i, type: AttributeType.int });
const text = (name: string, s: string) => ({ name, s: new TextEncoder().encode(s), type: AttributeType.string });

describe('a file', () => {
  it.each<[string, Uint8Array, string, RegExp]>([
    ['is no model', Uint8Array.of(0x3a, 5, 1), 'the file', /no model of ONNX/],
    ['ends early', modelOf({ node: [relu] }).slice(0, -3), 'the file', /no model of ONNX/],
    ['is of a later operator set', modelOf({ node: [relu] }, { opsetImport: [{ version: 99 }] }), 'opset_import', /99/],
    ['has an operator of others', modelOf({ node: [{ ...relu, domain: 'com.acme' }] }), 'Relu', /com\.acme/],
    [
      'has an unknown operator',
      modelOf({ node: [{ ...relu, opType: 'Loop', name: 'l' }] }),
      'Loop l',
      /no operator Loop/,
    ],
    [
      'has an unknown attribute',
      modelOf({ node: [{ ...relu, attribute: [int('depth', 1)] }] }),
      'Relu, depth',
      /no such attribute/,
    ],
    [
      'goes round',
      modelOf({
        node: [
          { ...relu, input: ['z'] },
          { opType: 'Relu', input: ['y'], output: ['z'] },
        ],
      }),
      'Relu',
      /go round/,
    ],
    ['names two things alike', modelOf({ node: [relu, relu] }), 'y', /two things/],
    ['gives what nothing makes', modelOf({ node: [] }), 'y', /nothing gives/],
    ['clips', modelOf(rnn([{ name: 'clip', f: 1, type: AttributeType.float }])), 'RNN r', /clip/],
    [
      'bends otherwise',
      modelOf(rnn([{ name: 'activations', strings: [new TextEncoder().encode('Step')], type: AttributeType.strings }])),
      'RNN r',
      /Step/,
    ],
    ['goes nowhere', modelOf(rnn([text('direction', 'up')])), 'RNN r', /direction up/],
    [
      'has states that do not leave',
      modelOf({ ...rnn([], ['', '', 'h']), input: [x, port('h', [1, 'batch', 2])] }),
      'h',
      /does not leave/,
    ],
    [
      'has weights that overflow',
      modelOf({ node: [relu], initializer: [floats('w', [2 ** 31, 2 ** 31, 2 ** 31], [])] }),
      'w',
      /shape/,
    ],
    [
      'has fewer numbers than it says',
      modelOf({ node: [relu], initializer: [floats('w', [3], [1])] }),
      'w',
      /1 numbers for a shape of 3/,
    ],
    [
      'has weights outside of its folder',
      modelOf({
        node: [relu],
        initializer: [
          { name: 'w', dims: [1], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: '../w' }] },
        ],
      }),
      'w',
      /not in the same folder/,
    ],
    [
      'has words',
      modelOf({ node: [relu], initializer: [{ name: 'w', dims: [1], dataType: DataType.string }] }),
      'w',
      /data type 8/,
    ],
    [
      'is about half of itself',
      modelOf({ node: [relu] }, { metadata: [{ key: 'oxbow.carry', value: '[["a"' }] }),
      'oxbow.carry',
      /no JSON/,
    ],
  ])('that %s is refused by the place', async (_, bytes, place, reason) => {
    await expect(imported(bytes)).rejects.toMatchObject({ _tag: 'Interchange', format: 'ONNX', place });
    await expect(imported(bytes)).rejects.toThrow(reason);
  });

  it('has its weights beside it', async () => {
    const graph = rnn([]);
    const external = {
      name: 'w',
      dims: [1, 2, 2],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'w.bin' },
        { key: 'offset', value: '4' },
      ],
    };
    const bytes = modelOf({ ...graph, initializer: [external, ...(graph.initializer ?? []).slice(1)] });
    const model = await imported(bytes, { 'w.bin': new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer) });
    expect([...(model.params.w?.data ?? [])]).toEqual([1, 2, 3, 4]);
    await expect(imported(bytes, { 'w.bin': new Uint8Array(8) })).rejects.toThrow(/bytes for 4 numbers/);
  });

  it('is known by its first fields', async () => {
    expect(onnx.recognises(fileOf(modelOf({ node: [relu] })))).toBe(true);
    expect(onnx.recognises(fileOf(new TextEncoder().encode('{"modelTopology": {}}')))).toBe(false);
    expect(onnx.recognises(fileOf(new Uint8Array()))).toBe(false);
  });
});
