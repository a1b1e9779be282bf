/** Recurrent layers of Keras: SimpleRNN, LSTM and GRU, by themselves and within Bidirectional. */

import type { Json } from '../../runs/description.js';
import type { Tensor } from '../../tensor.js';
import { activationOf, asOption } from './activations.js';
import { Config, isFields, quoted } from './config.js';
import { type Signal, showSignal } from './signal.js';
import { columns, type LayerWeights, type Part, shaped, thing } from './weights.js';

/** A direction: its parts in their order, without what turns its input or takes its last step. */
interface Direction {
  readonly parts: readonly Part[];
  readonly units: number;
  readonly sequences: boolean;
  readonly backwards: boolean;
}

type Cell = (config: Config, inputs: number, units: number, take: LayerWeights['take'], inner: string) => Part;

const names = ['kernel', 'recurrent_kernel', 'bias'];

/** Keras' gates i, f, c, o are those of `lstm` in the same order. */
const lstm: Cell = (config, inputs, units, take, inner) => {
  config.only('activation', ['tanh'], 'an LSTM has tanh here');
  gates(config);
  const [wx, wh, b] = take(config, inner, names);
  return {
    description: thing('lstm', inputs, units),
    weights: {
      wx: shaped(config, 'kernel', wx, [inputs, 4 * units]),
      wh: shaped(config, 'recurrent_kernel', wh, [units, 4 * units]),
      b: shaped(config, 'bias', b, [4 * units]),
    },
  };
};

/** Keras' gates z, r, h are those of `gru` in the same order; with `reset_after` it has two biases, of which that of h stays apart. */
const gru: Cell = (config, inputs, units, take, inner) => {
  config.only('activation', ['tanh'], 'a GRU has tanh here');
  gates(config);
  const after = config.flag('reset_after', config.reading.title === 'Keras 3');
  const [kernel, recurrent, bias] = take(config, inner, names);
  const wx = shaped(config, 'kernel', kernel, [inputs, 3 * units]);
  const whole = shaped(config, 'recurrent_kernel', recurrent, [units, 3 * units]);
  const b = shaped(config, 'bias', bias, after ? [2, 3 * units] : [3 * units]);
  if (!after) {
    const [wh, wn] = [columns(whole, 0, 2 * units), columns(whole, 2 * units, 3 * units)];
    return { description: thing('gru', inputs, units, { reset: 'before' }), weights: { wx, wh, wn, b } };
  }
  const [own, carried] = [0, 1].map((row) => b.data.subarray(row * 3 * units, (row + 1) * 3 * units)) as [
    Float32Array,
    Float32Array,
  ];
  const summed = own.map((value, k) => (k < 2 * units ? value + (carried[k] as number) : value));
  return {
    description: thing('gru', inputs, units),
    weights: {
      wx,
      wh: whole,
      b: { shape: [3 * units], type: 'float32', data: summed },
      bn: { shape: [units], type: 'float32', data: carried.slice(2 * units) },
    },
  };
};

const simpleRnn: Cell = (config, inputs, units, take, inner) => {
  const activation = activationOf(config, 'activation', 'tanh');
  if (activation === null) config.refuse('"linear": a simple recurrent network has a bend here', 'activation');
  const [wx, wh, b] = take(config, inner, names);
  return {
    description: thing('simpleRnn', inputs, units, ...(activation === 'tanh' ? [] : [asOption(activation)])),
    weights: {
      wx: shaped(config, 'kernel', wx, [inputs, units]),
      wh: shaped(config, 'recurrent_kernel', wh, [units, units]),
      b: shaped(config, 'bias', b, [units]),
    },
  };
};

const cells: Readonly<Record<string, Cell>> = { LSTM: lstm, GRU: gru, SimpleRNN: simpleRnn };

export const isRecurrent = (className: string): boolean => Object.hasOwn(cells, className);

function gates(config: Config): void {
  config.only(
    'recurrent_activation',
    ['sigmoid'],
    'gates are logistic here; retrain it with recurrent_activation="sigmoid"',
  );
  // What TensorFlow.js has where nothing is said.
  if (config.value('recurrent_activation') === undefined) config.refuse('it is not said', 'recurrent_activation');
}

