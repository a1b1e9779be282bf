import { Observable, Subject, type Subscriber } from 'rxjs';
import { requireCount } from '../../checks.js';
import { checkedOptions, type Names } from '../../options.js';
import type { PiecewiseTask } from '../../piecewise-task.js';
import { generator, type RandomGenerator } from '../../random.js';
import {
  type BadWindowCounts,
  type BadWindowOptions,
  badWindowNames,
  badWindows,
  checkBadWindowOptions,
} from '../../streams/bad-windows.js';
import {
  checkUpdatesOptions,
  turnsOf,
  type UpdatesOptions,
  update,
  updatesAtOnce,
  withThread,
} from '../../streams/updates.js';
import { adam } from '../../training/optimizers/adam.js';
import { cosine } from '../../training/schedules.js';
import { conlleval, type SlotScores } from '../metrics/conlleval.js';
import { type Weights, weightAverage } from '../weight-average.js';
import type { TaggedUtterance } from './encoding.js';
import { type SubstitutionOptions, substitution, substitutionNames } from './substitution.js';
import type { Tagger } from './tagger.js';
import { observedTrainer, type TaggerLearned } from './trainer.js';

/** The options of {@link fitTagger}. Utterances are looked at on the calling thread, also where others run the updates. */
export interface FitTaggerOptions extends Omit<UpdatesOptions, 'waiting'>, BadWindowOptions {
  readonly train: readonly TaggedUtterance[];
  /** What is looked at after each epoch, and not learnt from: the best epoch's weights stay. */
  readonly valid: readonly TaggedUtterance[];
  /** Times through the utterances; default 35. */
  readonly epochs?: number;
  /** Utterances of an update; default 16. */
  readonly batch?: number;
  /** Adam's at the first update; it falls along half a cosine to nothing by the last. Default 3e-3. */
  readonly learningRate?: number;
  /** Default 5. */
  readonly clipNorm?: number;
  /** How slowly the mean of the weights, which is what stays, forgets; default 0.998. */
  readonly average?: number;
  /** How many slots are given other words of their type while learning, as by `substituteSlots`; default none. */
  readonly substitute?: SubstitutionOptions | undefined;
  /** Of the order of the utterances, and of what is substituted; default 0. */
  readonly seed?: number;
}

const names: Names<FitTaggerOptions> = {
  train: true,
  valid: true,
  epochs: true,
  batch: true,
  learningRate: true,
  clipNorm: true,
  average: true,
  substitute: substitutionNames,
  seed: true,
  thread: true,
  slice: true,
  ...badWindowNames,
};

/** What an epoch came to. */
export interface TaggerEpoch {
  readonly epoch: number;
  readonly epochs: number;
  /** Mean loss of the epoch's updates. */
  readonly loss: number;
  /** Of the mean of the weights. */
  readonly validation: SlotScores;
  /** Batches that could not be learnt from so far, and were left out. */
  readonly bad: BadWindowCounts;
  /** Whether no epoch before was as good: slot F1 plus intent accuracy, where intents are known. */
  readonly best: boolean;
  /** Since training began. */
  readonly seconds: number;
}

/** Utterances that are tagged side by side. */
const TOGETHER = 64;
/** Batches within which utterances are put in order of length, so that those of a batch hardly need padding. */
const POOL = 40;

/**
 * How well a tagger does on utterances whose tags are known.
 *
 * @param model tags the utterances.
 * @param utterances with the tags, and where they are known the intents, that are right.
 * @returns the scores, as {@link conlleval} counts them.
 * @throws RangeError where an utterance has not one tag a word, or the model has diverged.
 * @example
 * scoreTagger(reader, utterances).f1;
 */
export function scoreTagger(model: Tagger, utterances: readonly TaggedUtterance[]): SlotScores {
  const { update, result } = conlleval().start();
  const sorted = [...utterances].sort((a, b) => a.words.length - b.words.length);
  for (let from = 0; from < sorted.length; from += TOGETHER) {
    const some = sorted.slice(from, from + TOGETHER);
    model.tag(some.map(({ words }) => words)).forEach(({ words, intent }, k) => {
      const { tags, intent: wanted } = some[k] as TaggedUtterance;
      update(
        { tags: words.map(({ tag }) => tag), ...(intent && { intent: intent.name }) },
        { tags, ...(wanted !== undefined && { intent: wanted }) },
      );
    });
  }
  return result();
}

/**
 * Trains a tagger on utterances, epoch after epoch, and leaves it with the weights that did best on others.
 *
 * Adam with a falling rate over batches of like lengths; what is looked at, and stays, is the moving mean of the weights.
 * Each subscription is a training; to unsubscribe ends it, with the best weights so far (those of its last update where
 * no epoch has ended), and so does an error.
 *
 * @param model learns; it has the best weights at the end.
 * @param given the utterances to learn from and to look at, and how to train.
 * @returns an observable of each epoch's end, which trains when it is subscribed to.
 * @throws TypeError where an option is not known.
 * @throws RangeError (as an error notification) where there is no utterance, or an option is impossible.
 * @throws OxbowError `BadWindow` (as an error notification) where a batch cannot be learnt from and `badWindow` does not say otherwise.
 * @example
 * await lastValueFrom(fitTagger(reader, { train: utterances, valid: utterances, epochs: 2 }));
 * scoreTagger(reader, utterances).f1;
 */
