/** However long a text is: what is held out of it is scored up to a bound, with a line that says how far that is. */
import type { Right } from 'fp-ts/lib/Either.js';
import { NEVER, of } from 'rxjs';
import { expect, test } from 'vitest';
import { heldOutLoss } from '../../examples/gpt/held-out.js';
import { freshSpeaker, type Speaker } from '../../examples/gpt/model.js';
import * as gpt from '../../examples/gpt/recipe.js';
import type { Interrupt } from '../../examples/shared/interrupt.js';
import type { Screen } from '../../examples/shared/screen.js';

const heldOut = Int32Array.from({ length: 1_000_000 }, (_, k) => k % 3);

function shown() {
  const lines: string[] = [];
  const nothing = () => undefined;
  const screen: Screen = {
    live: (line) => void lines.push(line()),
    ...{ say: nothing, note: nothing, record: nothing, write: nothing, dim: (text: string) => text },
  };
  return { screen, lines };
}

const never: Interrupt = { requested$: NEVER, requested: () => false, code: () => undefined };
const stopped: Interrupt = { requested$: of(undefined), requested: () => true, code: () => 143 };

test('gpt: no more than so many characters', async () => {
  const shape = { context: 16, features: 4, heads: 1, blocks: 1 };
  const model = (freshSpeaker({ ...shape, temperature: 1, saveEvery: 30 }, 'abc') as Right<Speaker>).right;
  const { screen, lines } = shown();
  const loss = await heldOutLoss(model, heldOut, screen, never);
  expect(loss).toBeGreaterThan(0);
  expect(lines.at(-1)).toBe('scoring held-out text: 200,000 of 200,000 characters · 0 s left');
  expect(gpt.recipe.scored).toBe(200_000);
  // An interrupt ends it at once.
  const { screen: other, lines: few } = shown();
  expect(await heldOutLoss(model, heldOut, other, stopped)).toBeUndefined();
  expect(few).toHaveLength(1);
});
