import { defer, type Observable, type OperatorFunction, throwIfEmpty } from 'rxjs';
import { startFrom } from '../carry.js';
import { requireCount, requireModel, requireTensor } from '../checks.js';
import { type Core, evaluate } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import type { RandomGenerator } from '../random.js';
import { checkedNumbers, type Ids, ids, type Numbers, showShape, type Tensor } from '../tensor.js';
import { bounded } from './bounded.js';
import { type BufferOptions, bufferNames, checkBufferOptions, WAIT_OR_FAIL } from './buffer.js';
import { drawn } from './drawn.js';
import { timeSlice } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { type AlternativeSymbol, speaker } from './generation/speaker.js';
import { ESCAPE, isOpen } from './open-vocabulary.js';
import { checkSampling, drawsOf, type SamplingOptions, samplingNames } from './sample.js';
import { sliceSteps, stepsOf } from './steps.js';
import { checkStops, type Stops, stopsIn } from './stop.js';
import { isBytes } from './tokenizer/bytes.js';
import { decoderOf } from './tokenizer/tokenizer.js';
import { utf8Place } from './utf8.js';
import type { Vocabulary } from './vocabulary.js';

/** A symbol that a model says, `[1, 1]`. */
export interface GeneratedSymbol extends Ids {
  /** That of the weights: how often the model has been changed. */
  readonly version: number;
  /** `−log₂` of its probability by the model's own logits, before anything is cut off; where `surprisal` is asked for. */
  readonly surprisal?: number;
  /** The most probable symbols in its place, from the most probable down; where `alternatives` are asked for. */
  readonly alternatives?: readonly AlternativeSymbol[];
}

/** How many symbols are generated, how each is chosen, and what from. */
export interface GenerationOptions<S> extends SamplingOptions {
  /**
   * Symbols to generate; `Infinity` goes on until unsubscribed. A vocabulary of bytes may have up to three more, which finish the last
   * character.
   */
  readonly length: number;
  /**
   * Logits of symbols that were said or read lately are divided by it where they are above 0, and multiplied where they are
   * below: above 1 the model repeats itself less. Keskar et al. (2019), §4.1. Default 1.
   */
  readonly repetitionPenalty?: number;
  /** How many of the latest symbols that is for, those of the prompt too. Default 64. */
  readonly repetitionWindow?: number;
  /** Texts at which it ends, which are not said; needs `vocab`. What may be the beginning of one is held back until it is known. */
  readonly stop?: readonly string[];
  /**
   * What symbols are as text. The escape of an open vocabulary is never said: the others have its share. Of `bytes()` only
   * those are said that may come next in well-formed UTF-8, after the prompt's and the answer's own: others are left out before the
   * distribution is cut to the most probable.
   */
  readonly vocab?: Pick<Vocabulary, 'decode'>;
  /** Whether each symbol has its surprisal. Default false. */
  readonly surprisal?: boolean;
  /** How many of the most probable symbols each comes with. Default 0. */
  readonly alternatives?: number;
  /**
   * Steps that the model knows, for one with learned positions: before it would go on beyond them it starts afresh, from
   * the zero carry and the last half of them. Default: it goes on for ever.
   */
  readonly context?: number;
  /** The carry to start from, before the prompt, as `scanCarry` or `tbptt` gives it. Default the zero carry. */
  readonly from?: S;
}

/** The options of {@link generate}. */
export interface GenerateOptions<S> extends GenerationOptions<S> {
  /** Where prompts wait while an earlier one is answered. Default `{ capacity: 1024, policy: 'block' }`. */
  readonly waiting?: BufferOptions;
}

const names: Names<GenerationOptions<unknown>> = {
  length: true,
  context: true,
  from: true,
  repetitionPenalty: true,
  repetitionWindow: true,
  stop: true,
  vocab: true,
  surprisal: 'boolean',
  alternatives: true,
  ...samplingNames,
};

const LONGEST_REPETITION_WINDOW = 1 << 20;

/** A prompt is read in windows, so that a long one leaves the event loop its turns: of so many steps at first. */
const FIRST_WINDOW = 32;
/** Then of as many as take about so long, in milliseconds, within these bounds. A window costs what its steps share, too. */
const WINDOW_MS = 4;
const [SHORTEST_WINDOW, LONGEST_WINDOW] = [4, 1024];

