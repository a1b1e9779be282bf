/** A tagger that learns from corrections while it tags. */
import { Subject } from 'rxjs';
import { isRecord, requireCount, requireKind } from '../checks.js';
import { learnTags } from '../models/tagger/online/learn-tags.js';
import type { LearnTagsSnapshot, TagLesson, TagOutcome } from '../models/tagger/online/lessons.js';
import { pending } from '../models/tagger/online/pending.js';
import { predictOne } from '../models/tagger/online/predict-tags.js';
import { type Tagger, type TaggerOptions, tagger } from '../models/tagger/tagger.js';
import { checkedOptions, type Names } from '../options.js';
import { parametersOf, versionOf } from '../parameters/parameter.js';
import { ServeError } from '../protocol/problem.js';
import { folderOf, type Resumed, resume } from '../runs/resume.js';
import { sizeOf } from '../tensor.js';
import { adam } from '../training/optimizers/adam.js';
import type { LearntCorrection, LiveMetrics, LiveTagger } from './live.js';
import {
  checkKeeping,
  checkLearning,
  figures,
  isClosing,
  type KeepingOptions,
  keepingNames,
  kept,
  refuseRun,
  saveNow,
} from './live-base.js';
import { rateMeter } from './meters.js';

/** The options of {@link liveTagger}. */
export interface LiveTaggerOptions extends KeepingOptions {
  /** Of a tagger that is new: words, tags, intents and sizes; or one that is there, as `tagger` made it. */
  readonly model?: Tagger | TaggerOptions | undefined;
  /** Default 1e-3, or that of the run in the folder. */
  readonly learningRate?: number | undefined;
  /** Default 5. */
  readonly clipNorm?: number | undefined;
  /** Utterances kept, and how many of them are learnt again with each correction. Default `{ size: 1000, per: 8 }`. */
  readonly replay?: { readonly size: number; readonly per: number; readonly seed?: number } | undefined;
  /** Utterances that may be corrected later. Default 1000; the oldest goes. */
  readonly corrigible?: number | undefined;
  /** Corrections that may wait. Default 64. */
  readonly queue?: number | undefined;
  /** Whose threads learn. Default `'learner'`. */
  readonly thread?: 'learner' | 'caller' | undefined;
  /** Whether it learns to begin with. Default true. */
  readonly learning?: boolean | undefined;
  /** Whether a run of another tier of kernels goes on, with other bits: `'any'`. Default `'same'`. */
  readonly tier?: 'same' | 'any' | undefined;
}

const names: Names<LiveTaggerOptions> = {
  ...keepingNames,
  model: true,
  learningRate: true,
  clipNorm: true,
  replay: { size: true, per: true, seed: true },
  corrigible: true,
  queue: true,
  thread: true,
  learning: 'boolean',
  tier: true,
};

type Kept = Resumed<Tagger, LearnTagsSnapshot>;

/** What is kept of the run besides weights and optimizer. */
interface About {
  readonly task: 'tagger';
  readonly learningRate?: number;
}

interface Waiting {
  resolve(learnt: LearntCorrection): void;
  reject(error: unknown): void;
}

/**
 * Opens a tagger that tags words as they arrive and learns corrections at once: the one that is kept in a folder, or a new one.
 *
 * @param options where it is kept, what it is where it is new, how it learns, and how much may wait.
 * @returns resolves with the tagger, which has the folder.
 * @throws TypeError (as a rejection) where an option is not known, there is neither a run nor a model, or the folder holds a run of
 * another kind.
 * @throws RangeError (as a rejection) where an option is impossible.
 * @throws OxbowError (as a rejection) as `resume` does.
 * @example
 * ```ts
 * import { liveTagger } from 'oxbow/serve';
 *
 * const live = await liveTagger({ model: { words: ['to', 'taipei'], tags: ['O', 'B-toloc'], units: 8, bidirectional: false } });
 * const { id } = live.tag(['to', 'taipei']);
 * console.log((await live.correct({ utterance: id, tags: ['O', 'B-toloc'] })).step); // 1
 * await live.close();
 * ```
 */
export async function liveTagger(options: LiveTaggerOptions): Promise<LiveTagger> {
  const checked = checkedOptions('liveTagger', options, names);
  const { folder, tier, corrigible, queue } = checked;
  checkKeeping('liveTagger', checked);
  checkLearning('liveTagger', checked);
  const { model } = checked;
  // A tagger is a function with parts, since it is a layer.
  const isModel = model === undefined || typeof model === 'function' || isRecord(model);
  requireKind('liveTagger', isModel, 'a model', model, 'give { words, tags }, or a tagger');
  if (corrigible !== undefined) requireCount('liveTagger', 'corrigible', corrigible);
  if (queue !== undefined) requireCount('liveTagger', 'queue', queue);
  const run = folder === undefined ? undefined : await resume<Tagger, LearnTagsSnapshot>(folder, { tier });
  return taggerFrom(run, checked);
}

