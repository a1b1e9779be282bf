/** A language model that learns from all that it hears while it answers. */
import { Subject } from 'rxjs';
import { requireCount } from '../checks.js';
import type { Core } from '../layer.js';
import { type LanguageModelOptions, languageModel } from '../models/language-model.js';
import { checkedOptions, type Names } from '../options.js';
import { parametersOf } from '../parameters/parameter.js';
import { ServeError } from '../protocol/problem.js';
import { type Resumed, resume } from '../runs/resume.js';
import { byCodePoint, type Coder, type CoderData, coderFrom, listening, streamVocabulary } from '../streams/coder.js';
import { liveLanes } from '../streams/live-lanes/live-lanes.js';
import type { LiveWindow } from '../streams/live-lanes/live-window.js';
import { isOpen } from '../streams/open-vocabulary.js';
import { type TbpttSnapshot, type TbpttStep, tbptt } from '../streams/tbptt.js';
import type { Tokenizer } from '../streams/tokenizer/tokenizer.js';
import type { Vocabulary } from '../streams/vocabulary.js';
import { type Ids, sizeOf, type Tensor } from '../tensor.js';
import { crossEntropy } from '../training/losses/cross-entropy.js';
import { adam } from '../training/optimizers/adam.js';
import { answers } from './answers.js';
import type { HeardSymbols, LiveLanguageModel, LiveMetrics, LiveUpdate } from './live.js';
import {
  checkKeeping,
  checkLearning,
  figures,
  isClosing,
  type KeepingOptions,
  keepingNames,
  kept,
  refuseRun,
  requireTime,
  saveNow,
} from './live-base.js';
import { rateMeter } from './meters.js';
import { textSources, type Voice } from './text-sources.js';

/** The options of {@link liveLanguageModel}. */
export interface LiveLanguageModelOptions extends KeepingOptions {
  /** Of a model that is new. Default an open one that begins with printable ASCII, tab and newline, and grows by what is heard. */
  readonly vocab?: Vocabulary | Tokenizer | undefined;
  /** Of a model that is new, all but how many symbols there are. */
  readonly model?: Omit<LanguageModelOptions, 'symbols' | 'grows'> | undefined;
  /** Default 2e-3, or that of the run in the folder. */
  readonly learningRate?: number | undefined;
  /** Default 5. */
  readonly clipNorm?: number | undefined;
  /** Texts that are learnt from side by side, B. Default 8. */
  readonly batch?: number | undefined;
  /** Steps of a window, T. Default 32. */
  readonly length?: number | undefined;
  /** Milliseconds that the first symbol of a window waits for others. Default 250. */
  readonly maxDelayMs?: number | undefined;
  /** Whose threads learn. Default `'learner'`. */
  readonly thread?: 'learner' | 'caller' | undefined;
  /** Whether it learns to begin with. Default true. */
  readonly learning?: boolean | undefined;
  /** Characters that may wait to be learnt: of a source, default 262,144, and of all, default 4,194,304. */
  readonly waiting?: { readonly perSource?: number | undefined; readonly inAll?: number | undefined } | undefined;
  /** Sources that may have something to say at a time. Default 1024. */
  readonly sources?: number | undefined;
  /** Milliseconds that a source keeps its lane with nothing to say where others wait for one. Default 1000. */
  readonly idleMs?: number | undefined;
  /** Generations at a time. Default 256. */
  readonly atOnce?: number | undefined;
  /** How many more may wait for their turn, and how many scores. Default 256. */
  readonly queue?: number | undefined;
  /** Whether a run of another tier of kernels goes on, with other bits: `'any'`. Default `'same'`. */
  readonly tier?: 'same' | 'any' | undefined;
}

export const languageNames: Names<LiveLanguageModelOptions> = {
  ...keepingNames,
  vocab: true,
  model: { cell: true, units: true, layers: true, embed: true, seed: true },
  learningRate: true,
  clipNorm: true,
  batch: true,
  length: true,
  maxDelayMs: true,
  thread: true,
  learning: 'boolean',
  waiting: { perSource: true, inAll: true },
  sources: true,
  idleMs: true,
  atOnce: true,
  queue: true,
  tier: true,
};

/** What is kept of the run besides weights and optimizer. */
interface About {
  readonly task: 'language';
  readonly vocab: CoderData;
  readonly learningRate?: number;
}

type Model = Core<unknown, Ids, Tensor>;
type Kept = Resumed<Model, TbpttSnapshot<unknown>>;

