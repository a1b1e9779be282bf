/** `npm run bench -- recurrences`: windows of training of the recurrences on the scan beside the LSTM's, at equal units, in turn. */
import {
  adam,
  dense,
  embedding,
  gatedDeltaNet,
  generator,
  griffinBlock,
  gru,
  ids,
  type Layer,
  lstm,
  minGru,
  minLstm,
  parametersOf,
  stack,
  stepper,
} from '../src/index.js';
import { type Figure, rate, summary } from './measure.js';
import { figures, number } from './report.js';
import type { TableOptions } from './table.js';
import type { Case } from './workload.js';
import { trainingCase } from './workloads/models.js';

const [steps, batch, symbols, features] = [64, 32, 65, 64];
const sizes = [128, 256, 512] as const;

/** Two layers of each; the LSTM first, beside which the others stand. */
const layers: Readonly<Record<string, (inputs: number, units: number) => Layer<unknown>>> = {
  LSTM: (inputs, units) => lstm(inputs, units) as Layer<unknown>,
  GRU: (inputs, units) => gru(inputs, units) as Layer<unknown>,
  minGRU: (inputs, units) => minGru(inputs, units) as Layer<unknown>,
  minLSTM: (inputs, units) => minLstm(inputs, units) as Layer<unknown>,
  'RG-LRU block': (inputs, units) => griffinBlock(inputs, units, { outputs: units }) as Layer<unknown>,
  'Gated DeltaNet': (inputs, units) => gatedDeltaNet(inputs, units, { outputs: units }) as Layer<unknown>,
};

/** Characters a second, of each round. */
export interface MeasuredRecurrence {
  readonly name: string;
  readonly units: number;
  readonly parameters: number;
  readonly learning: readonly number[];
  readonly stepping: readonly number[];
}

interface Measuring {
  readonly learning: Case;
  /** A symbol after another of one stream. */
  step(): void;
  readonly row: MeasuredRecurrence & { readonly learning: number[]; readonly stepping: number[] };
}

function measuring(name: string, units: number): Measuring {
  const layerOf = layers[name] as (typeof layers)[string];
  const model = stack(
    {
      embed: embedding(symbols, features),
      rnn1: layerOf(features, units),
      rnn2: layerOf(units, units),
      head: dense(units, symbols),
    },
    { seed: 1 },
  ) as unknown as Layer<unknown>;
  const options = { unit: 'chars/s', steps, batch, symbols, flop: 0, optimizer: adam(1e-3), clipNorm: 5 } as const;
  const learning = trainingCase(model, { ...options, name: `${name}, ${units} units` });
  const { step } = stepper(model as never);
  const random = generator(1);
  const one = ids([1, 1], [random.below(symbols)]);
  return {
    learning,
    step: () => void step(one as never),
    row: {
      name,
      units,
      parameters: parametersOf(model.params).reduce((sum, [, { data }]) => sum + data.length, 0),
      learning: [],
      stepping: [],
    },
  };
}

/** The lines of the table of one size; ratios are medians over rounds. */
export function recurrenceLines(rows: readonly MeasuredRecurrence[]): readonly string[] {
  const first = rows[0] as MeasuredRecurrence;
  const beside = (of: 'learning' | 'stepping', row: MeasuredRecurrence): Figure =>
    summary(row[of].map((value, k) => value / (first[of][k] as number)));
  const times = (of: 'learning' | 'stepping', row: MeasuredRecurrence) =>
    `× ${beside(of, row).median.toFixed(2)}`.padStart(9);
  const shown = (values: readonly number[]) => number(summary(values).median).padStart(13);
  return [
    '',
    `Two layers of ${first.units} units (Embedding ${features}, Dense ${symbols}, Adam, T ${steps}, B ${batch}), beside the ${first.name}'s`,
    `${''.padEnd(14)}${'parameters'.padStart(12)}${'learns'.padStart(13)}${''.padStart(9)}${'steps, B 1'.padStart(13)}`,
    ...rows.map(
      (row) =>
        `${row.name.padEnd(14)}${row.parameters.toLocaleString('en-US').padStart(12)}${shown(row.learning)}${times('learning', row)}` +
        `${shown(row.stepping)}${times('stepping', row)}`,
    ),
  ];
}

/** Measures and prints a table of each size. @throws Error where a result is wrong. */
export function recurrences({ repetitions, seconds, progress, print }: TableOptions): void {
  for (const units of sizes) {
    const all = Object.keys(layers).map((name) => measuring(name, units));
    for (const { learning, step } of all) {
      progress.show(`${learning.name}: checking`);
      learning.check();
      rate(learning.step, 1, seconds);
      rate(step, 1, seconds / 4);
    }
    for (let round = 1; round <= repetitions; round += 1) {
      progress.show(`recurrences, ${units} units: repetition ${round} of ${repetitions}`);
      for (const { learning, step, row } of all) {
        row.learning.push(rate(learning.step, learning.work, seconds));
        row.stepping.push(rate(step, 1, seconds / 4));
      }
    }
    for (const { learning } of all) learning.release?.();
    const rows = all.map(({ row }) => row);
    print(
      recurrenceLines(rows),
      rows.map(({ name, parameters, learning, stepping }) => ({
        recurrence: name,
        units,
        parameters,
        unit: 'chars/s',
        learning: figures(summary(learning)),
        stepping: figures(summary(stepping)),
      })),
    );
  }
}
