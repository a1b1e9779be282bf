/** A checkpoint whose metadata tells sizes that its tensors do not have is refused before any of them is made. */
import * as E from 'fp-ts/lib/Either.js';
import { type Checkpoint, machine } from 'oxbow';
import { describe, expect, test } from 'vitest';
import * as seq2seq from '../../examples/seq2seq/model.js';

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
