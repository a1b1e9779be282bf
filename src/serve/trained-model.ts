/** A language model that a program trains, for a server that shows it and lets it answer meanwhile. */
import { Subject, take } from 'rxjs';
import type { Core } from '../layer.js';
import { parametersOf } from '../parameters/parameter.js';
import { ServeError } from '../protocol/problem.js';
import type { Coder } from '../streams/coder.js';
import { holdSource } from '../streams/demand.js';
import { type Ids, sizeOf, type Tensor } from '../tensor.js';
import { answers } from './answers.js';
import type { LiveLanguageModel, LiveMetrics, LiveUpdate } from './live.js';
import { figures } from './live-base.js';
import { rateMeter } from './meters.js';

/** What is trained, and how. */
export interface TrainedModelOptions {
  readonly model: Core<unknown, Ids, Tensor>;
  readonly vocab: Coder;
  /** Updates that it has behind it. */
  readonly step: number;
  /** The rate of now. */
  rate(): number;
  /** Has the run written down. */
  save(): Promise<void>;
}

/** A model that is trained by somebody else, who says each update. */
export interface TrainedModel {
  readonly live: LiveLanguageModel;
  /** An update has been made. */
  updated(update: { readonly step: number; readonly loss: number; readonly symbols: number }): void;
  /** What the rate is multiplied by; the page may change it. */
  readonly factor: number;
  /** Has a pull source wait while learning is off: to be called where a value of it comes by. */
  hold(): void;
}

/** Windows that the mean bits are taken over. */
const RECENT = 50;

const elsewhere = (): ServeError =>
  new ServeError(
    'learning-off',
    'learn: this model learns the text that it is trained on, and nothing else; push texts to one that oxbow serve has.',
  );

export function trainedModel({ model, vocab, step: first, rate, save }: TrainedModelOptions): TrainedModel {
  const answering = answers(model, vocab);
  const updates$ = new Subject<LiveUpdate>();
  const on$ = new Subject<void>();
  const learntRate = rateMeter();
  let [step, learnt, factor, learning] = [first, 0, 1, true];
  let loss: number | null = null;
  let bits: number | null = null;
  let finish: () => void = () => {};
  // An error of the training is heard by the program that trains.
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });

  function metrics(): LiveMetrics {
    const { refused, ...answered } = answering.figures();
    return {
      ...answered,
      step,
      loss,
      bitsPerSymbol: bits,
      learnt,
      learntPerSecond: learntRate.read(),
      waiting: 0,
      sources: 1,
      dropped: refused,
      learning,
      learningRate: live.learningRate,
    };
  }

  const live: LiveLanguageModel = {
    task: 'language',
    model,
    vocab,
    get step() {
      return step;
    },
    get version() {
      return answering.version;
    },
    parameters: parametersOf(model.params).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0),
    get learning() {
      return learning;
    },
    set learning(isOn) {
      learning = isOn;
      if (isOn) on$.next();
    },
    get learningRate() {
      return factor * rate();
    },
    set learningRate(wanted) {
      if (!(wanted >= 0 && wanted < Number.POSITIVE_INFINITY)) {
        throw new RangeError(`trainedModel: learningRate is a number from 0 up, not ${wanted}.`);
      }
      // The schedule goes on, by so much more or less.
      const now = rate();
      factor = now > 0 ? wanted / now : factor;
    },
    source: () => ({
      push() {
        throw elsewhere();
      },
      room: () => Promise.resolve(),
      learnt: () => Promise.resolve(),
      end() {},
    }),
    updates$: updates$.asObservable(),
    generate: answering.generate,
    score: answering.score,
    metrics,
    metrics$: figures(updates$, metrics),
    hears: false,
    async save() {
      await save();
      return step > 0;
    },
    ended,
    async close() {
      answering.close();
      finish();
      return { waiting: 0, windows: 0 };
    },
  };

  return {
    live,
    get factor() {
      return factor;
    },
    updated({ step: now, loss: nats, symbols }) {
      step = now;
      loss = nats;
      const own = nats / Math.LN2;
      bits = bits === null ? own : bits + (own - bits) / RECENT;
      learnt += symbols;
      learntRate.add(symbols);
      updates$.next({ step, loss: nats, symbols, heard: [] });
    },
    hold() {
      if (learning) return;
      const release = holdSource(live);
      if (release !== undefined) on$.pipe(take(1)).subscribe(release);
    },
  };
}
