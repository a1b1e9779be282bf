/** Mutated files of PyTorch through `importModel`: a model or a refusal by name, whatever the bytes; pickles also within a sound zip file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { unzipSync, type Zippable, zipSync } from 'fflate';
import { importModel } from '../src/faces/interchange.js';
import { type Core, dense, describe, embedding, gru, stack, stacked, weightsOf } from '../src/index.js';
import { holds, settled } from './judging.js';
import { type ByteMutation, byteMutation, mutatedBytes, upTo } from './mutations.js';
import type { Target } from './run.js';

// Bundled to build/fuzz, and run from the repository's folder.
const golden = (name: string) => new Uint8Array(readFileSync(join('test/interchange/golden', name)));
const bases = [
  'char-rnn.pt',
  'training.pt',
  'deflated.pt',
  'half.pt',
  'parameters.pt',
  'whole-module.pt',
  'expanded.pt',
  'half.safetensors',
  'old.pt',
] as const;

interface Case {
  /** Which of the sound ones; random bytes where there is none of the number. */
  readonly base: number;
  readonly bytes: readonly ByteMutation[];
  /** Of the pickle, which is put into a zip file with checksums that are right. */
  readonly pickle: readonly ByteMutation[];
  readonly random: Uint8Array;
  /** Whether it is said what the weights are of. */
  readonly as: boolean;
}

const cases: fc.Arbitrary<Case> = fc.record({
  base: fc.nat({ max: bases.length }),
  bytes: upTo(3, byteMutation),
  pickle: upTo(4, byteMutation),
  random: fc.uint8Array({ maxLength: 200 }),
  as: fc.boolean(),
});

function fileOf({ base, bytes, pickle, random }: Case): Uint8Array {
  const name = bases[base];
  if (name === undefined) return mutatedBytes(random, bytes);
  const whole = golden(name);
  if (pickle.length === 0 || whole[0] !== 0x50) return mutatedBytes(whole, bytes);
  const files: Zippable = Object.fromEntries(
    Object.entries(unzipSync(whole)).map(([file, content]) => [
      file,
      [file.endsWith('/data.pkl') ? mutatedBytes(content, pickle) : content, { level: 0 }],
    ]),
  );
  return mutatedBytes(zipSync(files), bytes);
}

const likely = () => stack({ encoder: embedding(6, 3), rnn: stacked([gru(3, 4), gru(4, 4)]), decoder: dense(4, 6) });

export async function pytorchFiles(): Promise<Target<Case>> {
  return {
    name: 'pytorch',
    cases,
    async judge(each) {
      const file = fileOf(each);
      const outcome = await settled('importModel', () =>
        importModel<Core<unknown>>(file, each.as ? { as: likely() } : {}),
      );
      if ('value' in outcome) {
        const { value } = outcome;
        holds('the model is described', describe(value).$.length > 0);
        holds('it has weights', Object.keys(weightsOf(value.params)).length > 0);
      }
      return file.length;
    },
  };
}
