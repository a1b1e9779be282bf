/** The models: the same input and output, and between them a memory of one kind, or none. */
import {
  activations,
  dense,
  gatedDeltaNet,
  griffinBlock,
  gru,
  initializers,
  type Layer,
  lstm,
  masked,
  minGru,
  minLstm,
  oneHot,
  type Padded,
  simpleRnn,
  stack,
  stacked,
} from 'oxbow';
import { type ModelName, recipe } from './recipe.js';
import type { Task } from './tasks/task.js';

const { chrono, sideBySide, zeros } = initializers;

const twice = (inputs: number, units: number, layerOf: (width: number) => Layer<unknown>) =>
  stacked([layerOf(inputs), layerOf(units)]);

/** Gates start open or closed for spans up to the task's own, so that there is something to hold on to at once. */
const middles = {
  mlp: (inputs: number, units: number) =>
    dense(inputs, Math.max(units, recipe.mlpUnits), { activation: activations.relu }),
  rnn: (inputs: number, units: number) => simpleRnn(inputs, units),
  lstm: (inputs: number, units: number, span: number) =>
    lstm(inputs, units, { initializers: { b: sideBySide([chrono(span, -1), chrono(span), zeros(), zeros()]) } }),
  gru: (inputs: number, units: number, span: number) =>
    gru(inputs, units, { initializers: { b: sideBySide([chrono(span), zeros(), zeros()]) } }),
  // Their gates do not see the state, so that one layer cannot tell what it has seen: the rule is two.
  minGru: (inputs: number, units: number, span: number) =>
    twice(inputs, units, (width) => minGru(width, units, { initializers: { bz: chrono(span, -1) } })),
  minLstm: (inputs: number, units: number, span: number) =>
    twice(inputs, units, (width) =>
      minLstm(width, units, { initializers: { bf: chrono(span), bi: chrono(span, -1) } }),
    ),
  griffin: (inputs: number, units: number) =>
    twice(inputs, units, (width) => griffinBlock(width, units, { outputs: units })),
  gatedDeltaNet: (inputs: number, units: number) =>
    twice(inputs, units, (width) => gatedDeltaNet(width, units, { outputs: units })),
};

export type Model = Layer<unknown, Padded>;

export function modelOf(task: Task, name: ModelName, seed: number): Model {
  const { input, outputs, units, span } = task;
  const width = 'symbols' in input ? input.symbols : input.features;
  const middle = middles[name](width, units, span) as Layer<unknown>;
  const head = dense(middle.outputs as number, outputs);
  const model =
    'symbols' in input ? stack({ in: oneHot(width), middle, head }, { seed }) : stack({ middle, head }, { seed });
  return masked(model as Layer<unknown>);
}
