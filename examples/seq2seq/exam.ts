import { decodeGreedy, generator } from 'oxbow';
import { draw, laneOf, start } from './data.js';
import type { Pupil } from './model.js';
import { longest, recipe } from './recipe.js';

export interface Exam {
  /** Sequences that are right to the last symbol, of how many. */
  readonly right: number;
  readonly asked: number;
  /** A few of them: what was read, and what was written. */
  readonly shown: readonly string[];
}

/** What a model makes of sequences that it has not seen, the same ones each time. */
export function examine({ model, task, seed }: Pupil): Exam {
  const random = generator(seed, `${task} exam`);
  const shown: string[] = [];
  let right = 0;
  for (let round = 0; round < recipe.exam; round += 1) {
    const { source, target } = draw(random, task);
    const written = decodeGreedy(model, source, { start, steps: longest + 1 });
    for (let lane = 0; lane < recipe.batch; lane += 1) {
      const [wanted, said] = [laneOf(target, lane).join(' '), laneOf(written, lane).join(' ')];
      if (said === wanted) right += 1;
      if (shown.length < recipe.shown) {
        shown.push(`${laneOf(source, lane).join(' ')} → ${said}${said === wanted ? '' : ` (${wanted} is right)`}`);
      }
    }
  }
  return { right, asked: recipe.exam * recipe.batch, shown };
}
