/** What the hidden units of a language model do over a text. */
import type { Core } from '../layer.js';
import { type FeatureName, featureNames } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';
import { steppedTo } from '../stepper.js';
import { type Coder, idsByCodePoint } from '../streams/coder.js';
import { type Ids, ids, type Tensor } from '../tensor.js';
import * as tree from '../tree.js';
import { correlation, featuresOf } from './features.js';

/** A unit: the carry's part that it is in, as `rnn.layer1.h`, and its place there. */
export interface Unit {
  readonly part: string;
  readonly unit: number;
}

/** A unit, and how it goes with a feature. */
export interface TrackingUnit extends Unit {
  /** Pearson's, −1 to 1. */
  readonly correlation: number;
}

/** What the units did over a text. */
export interface UnitsOverText {
  /** The parts of the carry, and how many units each has. */
  readonly parts: { part: string; units: number }[];
  /** The units that go best with each feature that varies in the text. */
  readonly features: { feature: FeatureName; best: TrackingUnit[] }[];
  /** The unit that was asked for. */
  readonly shown: Unit & { activations: (number | null)[] };
}

/** Which unit is to be shown: this one, or the best of a feature; else the first one. */
export interface UnitChoice {
  readonly unit?: Unit | undefined;
  readonly feature?: FeatureName | undefined;
}

/** Numbers that a look at the units may keep: 64 MiB. */
const MOST_KEPT = 2 ** 24;
/** Units of each feature that are named. */
const NAMED = 5;
const round = (value: number) => Math.round(value * 1e4) / 1e4;

/** A part of the carry over a text: row t is what it was after symbol t. */
interface Trace {
  readonly part: string;
  readonly units: number;
  readonly rows: Float32Array;
}

/** What a lane's carry is made of: its parts that are one number a unit. */
const partsOf = (carry: unknown) =>
  tree.leaves(carry).filter(([, { shape, type }]) => type !== 'int32' && shape.length === 2 && shape[0] === 1);

function tracesFor(parts: ReturnType<typeof partsOf>, steps: number): Trace[] {
  const units = parts.reduce((sum, [, { shape }]) => sum + (shape[1] as number), 0);
  if (units === 0) {
    throw new ServeError(
      'wrong-task',
      'units: the model carries no hidden units from symbol to symbol; ask a recurrent one.',
    );
  }
  if (units * steps > MOST_KEPT) {
    const most = Math.floor(MOST_KEPT / units);
    throw new ServeError('too-large', `units: ${steps} symbols of ${units} units are too many; give at most ${most}.`, {
      field: 'text',
    });
  }
  return parts.map(([part, { shape }]) => ({
    part,
    units: shape[1] as number,
    rows: new Float32Array(steps * (shape[1] as number)),
  }));
}

/** A unit over the text. */
const seriesOf = ({ rows, units }: Trace, unit: number): Float32Array =>
  Float32Array.from({ length: rows.length / units }, (_, step) => rows[step * units + unit] as number);

/**
 * Steps a model over a text and yields after each symbol, so that others get their turns; at the end, what its units did.
 *
 * @throws ServeError where the model has no hidden units, there is no such unit, or the text is too long for them.
 */
export function* hiddenUnits(
  model: Core<unknown, Ids, Tensor>,
  vocab: Coder,
  text: string,
  choice: UnitChoice,
): Generator<undefined, UnitsOverText> {
  const all = Array.from(text);
  const encoded = idsByCodePoint(vocab, text);
  const known = all.filter((_, at) => (encoded[at] as ArrayLike<number>).length > 0);
  if (known.length === 0) {
    throw new ServeError(
      'invalid',
      'units: the model knows no symbol of the text; give a text like those it learns from.',
      {
        field: 'text',
      },
    );
  }
  const stepper = steppedTo(model);
  try {
    let traces: Trace[] | undefined;
    let step = 0;
    for (const own of encoded) {
      if (own.length === 0) continue;
      for (const id of own) stepper.step(ids([1, 1], [id]));
      const parts = partsOf(stepper.held);
      traces ??= tracesFor(parts, known.length);
      // After each step the parts may lie elsewhere.
      for (const [k, { rows, units }] of traces.entries())
        rows.set((parts[k] as (typeof parts)[number])[1].data, step * units);
      step += 1;
      yield undefined;
    }
    const found = traces as Trace[];
    const features = yield* trackers(found, known);
    const unit = choice.unit ?? features.find(({ feature }) => feature === choice.feature)?.best[0];
    const shown: Unit = unit ?? { part: (found[0] as Trace).part, unit: 0 };
    const trace = found.find(({ part, units }) => part === shown.part && shown.unit < units);
    if (trace === undefined) {
      const there = found.map(({ part, units }) => `${part} (${units})`).join(', ');
      throw new ServeError(
        'invalid',
        `units: there is no unit ${shown.unit} in ${shown.part}; the model has ${there}.`,
        {
          field: 'unit',
        },
      );
    }
    const series = seriesOf(trace, shown.unit);
    let at = 0;
    return {
      parts: found.map(({ part, units }) => ({ part, units })),
      features,
      shown: {
        part: shown.part,
        unit: shown.unit,
        activations: encoded.map(({ length }) => (length === 0 ? null : round(series[at++] as number))),
      },
    };
  } finally {
    stepper.release();
  }
}

/** Of each feature that varies, the units that go best with it. */
function* trackers(
  traces: readonly Trace[],
  symbols: readonly string[],
): Generator<undefined, UnitsOverText['features']> {
  const features = featuresOf(symbols);
  const ranked = new Map(featureNames.map((name) => [name, [] as TrackingUnit[]]));
  for (const trace of traces) {
    for (let unit = 0; unit < trace.units; unit += 1) {
      const series = seriesOf(trace, unit);
      for (const [name, best] of ranked) {
        const r = correlation(series, features[name]);
        if (r !== undefined) best.push({ part: trace.part, unit, correlation: round(r) });
        if (best.length > 4 * NAMED) keepBest(best);
      }
      yield undefined;
    }
  }
  return Array.from(ranked, ([feature, best]) => ({ feature, best: keepBest(best) })).filter(
    ({ best }) => best.length > 0,
  );
}

function keepBest(units: TrackingUnit[]): TrackingUnit[] {
  units.sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation)).splice(NAMED);
  return units;
}