/** One direction of a recurrent layer. */
function directionOf(config: Config, signal: Signal, weights: LayerWeights, inner: string): Direction {
  const { steps, shape } = signal;
  const [inputs] = shape;
  if (steps === undefined || shape.length !== 1 || typeof inputs !== 'number') {
    return config.refuse(`it takes sequences [batch, steps, features], but is given ${showSignal(signal)}`);
  }
  if (signal.mask === 'ended') {
    config.refuse(
      'Keras 3 has no mask after Bidirectional and TimeDistributed, so that it would read padding; leave mask_zero or Masking out',
    );
  }
  const units = config.count('units');
  config.only('use_bias', [true], 'recurrent layers have a bias here');
  config.only('return_state', [false], 'a carry is had by scanCarry here, and not as an output');
  config.only('recurrent_dropout', [0], 'nothing is dropped within a recurrence here');
  if (config.flag('stateful')) {
    config.reading.left.push(
      `${config.name}.stateful: a stream's carry goes on here, and each batch of fit and predict begins anew`,
    );
  }
  const rate = config.rate('dropout');
  if (rate > 0 && config.value('implementation') === 1) {
    config.refuse('with implementation 1 each gate drops features of its own, and here all drop the same', 'dropout');
  }
  const drop = { description: thing('dropout', rate, { mask: 'window' }), weights: {} };
  const sequences = config.flag('return_sequences');
  const backwards = config.flag('go_backwards');
  const cell = cells[config.className] as Cell;
  const take: LayerWeights['take'] = (...asked) => weights.take(...asked);
  const part = cell(config, inputs, units, take, inner);
  return { parts: rate > 0 ? [drop, part] : [part], units, sequences, backwards };
}

export interface Step {
  readonly parts: readonly Part[];
  readonly signal: Signal;
}

const after = (signal: Signal, units: number, sequences: boolean): Signal => ({
  ...signal,
  steps: sequences ? signal.steps : undefined,
  shape: [units],
  mask: sequences ? signal.mask : 'none',
});

const plain = ($: string): Part => ({ description: thing($), weights: {} });

export function readRecurrent(config: Config, signal: Signal, weights: LayerWeights): Step {
  const { parts, units, sequences, backwards } = directionOf(config, signal, weights, 'cell');
  if (backwards && sequences && signal.mask !== 'none') {
    config.refuse(
      'true: over masked steps with return_sequences Keras gives padding first; leave one of them out',
      'go_backwards',
    );
  }
  return {
    parts: [...(backwards ? [plain('reverse')] : []), ...parts, ...(sequences ? [] : [plain('lastStep')])],
    signal: after(signal, units, sequences),
  };
}

const merges: Readonly<Record<string, string>> = { concat: 'concat', sum: 'sum', ave: 'average', mul: 'product' };

/** A layer within another one. */
export function innerOf(config: Config, attribute: string): Config | undefined {
  const given = config.value(attribute);
  if (given === undefined) return undefined;
  if (!isFields(given) || typeof given.class_name !== 'string' || !isFields(given.config)) {
    return config.refuse(`${quoted(given)} is no layer`, attribute);
  }
  return new Config(config.reading, `${config.name}.${attribute}`, given.class_name, given.config);
}

export function readBidirectional(config: Config, signal: Signal, weights: LayerWeights): Step {
  const inner = innerOf(config, 'layer') ?? config.refuse('it is not there', 'layer');
  const other = innerOf(config, 'backward_layer');
  for (const each of [inner, other]) {
    if (each !== undefined && !isRecurrent(each.className)) {
      each.refuse(`${each.className}: only ${Object.keys(cells).join(', ')} are read within Bidirectional`);
    }
  }
  const mode = config.value('merge_mode');
  const merge = typeof mode === 'string' && Object.hasOwn(merges, mode) ? (merges[mode] as string) : undefined;
  if (merge === undefined)
    return config.refuse(`${quoted(mode ?? null)} gives two outputs, and here there is one`, 'merge_mode');
  const forward = directionOf(inner, signal, weights, 'forward_layer/cell');
  const backward = directionOf(other ?? inner, signal, weights, 'backward_layer/cell');
  if (forward.backwards || (other !== undefined && !backward.backwards)) {
    config.refuse('the forward layer reads forwards and the backward one backwards', 'layer.go_backwards');
  }
  if (forward.sequences !== backward.sequences)
    config.refuse('both directions have the same one', 'layer.return_sequences');
  if (forward.units !== backward.units && merge !== 'concat')
    config.refuse('both directions are equally wide then', 'merge_mode');
  inner.done();
  other?.done();
  const { sequences } = forward;
  const options = { ...(merge !== 'concat' && { merge }), ...(!sequences && { last: true }) };
  const [ahead, behind] = [joined(forward.parts, 'forward'), joined(backward.parts, 'backward')];
  const width = merge === 'concat' ? forward.units + backward.units : forward.units;
  const given = after(signal, width, sequences);
  return {
    parts: [
      {
        description: thing('bidirectional', ahead.description as Json, behind.description as Json, options),
        weights: { ...ahead.weights, ...behind.weights },
      },
    ],
    signal: { ...given, mask: given.mask === 'none' ? 'none' : 'ended' },
  };
}

/** Parts as one layer, its weights under a name. */
function joined(parts: readonly Part[], name: string): Part {
  const last = parts.at(-1) as Part;
  const [path, description] =
    parts.length === 1
      ? [name, last.description]
      : [
          `${name}.rnn`,
          thing('stack', { drop: (parts[0] as Part).description as Json, rnn: last.description as Json }),
        ];
  const weights = Object.entries(last.weights).map(([key, value]): readonly [string, Tensor] => [
    `${path}.${key}`,
    value,
  ]);
  return { description, weights: Object.fromEntries(weights) };
}
