/** A window of training with each recurrent cell: all its steps as one kernel, and the same steps one by one. */
import {
  adam,
  type Cell,
  dense,
  embedding,
  gruCell,
  type Layer,
  lstmCell,
  simpleRnnCell,
  stack,
  unroll,
} from '../../src/index.js';
import { type Figure, rate, summary } from '../measure.js';
import type { Case } from '../workload.js';
import { trainingCase } from '../workloads/models.js';

const [steps, batch, symbols, features, units] = [50, 32, 65, 64, 128];

type AnyCell = Cell<unknown>;

const forgets = ['learned', 'none', 'coupled'] as const;

/** Every cell that has a kernel of its own; the plain LSTM first. */
export const cells: Readonly<Record<string, (inputs: number) => AnyCell>> = {
  ...Object.fromEntries(
    [false, true].flatMap((peepholes) =>
      forgets.map((forget) => [
        `lstm${forget === 'learned' ? '' : `, forget ${forget}`}${peepholes ? ', peepholes' : ''}`,
        (inputs: number) => lstmCell(inputs, units, { forget, peepholes }),
      ]),
    ),
  ),
  'lstm, layerNorm': (inputs) => lstmCell(inputs, units, { layerNorm: true }),
  'gru, reset after': (inputs) => gruCell(inputs, units),
  'gru, reset before': (inputs) => gruCell(inputs, units, { reset: 'before' }),
  'simple RNN': (inputs) => simpleRnnCell(inputs, units),
};

export interface MeasuredCell {
  readonly cell: string;
  /** Milliseconds a window, all steps at once. */
  readonly atOnce: Figure;
  /** Milliseconds a window, step by step. */
  readonly oneByOne: Figure;
  /** Characters of a window. */
  readonly work: number;
}

function caseOf(name: string, cellOf: (inputs: number) => AnyCell, atOnce: boolean): Case {
  const layerOf = (inputs: number) => {
    const cell = cellOf(inputs);
    const { window: _, ...stepwise } = cell;
    return unroll(atOnce ? cell : stepwise);
  };
  const model = stack({
    embed: embedding(symbols, features),
    rnn1: layerOf(features),
    rnn2: layerOf(units),
    head: dense(units, symbols),
  });
  const options = {
    name,
    unit: 'chars/s',
    steps,
    batch,
    symbols,
    flop: 0,
    optimizer: adam(1e-3),
    clipNorm: 5,
  } as const;
  return trainingCase(model as unknown as Layer<unknown>, options);
}

/** Measures all cells both ways, round by round, so that they share what disturbs them. @throws Error where a result is wrong. */
export function measureCells(
  repetitions: number,
  seconds: number,
  next: (what: string) => void,
): readonly MeasuredCell[] {
  const ways = Object.entries(cells).flatMap(([cell, make]) =>
    [true, false].map((atOnce) => ({ one: caseOf(cell, make, atOnce), times: [] as number[] })),
  );
  for (const { one } of ways) {
    next(one.name);
    one.check();
    rate(one.step, 1, seconds);
  }
  for (let round = 0; round < repetitions; round += 1) {
    for (const { one, times } of ways) {
      next(one.name);
      times.push(1000 / rate(one.step, 1, seconds));
    }
  }
  for (const { one } of ways) one.release?.();
  const [atOnce, oneByOne] = [0, 1].map((way) =>
    ways.filter((_, k) => k % 2 === way).map(({ times }) => summary(times)),
  ) as [Figure[], Figure[]];
  return Object.keys(cells).map((cell, k) => ({
    cell,
    atOnce: atOnce[k] as Figure,
    oneByOne: oneByOne[k] as Figure,
    work: steps * batch,
  }));
}