/** Windows that the mean bits are taken over. */
const RECENT = 50;

/**
 * Opens a language model that learns and answers at once: the one that is kept in a folder, or a new one.
 *
 * Text of any number of sources is learnt side by side, a lane each by turns (`liveLanes`), by Adam on the learner's threads, and the
 * run is kept in the folder (`checkpointed`). Generations under way at a time are one batch. All read the same weights, as they are
 * at that moment. Everything that waits does so within a bound; what has no room is refused by a `ServeError`.
 *
 * Law: a run goes on at the step at which it was kept; a generation with a seed says what it says alone, as long as the weights are the
 * same.
 *
 * @param options where it is kept, what it is where it is new, how it learns, and how much may wait.
 * @returns resolves with the model, which has the folder.
 * @throws TypeError (as a rejection) where an option is not known, or the folder holds a run of another kind.
 * @throws RangeError (as a rejection) where an option is impossible.
 * @throws OxbowError (as a rejection) as `resume` does.
 * @example
 * ```ts
 * import { liveLanguageModel } from 'oxbow/serve';
 * import { lastValueFrom, toArray } from 'rxjs';
 *
 * const live = await liveLanguageModel({ model: { units: 32 }, learningRate: 1e-2 });
 * const source = live.source();
 * source.push('the river bends and the river bends again. '.repeat(10));
 * await source.learnt();
 * const said = await lastValueFrom(live.generate({ prompt: 'the ', length: 20, seed: 1 }).pipe(toArray()));
 * console.log(said.map(({ text }) => text).join(''), live.step);
 * await live.close();
 * ```
 */
export async function liveLanguageModel(options: LiveLanguageModelOptions = {}): Promise<LiveLanguageModel> {
  const checked = checkedOptions('liveLanguageModel', options, languageNames);
  const { folder, tier } = checked;
  checkLanguage('liveLanguageModel', checked);
  const run = folder === undefined ? undefined : await resume<Model>(folder, { tier });
  return languageModelFrom(run, checked);
}

/** @throws TypeError, RangeError where an option is impossible. */
export function checkLanguage(operation: string, options: LiveLanguageModelOptions): void {
  checkKeeping(operation, options);
  checkLearning(operation, options);
  for (const [name, least] of [
    ['batch', 1],
    ['length', 1],
    ['sources', 1],
    ['atOnce', 1],
    ['queue', 0],
  ] as const) {
    const value = options[name];
    if (value !== undefined) requireCount(operation, name, value, least);
  }
  for (const [name, value] of Object.entries(options.waiting ?? {})) {
    if (value !== undefined) requireCount(operation, `waiting.${name}`, value);
  }
  for (const name of ['maxDelayMs', 'idleMs'] as const) requireTime(operation, name, options[name] ?? 0);
}

/** A live model of a run that was read, if there is one. */
export async function languageModelFrom(
  run: Kept | undefined,
  options: LiveLanguageModelOptions,
): Promise<LiveLanguageModel> {
  const about = run?.about as Partial<About> | undefined;
  if (run && (about?.task !== 'language' || about.vocab === undefined)) {
    return refuseRun(options.folder as string, 'liveLanguageModel');
  }
  const vocab = listening(about?.vocab ? await coderFrom(about.vocab) : (options.vocab ?? streamVocabulary()));
  const model = run?.model ?? languageModel({ ...options.model, symbols: vocab.size, grows: isOpen(vocab) });
  return live(model, vocab, run, { ...options, learningRate: options.learningRate ?? about?.learningRate });
}

