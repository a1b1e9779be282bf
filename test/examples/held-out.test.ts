/** However long a text is: what is held out of it is scored up to a bound, with a line that says how far that is. */
import type { Right } from 'fp-ts/lib/Either.js';
import { vocabulary } from 'oxbow';
import { NEVER, of } from 'rxjs';
import { expect, test } from 'vitest';
import { charModel } from '../../examples/char-rnn/model.js';
import { recipe } from '../../examples/char-rnn/recipe.js';
import { reportHeldOut } from '../../examples/char-rnn/report.js';
import type { Session } from '../../examples/char-rnn/session.js';
import { heldOutLoss } from '../../examples/gpt/held-out.js';
import { freshSpeaker, type Speaker } from '../../examples/gpt/model.js';
import * as gpt from '../../examples/gpt/recipe.js';
import type { Interrupt } from '../../examples/shared/interrupt.js';

const heldOut = Int32Array.from({ length: 1_000_000 }, (_, k) => k % 3);

function shown() {
  const [lines, said] = [[] as string[], [] as string[]];
  const nothing = () => undefined;
  const screen: Session['screen'] = {
    live: (line) => void lines.push(line()),
    say: (text) => void said.push(text),
    ...{ note: nothing, record: nothing, write: nothing, dim: (text) => text },
  };
  return { screen, lines, said };
}

const never: Interrupt = { requested$: NEVER, requested: () => false, code: () => undefined };
const stopped: Interrupt = { requested$: of(undefined), requested: () => true, code: () => 143 };

const talker = { vocab: vocabulary('abc'), model: charModel({ cell: 'rnn', units: 4, layers: 1, embed: 0 }, 3, 1) };
const session = (screen: Session['screen'], interrupt: Interrupt) =>
  ({ speaker: talker, screen, interrupt, plan: { seconds: 600, epochs: null } }) as unknown as Session;

test('char-rnn: no more than so many characters, and it says of how many', async () => {
  const { screen, lines, said } = shown();
  const scored = await reportHeldOut(session(screen, never), heldOut);
  expect(scored?.characters).toBeGreaterThan(0.9 * recipe.scored);
  expect(scored?.characters).toBeLessThanOrEqual(recipe.scored);
  expect(said[0]).toMatch(/^held out: [\d.]+ bits per character \([\d.]+ nats\), 199,984 of 1,000,000 characters$/);
  expect(lines[0]).toMatch(/^scoring held-out text: [\d,]+ of 200,000 characters · [\d,]+ s left$/);
});

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