function checkOptions(operation: string, options: GenerationOptions<unknown>, model: unknown): void {
  requireModel(operation, model);
  checkSampling(operation, options);
  if (options.context !== undefined) requireCount(operation, 'context', options.context, 2);
  if (options.length !== Number.POSITIVE_INFINITY) requireCount(operation, 'length', options.length);
  if (options.alternatives !== undefined) requireCount(operation, 'alternatives', options.alternatives, 0);
  const { repetitionPenalty: penalty = 1, repetitionWindow, stop, vocab } = options;
  if (!(penalty > 0 && penalty < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${operation}: repetitionPenalty is a number above 0, not ${penalty}; 1 is none.`);
  }
  if (repetitionWindow !== undefined)
    requireCount(operation, 'repetitionWindow', repetitionWindow, 1, LONGEST_REPETITION_WINDOW);
  if (stop === undefined) return;
  checkStops(operation, stop);
  if (typeof vocab?.decode !== 'function') {
    throw new TypeError(`${operation}: stop is found in text; give the vocabulary too, { stop, vocab }.`);
  }
}

function checkPrompt(prompt: Ids): void {
  requireTensor('generate', prompt, 'prompts, ids [T, 1]', 'put it after tokens()');
  const [steps, lanes] = prompt.shape;
  if (prompt.shape.length === 2 && lanes === 1 && steps !== undefined && steps > 0 && prompt.type === 'int32') {
    checkedNumbers(prompt, 'generate');
    return;
  }
  throw new TypeError(
    `generate: a prompt is one lane of at least one symbol, [T, 1], but got ${prompt.type} ${showShape(prompt.shape)}; ` +
      'run a generation of its own for each lane.',
  );
}

// Of chunks `tokens` gives nothing for one without symbols: without this error nothing would be heard of it.
const noPrompt = () =>
  new TypeError(
    'generate: the prompts ended before there was one; a text that is empty, or has only symbols that the vocabulary skips, ' +
      'gives no prompt: give one of at least one symbol.',
  );

/** The logits after a window's last step, `[V]`. */
const lastRow = ({ shape, data }: Tensor): Numbers => data.slice(data.length - (shape.at(-1) as number));

async function* speak<S>(
  model: Core<S, Ids, Tensor>,
  prompt: Ids,
  options: GenerationOptions<S>,
  draws: RandomGenerator,
): AsyncGenerator<GeneratedSymbol, void, undefined> {
  const { length, from, context = Number.POSITIVE_INFINITY } = options;
  const slice = timeSlice();
  let carry = startFrom('generate', model, from, 1);
  /** Steps that the carry has seen, and the last of them, in so far as they may be needed again. */
  let seen = 0;
  let latest: number[] = [];
  await drawn(model.params);
  const characters = isBytes(options.vocab) ? utf8Place() : undefined;
  const never = isOpen(options.vocab) ? ESCAPE : undefined;
  const voice = speaker(model, { ...options, never, constraint: characters }, draws);

  /** Counts steps in. Where they would go beyond the context, they are to be read afresh with the last half of one. */
  function within(signal: Ids): Ids {
    if (context === Number.POSITIVE_INFINITY) return signal;
    const fits = seen + stepsOf(signal) <= context;
    latest = [...latest, ...signal.data].slice(-Math.floor(context / 2));
    if (!fits) carry = model.initial(1);
    const read = fits ? signal : ids([latest.length, 1], latest);
    seen = (fits ? seen : 0) + stepsOf(read);
    return read;
  }

  /** Reads a text, which the next symbol follows. */
  async function read(text: Ids): Promise<void> {
    const steps = stepsOf(text);
    if (steps === 1) {
      // One step, which others may take together with it.
      voice.begin(carry, text.data[0] as number);
      return;
    }
    let logits: Tensor | undefined;
    let most = FIRST_WINDOW;
    for (let at = 0; at < steps; ) {
      // May wait, so the weights are those of this moment.
      await slice();
      const started = performance.now();
      const to = Math.min(at + most, steps);
      [logits, carry] = evaluate(model, carry, sliceSteps(text, at, to));
      const perStep = (performance.now() - started) / (to - at);
      most = Math.min(Math.max(SHORTEST_WINDOW, Math.floor(WINDOW_MS / perStep)), LONGEST_WINDOW);
      at = to;
    }
    voice.beginFrom(carry, lastRow(logits as Tensor));
  }

  try {
    for (const symbol of prompt.data) voice.read(symbol);
    let text = prompt;
    for (let count = 0; count < length || characters?.begun; count += 1) {
      await slice();
      const unread = within(text);
      if (count === 0 || unread !== text) await read(unread);
      const given = voice.next();
      const { symbol, version, surprisal, alternatives } = given instanceof Promise ? await given : given;
      text = ids([1, 1], [symbol]);
      yield {
        ...text,
        version,
        ...(surprisal !== undefined && { surprisal }),
        ...(alternatives !== undefined && { alternatives }),
      };
    }
  } finally {
    voice.release();
  }
}

/** Symbols up to a stop, in so far as none of them may belong to one. */
async function* untilStop(
  symbols: AsyncGenerator<GeneratedSymbol, void, undefined>,
  stops: Stops,
  vocab: Pick<Vocabulary, 'decode'>,
): AsyncGenerator<GeneratedSymbol, void, undefined> {
  const kept: { readonly symbols: readonly GeneratedSymbol[]; readonly length: number }[] = [];
  const decoder = decoderOf(vocab);
  /** Symbols of a character that is not whole yet. */
  let open: GeneratedSymbol[] = [];
  let length = 0;
  for await (const symbol of symbols) {
    const text = decoder.push(symbol.data);
    open.push(symbol);
    if (text === '') continue;
    const { found, held } = stops.push(text);
    kept.push({ symbols: open, length: text.length });
    open = [];
    length += text.length;
    while (kept.length > 0 && length - (kept[0] as (typeof kept)[0]).length >= held) {
      const first = kept.shift() as (typeof kept)[0];
      length -= first.length;
      yield* first.symbols;
    }
    if (found) return;
  }
  yield* [...kept.flatMap(({ symbols: each }) => each), ...open];
}

function generation<S>(
  model: Core<S, Ids, Tensor>,
  prompt: Ids,
  options: GenerationOptions<S>,
  draws: RandomGenerator,
): AsyncGenerator<GeneratedSymbol, void, undefined> {
  const { stop = [], vocab } = options;
  const symbols = speak(model, prompt, options, draws);
  return vocab === undefined || stop.length === 0 ? symbols : untilStop(symbols, stopsIn(stop), vocab);
}

/**
 * Symbols that a model generates from a prompt, as an async iterable: each is computed when it is asked for.
 *
 * The prompt runs through the model; then each symbol is chosen from the prediction and fed back. The weights are read
 * at each step, so a model that is being trained speaks with what it has learnt by then. At least every 4 ms of
 * its own time it leaves the event loop a turn.
 *
 * Shapes: prompt `[T, 1]` → ids `[1, 1]`, `length` times.
 *
 * @param model read at each step, and not changed.
 * @param prompt one lane of at least one symbol.
 * @param options how many symbols, how each is chosen, and what to start from.
 * @returns the symbols; `return`, or `break` in a loop, stops it.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is impossible.
 * @throws TypeError where the prompt is not one lane of at least one symbol.
 * @example
 * for await (const symbol of generateIterable(model, prompt, { length: 300 })) console.log(vocab.decode(symbol.data));
 */
export function generateIterable<S>(
  model: Core<S, Ids, Tensor>,
  prompt: Ids,
  options: GenerationOptions<S>,
): AsyncGenerator<GeneratedSymbol, void, undefined> {
  const checked = checkedOptions<GenerationOptions<S>>('generateIterable', options, names);
  checkOptions('generateIterable', checked, model);
  checkPrompt(prompt);
  return generation(model, prompt, checked, drawsOf(checked));
}

/**
 * Symbols that a model generates from a prompt; see `generateIterable`. Unsubscribing stops it at any symbol, and
 * nothing is computed ahead. Each subscription gives the same symbols, as long as the weights are the same.
 *
 * Shapes: prompt `[T, 1]` → ids `[1, 1]`, `length` times.
 *
 * @param model read at each step, and not changed.
 * @param prompt one lane of at least one symbol.
 * @param options how many symbols, how each is chosen, and what to start from.
 * @returns the symbols; each subscription starts from the prompt again.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is impossible.
 * @throws TypeError where the prompt is not one lane of at least one symbol.
 * @example
 * generateFrom(model, prompt, { length: Infinity, temperature: 0.8 }).pipe(text(vocab), takeUntil(timer(20)))
 */
export function generateFrom<S>(
  model: Core<S, Ids, Tensor>,
  prompt: Ids,
  options: GenerationOptions<S>,
): Observable<GeneratedSymbol> {
  const checked = checkedOptions<GenerationOptions<S>>('generateFrom', options, names);
  checkOptions('generateFrom', checked, model);
  checkPrompt(prompt);
  return fromAsync(() => generation(model, prompt, checked, drawsOf(checked)));
}

/**
 * Answers each prompt with symbols that a model generates; see `generateIterable`. Each signal is a prompt of its own,
 * which starts from the zero carry or from `from`; prompts are answered one after the other. A pull source of prompts waits
 * meanwhile; those of others wait in a bounded buffer. The draws of one subscription follow from its seed.
 *
 * Shapes: prompts `[T, 1]` → ids `[1, 1]`, `length` times for each.
 *
 * @param model read at each step, and not changed.
 * @param options how many symbols, how each is chosen, what to start from, and where prompts wait.
 * @returns an operator: the symbols of all answers, one after the other.
 * @throws TypeError where an option is not known.
 * @throws RangeError, TypeError where an option is impossible.
 * @throws TypeError (as an error notification) where a prompt is not one lane of at least one symbol, or none ever came.
 * @example
 * prompt$.pipe(tokens(vocab, { whole: true }), generate(model, { length: 300, temperature: 0.8 }), text(vocab))
 */
export function generate<S>(
  model: Core<S, Ids, Tensor>,
  options: GenerateOptions<S>,
): OperatorFunction<Ids, GeneratedSymbol> {
  const all: Names<GenerateOptions<unknown>> = { waiting: bufferNames, ...names };
  const { waiting = WAIT_OR_FAIL, ...saying } = checkedOptions('generate', options, all);
  checkOptions('generate', saying, model);
  checkBufferOptions('generate', waiting);
  return (source) =>
    defer(() => {
      const draws = drawsOf(saying);
      return source.pipe(
        throwIfEmpty(noPrompt),
        bounded(
          waiting,
          (prompt) => {
            checkPrompt(prompt);
            return fromAsync(generation(model, prompt, saying, draws));
          },
          'generate',
        ),
      );
    });
}