function live(model: Model, vocab: Coder, run: Kept | undefined, options: LiveLanguageModelOptions): LiveLanguageModel {
  const { folder, clipNorm = 5, batch = 8, length = 32, maxDelayMs = 250, thread = 'learner' } = options;
  const { learning = true, waiting, sources: most = 1024, idleMs = 1000, atOnce, queue } = options;
  const { perSource = 262_144, inAll = 4_194_304 } = waiting ?? {};
  let { learningRate = 2e-3 } = options;
  const texts = textSources({ vocab, batch, length, perSource, inAll, most, idleMs });
  texts.learning = learning;
  const answering = answers(model, vocab, { atOnce, queue });
  const updates$ = new Subject<LiveUpdate>();
  const learntRate = rateMeter();
  let step = run?.step ?? 0;
  let loss: number | null = null;
  let bits: number | null = null;
  let learnt = 0;
  /** Characters that waited when it was closed. */
  let closed: number | undefined;

  type Step = TbpttStep<unknown, LiveWindow<Ids, Ids>>;

  /** By stretch: bytes of a character may come in several windows. */
  const readers = new WeakMap<Voice, ReturnType<typeof byCodePoint>>();

  function readerOf(voice: Voice): ReturnType<typeof byCodePoint> {
    const reader = readers.get(voice) ?? byCodePoint(vocab);
    readers.set(voice, reader);
    return reader;
  }

  /** What each source said, and how surprising it was, from the pass that learnt it. */
  function heardIn({ window: { target, spans }, each, named = [] }: Step): HeardSymbols[] {
    const lanes = target.shape[1] as number;
    const naming = new Map(named.map(({ place, bits: own }) => [place, own]));
    return spans.flatMap(({ lane, from, to, source: number, at }) => {
      const voice = texts.voiceOf(number);
      if (voice === undefined) return [];
      const places = Array.from({ length: to - from }, (_, k) => (from + k) * lanes + lane);
      const [text, own] = readerOf(voice)(
        places.map((place) => target.data[place] as number),
        places.map((place) => (each?.data[place] ?? 0) / Math.LN2 + (naming.get(place) ?? 0)),
      );
      return [{ source: voice.source, at: voice.base + at + 1, afresh: at === 0, text, bits: Float64Array.from(own) }];
    });
  }

  function count(update: Step): void {
    const symbols = update.window.spans.reduce((sum, { from, to }) => sum + to - from, 0);
    step = update.step;
    loss = update.loss;
    const names = (update.named ?? []).reduce((sum, { bits: own }) => sum + own, 0);
    const own = loss / Math.LN2 + names / Math.max(1, symbols);
    bits = bits === null ? own : bits + (own - bits) / RECENT;
    learnt += symbols;
    learntRate.add(symbols);
    const heard = updates$.observed ? heardIn(update) : [];
    for (const { source, at, from, to } of update.window.spans) texts.heard(source, at + to - from);
    updates$.next({ step, loss, symbols, heard });
  }

  const learning$ = liveLanes(texts.voices$, {
    batch,
    length,
    maxDelayMs,
    joining: { capacity: 2 * most, policy: 'drop-newest' },
  }).pipe(
    tbptt<unknown, Ids, LiveWindow<Ids, Ids>>(model, {
      loss: crossEntropy(),
      optimizer: adam(() => learningRate),
      clipNorm,
      each: true,
      vocab,
      thread,
      // Lanes are others' now, and begin afresh.
      state: run?.snapshot.state,
    }),
    kept<Step>(options, model, (): About => ({ task: 'language', vocab: vocab.toJSON(), learningRate })),
  );
  const ended = new Promise<void>((resolve, reject) => {
    learning$.subscribe({
      next: count,
      error(error: Error) {
        texts.stop(new ServeError('failed', `learning has ended: ${error.message}`, { cause: error }));
        reject(error);
      },
      complete: resolve,
    });
  });
  // Whoever closes hears of it.
  ended.catch(() => undefined);

  function metrics(): LiveMetrics {
    const { refused, ...answered } = answering.figures();
    return {
      ...answered,
      step,
      loss,
      bitsPerSymbol: bits,
      learnt,
      learntPerSecond: learntRate.read(),
      waiting: texts.waiting,
      sources: texts.open,
      dropped: texts.refused + refused,
      learning: texts.learning,
      learningRate,
    };
  }

  return {
    task: 'language',
    model,
    vocab,
    get step() {
      return step;
    },
    get version() {
      return answering.version;
    },
    get parameters() {
      return parametersOf(model.params).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
    },
    get learning() {
      return texts.learning;
    },
    set learning(on) {
      texts.learning = on;
    },
    get learningRate() {
      return learningRate;
    },
    set learningRate(rate) {
      checkLearning('liveLanguageModel', { learningRate: rate });
      learningRate = rate;
    },
    source: texts.source,
    updates$: updates$.asObservable(),
    generate: answering.generate,
    score: answering.score,
    metrics,
    metrics$: figures(updates$, metrics),
    hears: true,
    save: () => saveNow(folder, step),
    ended,
    async close() {
      answering.close();
      closed ??= texts.waiting;
      texts.stop(isClosing());
      await ended;
      return { waiting: closed, windows: Math.ceil(closed / (batch * length)) };
    },
  };
}
