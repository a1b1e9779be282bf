/** Mutated files of ONNX, our own and PyTorch's: each read as a model that can be described, built and run, or refused by name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  bidirectional,
  build,
  type Core,
  describe,
  evaluate,
  gpt,
  ids,
  type Layer,
  lstm,
  parametersOf,
  stack,
  type Tensor,
  tensor,
  weightsOf,
} from '../src/index.js';
import { onnx } from '../src/interchange/onnx/onnx.js';
import { outcomeOf, same, settled } from './judging.js';
import { type ByteMutation, byteMutation, mutatedBytes, upTo } from './mutations.js';
import type { Target } from './run.js';

interface Base {
  readonly bytes: Uint8Array;
  readonly x: Tensor;
}

interface Case {
  readonly base: number;
  readonly mutations: readonly ByteMutation[];
}

const numbers = (...shape: readonly number[]): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => Math.sin(k)),
  );

async function writtenBy(model: unknown, graph: 'window' | 'step'): Promise<Uint8Array> {
  const core = model as Core<unknown>;
  const [file] = await onnx.write({ description: describe(core), weights: weightsOf(core.params) }, { graph });
  return file?.bytes as Uint8Array;
}

/** Small ones, so that a mutation is likely to hit what matters. */
async function bases(): Promise<readonly Base[]> {
  const symbols = ids([3, 2], [0, 1, 2, 3, 4, 0]);
  const golden = (name: string) => readFileSync(join('test/interchange/golden', `${name}.onnx`));
  const rnn = () =>
    stack({ rnn: lstm(3, 2, { peepholes: true }), both: bidirectional(lstm(2, 2), lstm(2, 2)) }, { seed: 1 });
  const small = () =>
    gpt({ symbols: 5, context: 4, features: 4, heads: 2, blocks: 1, hidden: 4, activation: 'gelu', seed: 1 });
  return [
    { bytes: await writtenBy(rnn(), 'window'), x: numbers(3, 2, 3) },
    { bytes: await writtenBy(small(), 'window'), x: symbols },
    { bytes: await writtenBy(small(), 'step'), x: symbols },
    { bytes: golden('torch-gru'), x: numbers(3, 2, 3) },
    { bytes: golden('torch-last'), x: numbers(3, 2, 3) },
    { bytes: golden('torch-lstm-2'), x: numbers(3, 2, 3) },
    { bytes: golden('torch-rows'), x: numbers(3, 2, 3) },
    { bytes: golden('torch-tagger'), x: symbols },
  ];
}

/** What runs a graph: its own words, and those of what asks it to. */
const running = ['onnxGraph', 'evaluate', 'build'];

export async function onnxFiles(): Promise<Target<Case>> {
  const all = await bases();
  return {
    name: 'onnx',
    cases: fc.record({ base: fc.nat({ max: all.length - 1 }), mutations: upTo(4, byteMutation) }),
    async judge({ base, mutations }) {
      const { bytes: sound, x } = all[base] as Base;
      const bytes = mutatedBytes(sound, mutations);
      const file = {
        path: 'case.onnx',
        bytes,
        beside: () => Promise.reject(new TypeError('importModel: there is no such file.')),
      };
      onnx.recognises(file);
      const read = await settled('importModel', () => onnx.read(file, {}));
      if ('refused' in read) {
        if (mutations.length === 0) throw new Error('a sound file is refused', { cause: read.refused });
        return bytes.length;
      }
      const model = read.value as unknown as Layer<unknown, Tensor, unknown>;
      const again = build<Layer<unknown>>(JSON.parse(JSON.stringify(describe(model))));
      const shapes = (one: Pick<Layer<unknown>, 'params'>) =>
        parametersOf(one.params).map(([path, { shape }]) => [path, shape]);
      same('the model that is built anew', shapes(again), shapes(model));
      const ran = outcomeOf(running, () => evaluate(model, model.initial(2), x));
      if ('refused' in ran && mutations.length === 0)
        throw new Error('a sound file does not run', { cause: ran.refused });
      model.release();
      again.release();
      return bytes.length;
    },
  };
}