/** A live tagger of a run that was read, if there is one. */
export async function taggerFrom(run: Kept | undefined, options: LiveTaggerOptions): Promise<LiveTagger> {
  const about = run?.about as Partial<About> | undefined;
  if (run && about?.task !== 'tagger') return refuseRun(options.folder as string, 'liveTagger');
  const { model: given } = options;
  const model = run?.model ?? (given && ('params' in given ? given : tagger(given)));
  if (model === undefined) {
    if (options.folder !== undefined) await (await folderOf(options.folder)).close();
    throw new TypeError('liveTagger: there is no run to go on with; give a model, { words, tags }.');
  }
  return live(model, run, { ...options, learningRate: options.learningRate ?? about?.learningRate });
}

function live(model: Tagger, run: Kept | undefined, options: LiveTaggerOptions): LiveTagger {
  const { folder, clipNorm = 5, replay = { size: 1000, per: 8 }, corrigible = 1000, queue = 64 } = options;
  const { thread = 'learner' } = options;
  let { learningRate = 1e-3, learning = true } = options;
  const open = pending({ capacity: corrigible });
  const lessons$ = new Subject<TagLesson>();
  const changes$ = new Subject<void>();
  const waiting: Waiting[] = [];
  const [learntRate, saidRate] = [rateMeter(), rateMeter()];
  let stopped: ServeError | undefined;
  let step = run?.step ?? 0;
  let loss: number | null = null;
  let learnt = 0;
  let said = 0;
  let dropped = 0;
  const version = () => versionOf(parametersOf(model.params).map(([, parameter]) => parameter));

  function settle(outcome: TagOutcome): void {
    const next = waiting.shift();
    if (outcome.outcome === 'learned') {
      step = outcome.step;
      loss = outcome.loss;
      learnt += outcome.words.length;
      learntRate.add(outcome.words.length);
      next?.resolve({ tags: outcome.tags, loss: outcome.loss, step, version: version() });
    } else if (outcome.outcome !== 'predicted') {
      const [code, field] =
        outcome.outcome === 'rejected' ? (['invalid', 'corrections'] as const) : (['not-found', 'utterance'] as const);
      next?.reject(new ServeError(code, outcome.message, { field }));
    }
    changes$.next();
  }

  const learning$ = lessons$.pipe(
    learnTags(model, {
      optimizer: adam(() => learningRate),
      clipNorm,
      replay,
      pending: open,
      thread,
      waiting: { capacity: queue + 1, policy: 'block' },
      from: run?.snapshot,
    }),
    kept(options, model, (): About => ({ task: 'tagger', learningRate })),
  );
  const ended = new Promise<void>((resolve, reject) => {
    const end = (error: ServeError) => {
      stopped ??= error;
      for (const one of waiting.splice(0)) one.reject(error);
    };
    learning$.subscribe({
      next: settle,
      error(error: Error) {
        end(new ServeError('failed', `learning has ended: ${error.message}`, { cause: error }));
        reject(error);
      },
      complete() {
        end(isClosing());
        resolve();
      },
    });
  });
  // Whoever closes hears of it.
  ended.catch(() => undefined);

  function tag(words: readonly string[]) {
    if (stopped?.code === 'closing') throw stopped;
    said += words.length;
    saidRate.add(words.length);
    return predictOne(model, open, { words });
  }

  const isLearning = () => learning && stopped?.code !== 'failed';
  const metrics = (): LiveMetrics => ({
    step,
    version: version(),
    loss,
    bitsPerSymbol: loss === null ? null : loss / Math.LN2,
    learnt,
    said,
    learntPerSecond: learntRate.read(),
    saidPerSecond: saidRate.read(),
    waiting: waiting.length,
    sources: 0,
    dropped: dropped + open.dropped,
    active: 0,
    queued: 0,
    learning: isLearning(),
    learningRate,
  });

  return {
    task: 'tagger',
    model,
    get step() {
      return step;
    },
    get version() {
      return version();
    },
    get parameters() {
      return parametersOf(model.params).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
    },
    get learning() {
      return isLearning();
    },
    set learning(on) {
      learning = on;
    },
    get learningRate() {
      return learningRate;
    },
    set learningRate(rate) {
      checkLearning('liveTagger', { learningRate: rate });
      learningRate = rate;
    },
    tag,
    open() {
      const words: string[] = [];
      const streaming = model.streams ? model.open() : undefined;
      return {
        add(word) {
          words.push(word);
          return streaming?.add(word) ?? [];
        },
        end: () => tag(words),
      };
    },
    correct: ({ utterance, tags, corrections, intent }) =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(stopped);
        if (!learning) return reject(new ServeError('learning-off', 'correct: learning is switched off.'));
        if (waiting.length >= queue) {
          dropped += 1;
          const message = `correct: ${waiting.length} corrections wait already; try again later.`;
          return reject(new ServeError('overloaded', message, { retryAfter: 1 }));
        }
        waiting.push({ resolve, reject });
        lessons$.next({ id: utterance, tags, corrections, intent });
      }),
    metrics,
    metrics$: figures(changes$, metrics),
    hears: true,
    save: () => saveNow(folder, step),
    ended,
    async close() {
      stopped ??= isClosing();
      lessons$.complete();
      await ended;
      // Those that wait are learnt before it ends.
      return { waiting: 0, windows: 0 };
    },
  };
}
