/** A checkpoint whose metadata tells sizes that its tensors do not have is refused before any of them is made. */
import * as E from 'fp-ts/lib/Either.js';
import { type Checkpoint, machine, vocabulary } from 'oxbow';
import { describe, expect, test } from 'vitest';
import * as charRnn from '../../examples/char-rnn/model.js';
import * as gpt from '../../examples/gpt/model.js';
import type { Options as GptOptions } from '../../examples/gpt/options.js';
import * as lenet from '../../examples/lenet/model.js';
import * as seq2seq from '../../examples/seq2seq/model.js';

const vocab = vocabulary('abc');
const absurd = [0, -1, 2.5, 1e9, 2 ** 53, 1e300, null, '8', [8]];

/** A checkpoint in whose metadata a number is another one. */
function withNumber(
  { tensors, metadata }: Checkpoint,
  part: string,
  path: readonly string[],
  value: unknown,
): Checkpoint {
  const about = JSON.parse(metadata[part] as string);
  const at = path.slice(0, -1).reduce((record, name) => record[name], about);
  at[path.at(-1) as string] = value;
  return { tensors, metadata: { ...metadata, [part]: JSON.stringify(about) } };
}

function expectRefused(load: () => E.Either<{ readonly message: string }, unknown>, name: string): void {
  const [heap, resident] = [machine().heap.used(), process.memoryUsage().rss];
  expect(load()).toEqual(
    E.left({
      _tag: 'Failure',
      message: expect.stringMatching(
        `(its metadata is damaged: |nothing sound of its about: .*state's )${name} is a (whole )?number`,
      ),
    }),
  );
  expect(machine().heap.used()).toBe(heap);
  expect(process.memoryUsage().rss - resident).toBeLessThan(64 * 2 ** 20);
}

const state = { step: 3, slots: {} };

describe('char-rnn', () => {
  const saved = charRnn.toCheckpoint(charRnn.speaker({ cell: 'gru', units: 4, layers: 1, embed: 2 }, vocab, 1));
  test('as it was saved is read', () => expect(charRnn.fromCheckpoint(saved, {}, 1)).toMatchObject({ _tag: 'Right' }));
  test.each(['units', 'layers', 'embed'])('%s', (name) => {
    for (const value of absurd) {
      // No features at all are one-hot, whose weights have another shape.
      if (name === 'embed' && value === 0) continue;
      expectRefused(() => charRnn.fromCheckpoint(withNumber(saved, 'model', [name], value), {}, 1), name);
    }
  });
});

describe('gpt', () => {
  const shape = { context: 4, features: 8, heads: 2, blocks: 1 };
  const options: GptOptions = { ...shape, temperature: 1 };
  const fresh = gpt.freshSpeaker(options, 'abcabc');
  const saved = gpt.toCheckpoint((fresh as E.Right<gpt.Speaker>).right, state);
  const load = (checkpoint: Checkpoint) => gpt.savedSpeaker({ temperature: 1 }, 'a', checkpoint);
  test('as it was saved is read', () => expect(load(saved)).toMatchObject({ _tag: 'Right' }));
  test.each(['context', 'features', 'heads', 'blocks'])('%s', (name) => {
    for (const value of absurd) expectRefused(() => load(withNumber(saved, 'about', ['shape', name], value)), name);
  });
  test.each(['steps', 'batch', 'lr'])('%s', (name) => {
    for (const value of [-1, null, '8']) {
      expectRefused(() => load(withNumber(saved, 'about', ['course', name], value)), name);
    }
  });
  test('step', () => {
    for (const value of [-1, 0.5, null, 1e300])
      expectRefused(() => load(withNumber(saved, 'about', ['step'], value)), 'step');
  });
});

describe('seq2seq', () => {
  const saved = seq2seq.toCheckpoint(seq2seq.freshPupil('sort', {}), state);
  test.each(['steps', 'seed', 'step'])('%s', (name) => {
    for (const value of [-1, 2.5, 1e300, null, '8']) {
      expectRefused(() => seq2seq.savedPupil({}, 'a', withNumber(saved, 'about', [name], value)), name);
    }
  });
  test.each([[[0, 0, 0, 0]], [['a', 1, 2, 3]], [[]]])('a generator of %j is refused', (words) => {
    const outcome = seq2seq.savedPupil({}, 'a', withNumber(saved, 'about', ['random', 'words'], words));
    expect(outcome).toMatchObject(E.left({ message: expect.stringContaining("random is no generator's state") }));
  });
});

describe('lenet', () => {
  const saved = lenet.toCheckpoint(lenet.freshReader({}, 100), state);
  test.each(['images', 'epochs', 'seed'])('%s', (name) => {
    for (const value of name === 'images' ? absurd : [-1, 2.5, 1e300, null, '8']) {
      expectRefused(() => lenet.savedReader({}, 'a', withNumber(saved, 'about', [name], value), 100), name);
    }
  });
});
