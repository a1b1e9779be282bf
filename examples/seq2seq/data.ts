/** Random sequences, and what is to be written about them. */
import { type Ids, ids, type RandomGenerator } from 'oxbow';
import { longest, recipe, shortest, symbols, type TaskName, tasks } from './recipe.js';

/** Of the source; of the target the symbol that starts it and the one that ends it. */
export const [padding, start, end] = [symbols, symbols, symbols + 1];

export interface Lesson {
  readonly source: Ids;
  /** What was to be written, one step later. */
  readonly before: Ids;
  readonly target: Ids;
}

/** Lanes side by side, filled up to the same length. */
function timeMajor(lanes: readonly (readonly number[])[], length: number, filler: number): Ids {
  return ids(
    [length, lanes.length],
    Int32Array.from(
      { length: length * lanes.length },
      (_, k) => lanes[k % lanes.length]?.[Math.floor(k / lanes.length)] ?? filler,
    ),
  );
}

/** A batch of random sequences of random lengths. */
export function draw(random: RandomGenerator, task: TaskName): Lesson {
  const lanes = Array.from({ length: recipe.batch }, () =>
    Array.from({ length: shortest + random.below(longest - shortest + 1) }, () => random.below(symbols)),
  );
  const written = lanes.map((lane) => [...tasks[task](lane), end]);
  return {
    source: timeMajor(lanes, longest, padding),
    before: timeMajor(
      written.map((lane) => [start, ...lane.slice(0, -1)]),
      longest + 1,
      end,
    ),
    // What comes after the end is not learnt from.
    target: timeMajor(written, longest + 1, -1),
  };
}

/** A lane's symbols up to the one that fills it up or ends it. */
export function laneOf({ shape, data }: Ids, lane: number): readonly number[] {
  const [steps = 0, lanes = 0] = shape;
  const whole = Array.from({ length: steps }, (_, t) => data[t * lanes + lane] as number);
  const last = whole.findIndex((symbol) => symbol < 0 || symbol >= symbols);
  return last === -1 ? whole : whole.slice(0, last);
}
