/** What `liveLanes` takes, and the steps of one lane that its values bring. */
import { type Ids, showShape, type Tensor } from '../../tensor.js';
import type { BufferOptions } from '../buffer.js';
import { asSignal, type PredictionOptions, requireAlike } from '../signals.js';

/** Options of {@link liveLanes}: the lanes, what is predicted from what, and what waits for how long. */
export interface LiveLanesOptions<V = Ids, X = V, Y = X> extends PredictionOptions<V, X, Y> {
  /** Lanes, B. */
  readonly batch: number;
  /** Steps of a window, T. */
  readonly length: number;
  /**
   * How long the first step of a window waits at most, in milliseconds, for sources that are slow: then the window comes with what
   * is there, and the rest is nobody's. By default it waits for every source that has a lane.
   */
  readonly maxDelayMs?: number;
  /** Whether what is left at completion is emitted or dropped. Default `'emit'`. */
  readonly partial?: 'emit' | 'drop';
  /**
   * Where the values of each source wait. By default a pull source waits itself; of others 1024 values do, and an error where there
   * are more. The gauge gets the sum over all of them.
   */
  readonly waiting?: BufferOptions;
  /** Where sources wait for a lane, in the same way. */
  readonly joining?: BufferOptions;
}

/** Of one source that is cut: how, and how its windows are. */
export interface CutOptions<V = Ids, X = V, Y = X>
  extends Pick<LiveLanesOptions<V, X, Y>, 'batch' | 'length' | 'partial' | 'input' | 'target'> {
  /** Steps of a piece, at best a multiple of T. */
  readonly cut: number;
}

/** The steps of one lane that a value brings. */
export function laneStepsOf<V>({ input = (value) => value, target }: PredictionOptions<V, unknown>, value: V) {
  const signal = asSignal('liveLanes', input(value));
  const asked = target && asSignal('liveLanes', target(value));
  if (asked) requireAlike('liveLanes', signal, asked);
  requireOneLane(signal);
  return { input: signal, target: asked };
}

export function requireOneLane({ shape }: Tensor): void {
  if (shape[1] === 1) return;
  throw new TypeError(
    `liveLanes: a source is one lane, but got ${showShape(shape)}, ${shape[1]} lanes; give each lane as a source of its own.`,
  );
}
