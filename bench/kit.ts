/** `npm run bench -- kit`: what strengthens a recurrent language model, in time of the plain LSTM's windows, side by side. */
import { adam, averaged, dense, embedding, type Layer, lstm, outerNesterov, stack } from '../src/index.js';
import { type Figure, rate, summary } from './measure.js';
import { figures, number } from './report.js';
import type { TableOptions } from './table.js';
import type { Case } from './workload.js';
import { type AnyModel, trainingCase } from './workloads/models.js';

const [steps, batch, symbols, units] = [32, 32, 65, 512];

/** Times the plain window's time that one with a piece may take, where that is said. */
const BARS: Readonly<Record<string, number>> = { layerNorm: 1.3, dropConnect: 1.3 };

/** A model of one layer that looks its input up, and of one whose input is another's output. */
function modelOf(options: object): AnyModel {
  const layer = () => lstm(units, units, options) as Layer<unknown>;
  return stack({
    embed: embedding(symbols, units),
    rnn1: layer(),
    rnn2: layer(),
    head: dense(units, symbols),
  }) as unknown as AnyModel;
}

const sides = {
  plain: {},
  layerNorm: { cell: { layerNorm: true } },
  dropConnect: { cell: { dropConnect: 0.5 } },
  'layerNorm, dropConnect': { cell: { layerNorm: true, dropConnect: 0.5 } },
  averaged: { optimizer: averaged(adam(1e-3)) },
  outerNesterov: { optimizer: outerNesterov(adam(1e-3)) },
};

const cases = (): readonly Case[] =>
  Object.entries(sides).map(([name, side]) => {
    const { cell = {}, optimizer = adam(1e-3) } = side as { cell?: object; optimizer?: ReturnType<typeof adam> };
    const common = { name, unit: 'chars/s', steps, batch, symbols, flop: 0, clipNorm: 5 } as const;
    return trainingCase(modelOf(cell), { ...common, optimizer, random: 'dropConnect' in cell });
  });

export interface MeasuredSide {
  readonly side: string;
  /** Milliseconds a window. */
  readonly time: Figure;
  /** Of the plain one's time in the same round. */
  readonly ratio: Figure;
}

export function kitLines(measured: readonly MeasuredSide[]): readonly string[] {
  return [
    `A window of training (LSTM ${units} twice, T ${steps}, B ${batch}), in times the plain cell's`,
    ...measured.map(({ side, time, ratio }) => {
      const bar = BARS[side];
      const verdict = bar === undefined ? '' : `; bar ${bar}: ${ratio.median <= bar ? 'reached' : 'short'}`;
      const range = `(${ratio.min.toFixed(2)} … ${ratio.max.toFixed(2)})`;
      return `${side.padEnd(26)}${number(time.median).padStart(10)} ms  × ${ratio.median.toFixed(2)}  ${range}${verdict}`;
    }),
  ];
}

/** Measures all sides round by round, so that they share what disturbs them. @throws Error where a result is wrong. */
export function kit({ repetitions, seconds, progress, print }: TableOptions): void {
  const all = cases();
  const times = all.map(() => [] as number[]);
  for (const one of all) {
    progress.show(`kit: ${one.name}`);
    one.check();
    rate(one.step, 1, seconds);
  }
  for (let round = 0; round < repetitions; round += 1) {
    all.forEach((one, k) => {
      progress.show(`kit: ${one.name}`);
      times[k]?.push(1000 / rate(one.step, 1, seconds));
    });
  }
  for (const one of all) one.release?.();
  const [plain = []] = times;
  const measured = times.map((each, k) => ({
    side: all[k]?.name ?? '',
    time: summary(each),
    ratio: summary(each.map((time, round) => time / (plain[round] as number))),
  }));
  print(
    kitLines(measured),
    measured.map(({ side, time, ratio }) => ({
      kit: side,
      unit: 'ms/window',
      ...figures(time),
      ratio: figures(ratio),
    })),
  );
}
