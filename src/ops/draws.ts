import type { RandomKey } from '../parameters/random-key.js';
import { mix32 } from '../random.js';

/** The key of the next draw of a window at a place. */
export type Draw = (place: RandomKey) => number;

/**
 * Draws of one window, at a step of training: another key for each place, each step, and each time that the window
 * draws at the same place again. A run that is resumed at a step draws what the uninterrupted one would have drawn.
 */
export function draws(step: number): Draw {
  const times = new Map<RandomKey, number>();
  return (place) => {
    const before = times.get(place) ?? 0;
    times.set(place, before + 1);
    const first = mix32(place.hash + step);
    return before === 0 ? first : mix32(first + Math.imul(before, 0x9e3779b9));
  };
}
