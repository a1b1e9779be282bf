import { Observable, Subject, type Subscriber } from 'rxjs';
import { requireCount } from '../../checks.js';
import { checkedOptions, type Names } from '../../options.js';
import type { PiecewiseTask } from '../../piecewise-task.js';
import { generator, restoreGenerator } from '../../random.js';
import {
  type BadWindowCounts,
  type BadWindowOptions,
  badWindowNames,
  badWindows,
  checkBadWindowOptions,
} from '../../streams/bad-windows.js';
import { hearerOf } from '../../streams/moments.js';
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
import type { SlotScores } from '../metrics/conlleval.js';
import { weightAverage } from '../weight-average.js';
import { batchesOf } from './batches.js';
import type { TaggedUtterance } from './encoding.js';
import { checkFitTaggerSnapshot, type FitTaggerSnapshot, type OpenFit } from './fit-snapshot.js';
import { scoreTagger } from './score.js';
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
  /**
   * Where a training goes on that was stopped, as `snapshot()` of its last epoch gave it or `resume` has read it, with the model's
   * weights of then, the same utterances and the same options.
   */
  readonly from?: FitTaggerSnapshot | undefined;
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
  from: true,
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
  /** Since training began, its stops left out. */
  readonly seconds: number;
  /** Updates so far. */
  readonly step: number;
  /**
   * What this training needs, besides the model's weights and the utterances, to go on: option `from`. A copy, to be called while the
   * epoch is being handled. After the last epoch there is nothing to go on with.
   *
   * @throws Error where more has been learnt since, or training was ended since.
   */
  snapshot(): FitTaggerSnapshot;
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
        training.failed();
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
    from,
  } = options;
  requireCount('fitTagger', 'epochs', epochs);
  requireCount('fitTagger', 'batch', batch);
  checkUpdatesOptions('fitTagger', options);
  checkBadWindowOptions('fitTagger', options);
  if (train.length === 0) throw new RangeError('fitTagger: there is no utterance to learn from; give one at least.');
  const steps = epochs * Math.ceil(train.length / batch);
  const substituted = substitution('fitTagger', train, substitute);
  const wordsOf = (utterances: readonly TaggedUtterance[]) =>
    utterances.reduce((sum, { words }) => sum + words.length, 0);
  const plan = {
    epochs,
    utterances: train.length,
    words: wordsOf(train),
    'utterances to look at': valid.length,
    'words to look at': wordsOf(valid),
    batch,
    learningRate,
    clipNorm,
    average,
    share: substitute.share,
    seed,
  };
  const open = from?.open;
  if (from !== undefined) checkFitTaggerSnapshot(model, from, plan);
  const [random, words] = open
    ? [restoreGenerator(open.orders), restoreGenerator(open.substituted)]
    : [generator(seed, 'utterances'), generator(seed, 'substitution')];
  const mean = weightAverage(model.params, average, open?.mean);
  const optimizer = adam(cosine({ rate: learningRate, steps }));
  const learner = observedTrainer(model, { optimizer, clipNorm, thread: options.thread, state: open?.trainer }, () =>
    bad.sound(),
  );
  const bad = badWindows('fitTagger', options, {
    params: model.params,
    learner,
    keep: mean.keep,
    snapshot: learner.state,
  });
  const hearer = hearerOf(model);
  const ended$ = new Subject<void>();
  let best = open?.best;
  let ended = false;

  /** Where training stands now. */
  function momentOf(
    place: Pick<FitTaggerSnapshot, 'epochs' | 'seconds'>,
    within: Pick<OpenFit, 'batch' | 'loss' | 'learnt' | 'orders'>,
  ) {
    const [step, sofar, substituted] = [learner.steps, best, words.state()];
    const snapshot = (): FitTaggerSnapshot => {
      if (place.epochs === epochs) return { plan, ...place };
      if (learner.steps === step && !ended) {
        return {
          plan,
          ...place,
          open: { trainer: learner.state(), ...within, substituted, mean: mean.state(), best: sofar },
        };
      }
      throw new Error(
        `fitTagger: the snapshot after update ${step} is gone, since training has gone on or ended; take it while it is handled.`,
      );
    };
    return { step, snapshot };
  }

  function* learn(examples: readonly TaggedUtterance[]): PiecewiseTask<TaggerLearned> {
    return updatesAtOnce(options) ? learner.learn(examples) : yield* learner.learnInPieces(examples);
  }

  async function run(subscriber: Subscriber<TaggerEpoch>): Promise<void> {
    const turns = turnsOf(options);
    const started = performance.now();
    const secondsNow = () => (from?.seconds ?? 0) + (performance.now() - started) / 1000;
    for (let epoch = (from?.epochs ?? 0) + 1, begun = open; epoch <= epochs; epoch += 1, begun = undefined) {
      let loss = begun?.loss ?? 0;
      let learnt = begun?.learnt ?? 0;
      const orders = random.state();
      const batches = batchesOf(train, batch, random);
      for (let k = begun?.batch ?? 0; k < batches.length; k += 1) {
        const examples = batches[k] as readonly TaggedUtterance[];
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
        hearer?.moment(momentOf({ epochs: epoch - 1, seconds: secondsNow() }, { batch: k + 1, loss, learnt, orders }));
        if (subscriber.closed) return;
      }
      const validation = mean.within(() => scoreTagger(model, valid));
      const score = scoreOf(validation);
      const isBest = best === undefined || score >= best.score;
      if (isBest) best = { score, weights: mean.weights() };
      const seconds = secondsNow();
      const moment = momentOf({ epochs: epoch, seconds }, { batch: 0, loss: 0, learnt: 0, orders: random.state() });
      // What is kept at the end of the run are the best weights.
      if (epoch === epochs) end();
      subscriber.next({
        epoch,
        epochs,
        loss: loss * (batches.length / learnt),
        validation,
        best: isBest,
        bad: bad.counts,
        seconds,
        ...moment,
      });
    }
  }

  function end(): void {
    if (ended) return;
    ended = true;
    ended$.next();
    learner.release();
    if (best !== undefined) mean.put(best.weights);
  }
  return { run, failed: () => hearer?.failed(), end };
}

const scoreOf = ({ f1, intentAccuracy }: SlotScores) => f1 + (Number.isNaN(intentAccuracy) ? 0 : intentAccuracy);