export function fitTagger(model: Tagger, given: FitTaggerOptions): Observable<TaggerEpoch> {
  const options = checkedOptions('fitTagger', given, names);
  return new Observable((subscriber) => {
    const training = begin(model, options);
    subscriber.add(training.end);
    // The best weights are in place before anybody hears that it has ended, well or not.
    training.run(subscriber).then(
      () => {
        training.end();
        subscriber.complete();
      },
      (error: unknown) => {
        training.end();
        subscriber.error(error);
      },
    );
  });
}

function begin(model: Tagger, given: FitTaggerOptions) {
  const options = withThread(given);
  const {
    train,
    valid,
    epochs = 35,
    batch = 16,
    learningRate = 3e-3,
    clipNorm = 5,
    average = 0.998,
    substitute = { share: 0 },
    seed = 0,
  } = options;
  requireCount('fitTagger', 'epochs', epochs);
  requireCount('fitTagger', 'batch', batch);
  checkUpdatesOptions('fitTagger', options);
  checkBadWindowOptions('fitTagger', options);
  if (train.length === 0) throw new RangeError('fitTagger: there is no utterance to learn from; give one at least.');
  const steps = epochs * Math.ceil(train.length / batch);
  const substituted = substitution('fitTagger', train, substitute);
  const mean = weightAverage(model.params, average);
  const optimizer = adam(cosine({ rate: learningRate, steps }));
  const learner = observedTrainer(model, { optimizer, clipNorm, thread: options.thread }, () => bad.sound());
  const bad = badWindows('fitTagger', options, {
    params: model.params,
    learner,
    keep: mean.keep,
    snapshot: learner.state,
  });
  const ended$ = new Subject<void>();
  let most = Number.NEGATIVE_INFINITY;
  let kept: Weights | undefined;

  function* learn(examples: readonly TaggedUtterance[]): PiecewiseTask<TaggerLearned> {
    return updatesAtOnce(options) ? learner.learn(examples) : yield* learner.learnInPieces(examples);
  }

  async function run(subscriber: Subscriber<TaggerEpoch>): Promise<void> {
    const [random, words] = [generator(seed, 'utterances'), generator(seed, 'substitution')];
    const turns = turnsOf(options);
    const started = performance.now();
    for (let epoch = 1; epoch <= epochs; epoch += 1) {
      let loss = 0;
      let learnt = 0;
      const batches = batchesOf(train, batch, random);
      for (const examples of batches) {
        await turns();
        if (subscriber.closed) return;
        const learned = await update(
          options,
          turns,
          () => bad.attempt(() => learn(examples.map((each) => substituted(each, words)))),
          ended$,
        );
        if (learned === undefined) {
          if (subscriber.closed) return;
          continue;
        }
        loss += learned.loss / batches.length;
        learnt += 1;
        mean.update();
      }
      const validation = mean.within(() => scoreTagger(model, valid));
      const score = scoreOf(validation);
      const best = kept === undefined || score >= most;
      if (best) [most, kept] = [score, mean.weights()];
      const seconds = (performance.now() - started) / 1000;
      subscriber.next({
        epoch,
        epochs,
        loss: loss * (batches.length / learnt),
        validation,
        best,
        bad: bad.counts,
        seconds,
      });
    }
  }

  let ended = false;

  function end(): void {
    if (ended) return;
    ended = true;
    ended$.next();
    learner.release();
    if (kept !== undefined) mean.put(kept);
  }
  return { run, end };
}

const scoreOf = ({ f1, intentAccuracy }: SlotScores) => f1 + (Number.isNaN(intentAccuracy) ? 0 : intentAccuracy);

/** All utterances in random order, a few batches' worth at a time put in order of length and cut. */
function batchesOf(
  utterances: readonly TaggedUtterance[],
  size: number,
  random: RandomGenerator,
): readonly (readonly TaggedUtterance[])[] {
  const order = shuffled(utterances, random);
  const batches: (readonly TaggedUtterance[])[] = [];
  for (let from = 0; from < order.length; from += size * POOL) {
    const pool = order.slice(from, from + size * POOL).sort((a, b) => a.words.length - b.words.length);
    for (let k = 0; k < pool.length; k += size) batches.push(pool.slice(k, k + size));
  }
  return shuffled(batches, random);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: RandomGenerator): T[] {
  const order = [...items];
  for (let k = order.length - 1; k > 0; k -= 1) {
    const other = random.below(k + 1);
    [order[k], order[other]] = [order[other] as T, order[k] as T];
  }
  return order;
}
