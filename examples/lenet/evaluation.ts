import { setImmediate as nextTurn } from 'node:timers/promises';
import { evaluate, type Layer } from 'oxbow';
import type { Interrupt } from '../shared/interrupt.js';
import { type Digits, windowOf } from './data.js';

/** `confusion[label][guess]` counts digits. */
export interface Evaluation {
  readonly accuracy: number;
  readonly confusion: readonly (readonly number[])[];
}

/** What the model makes of the digits that it learnt from, and of those that it did not. */
export interface Assessment {
  readonly training: Evaluation;
  readonly test: Evaluation;
}

const CLASSES = 10;
const BATCH = 500;

/** What a model makes of digits; undefined where it was interrupted. `seen` is called with the share of them it has looked at. */
export async function evaluation(
  model: Layer<unknown>,
  digits: Digits,
  interrupt: Interrupt,
  seen: (part: number) => void,
): Promise<Evaluation | undefined> {
  const confusion = Array.from({ length: CLASSES }, () => new Array<number>(CLASSES).fill(0));
  const count = digits.labels.length;
  for (let from = 0; from < count; from += BATCH) {
    const which = Array.from({ length: Math.min(BATCH, count - from) }, (_, k) => from + k);
    const { input, target } = windowOf(digits, which);
    const [{ data }] = evaluate(model, model.initial(which.length), input);
    target.data.forEach((label, k) => {
      const scores = data.subarray(k * CLASSES, (k + 1) * CLASSES);
      (confusion[label] as number[])[scores.indexOf(Math.max(...scores))] += 1;
    });
    seen((from + which.length) / count);
    await nextTurn();
    if (interrupt.requested()) return undefined;
  }
  return { accuracy: confusion.reduce((sum, row, label) => sum + (row[label] as number), 0) / count, confusion };
}

/** The matrix as lines of text: a row for each digit, a column for what it was taken for. */
export function showConfusion({ confusion }: Evaluation): readonly string[] {
  const row = (name: string, cells: readonly (number | string)[]) =>
    `${name.padStart(5)} ${cells.map((cell) => String(cell === 0 ? '·' : cell).padStart(5)).join('')}`;
  return [
    row(
      '',
      confusion.map((_, guess) => `→${guess}`),
    ),
    ...confusion.map((cells, label) => row(String(label), cells)),
  ];
}
