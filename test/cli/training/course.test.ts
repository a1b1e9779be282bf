/** How far a training is, however its end is measured, and where it goes on; and how it went. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { course, courseFrom, newCourse } from '../../../src/cli/training/course.js';
import { history } from '../../../src/cli/training/history.js';
import type { Plan } from '../../../src/cli/training/recipes.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const way = { text: 'x', windows: 'lanes', length: 8, batch: 2 } as const;
const none: Plan = { seconds: null, epochs: null, steps: null };
const EPOCH = 10;

const learnt = (plan: Partial<Plan>, windows: number, seconds: number, was?: ReturnType<typeof newCourse>) => {
  const done = course(newCourse(way, { ...none, ...plan }, was), EPOCH);
  for (let k = 0; k < windows; k += 1) done.seen(2, 16);
  vi.advanceTimersByTime(1000 * seconds);
  return done;
};

describe('of', () => {
  it.each([
    [{}, undefined, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [{ epochs: 2 }, 0.25, 15, Number.POSITIVE_INFINITY],
    [{ steps: 50 }, 0.1, 45, Number.POSITIVE_INFINITY],
    [{ seconds: 12 }, 0.5, Number.POSITIVE_INFINITY, 6],
    [{ seconds: 12, steps: 6 }, 5 / 6, 1, 6],
    [{ steps: 5 }, 1, 0, Number.POSITIVE_INFINITY],
    [{ seconds: 3 }, 1, Number.POSITIVE_INFINITY, -3],
  ])('%j, after 5 windows and 6 seconds', (plan, done, left, seconds) => {
    const at = learnt(plan, 5, 6);
    expect([at.done(), at.left(), at.secondsLeft()]).toEqual([done, left, seconds]);
  });
});

it('goes on where it was', () => {
  const first = learnt({ epochs: 2 }, 5, 6);
  const kept = courseFrom(JSON.parse(JSON.stringify(first.data())));
  const second = course(kept as NonNullable<typeof kept>, EPOCH);
  expect([second.done(), second.left(), second.steps(), second.symbols()]).toEqual([0.25, 15, 5, 80]);
  expect([second.learnt(), second.recent(), second.overall(), second.seconds()]).toEqual([0, 2, 2, 6]);
});

it('that follows another begins anew, and counts on', () => {
  const second = learnt({ steps: 4 }, 1, 1, learnt({ epochs: 2 }, 5, 6).data());
  expect([second.done(), second.steps(), second.symbols(), second.seconds()]).toEqual([0.25, 6, 96, 7]);
});

it.each([undefined, null, 7, {}, { text: 'x' }, { ...newCourse(way, none), steps: 'many' }])('%j is none', (data) => {
  expect(courseFrom(data)).toBeUndefined();
});

describe('how it went', () => {
  it('is kept within bounds, the last of it always, however long it goes on', () => {
    let kept = history();
    for (let steps = 1; steps <= 20_000; steps += 1) {
      kept.seen({ steps, seconds: steps / 10, nats: 1 });
      if (steps % 20 === 0) kept.validated({ steps, seconds: steps / 10, nats: 1 });
      if (steps % 5 === 0) kept.said({ steps, seconds: steps / 10, text: `said at ${steps}` });
      // As a run does that is kept and resumed.
      if (steps % 777 === 0) kept = history(JSON.parse(JSON.stringify(kept.data())));
    }
    const { training, validation, samples, spoken } = kept.data();
    for (const all of [training, validation]) {
      expect(all.length).toBeGreaterThan(150);
      expect(all.length).toBeLessThanOrEqual(400);
      expect(all.at(-1)?.steps).toBeGreaterThan(19_800);
      expect(all[0]?.steps).toBeLessThan(200);
    }
    expect(spoken).toBe(4000);
    expect(samples.length).toBeGreaterThan(8);
    expect(samples.length).toBeLessThanOrEqual(24);
    expect(samples.at(-1)).toEqual({ steps: 20_000, seconds: 2000, text: 'said at 20000' });
  });
});
