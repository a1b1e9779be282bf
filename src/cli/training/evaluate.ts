/** How well a model predicts a text that it has not learnt: by its weights as they are, and adapting as it reads. */
import { lastValueFrom, take, takeWhile } from 'rxjs';
import { type Coder, charactersIn, knownIds } from '../../streams/coder.js';
import { dynamicEvaluation, gradientSquares } from '../../streams/dynamic-evaluation.js';
import type { GradientSquares } from '../../streams/dynamic-rules.js';
import { nextTurn } from '../../streams/event-loop.js';
import { fromAsync } from '../../streams/from-async.js';
import { lanes } from '../../streams/lanes.js';
import { surprisal } from '../../streams/surprisal.js';
import { type Ids, ids } from '../../tensor.js';
import type { LanguageCore } from '../shared/kept.js';
import { count } from '../shared/numbers.js';
import type { EvaluationRecipe } from './recipes.js';
import type { Surroundings } from './run.js';

/** A text's symbols by a model: the mean cost of all that were scored, and that of each. */
export interface Scored {
  readonly characters: number;
  readonly bitsPerCharacter: number;
  readonly natsPerCharacter: number;
  readonly perplexity: number;
  readonly seconds: number;
  /** Bits of each symbol of the text by its place; not a number where it was not scored. */
  readonly bits: Float32Array;
}

/** The part of a score that is written as JSON. */
export const figuresOf = ({ characters, bitsPerCharacter, natsPerCharacter, perplexity }: Scored) => ({
  ...{ characters, bitsPerCharacter, natsPerCharacter, perplexity },
});

export const sayOf = ({ characters, bitsPerCharacter, natsPerCharacter, perplexity }: Scored): string =>
  `${bitsPerCharacter.toFixed(3)} bits per character (${natsPerCharacter.toFixed(3)} nats, perplexity ` +
  `${perplexity.toPrecision(4)}), ${count(characters)} characters`;

/** Scores at most so many symbols, or for so many seconds. */
export interface Bounds {
  readonly symbols?: number;
  readonly seconds?: number;
  /** What is being scored, for the live line. */
  readonly what?: string;
}

/** Lanes that a text is read in, and symbols that each reads before its own ones, which are then predicted as by one that has read all. */
const LANES = 16;
const WARM = 512;
/** Steps of a window of one lane, and numbers of a window's logits at most. */
const LENGTH = 256;
const NUMBERS = 2 ** 24;

/** What is scored is a text of a run's symbols. */
type Scoring = Surroundings & { readonly vocab: Coder };

function scoredOf(bits: Float32Array, text: Int32Array, vocab: Coder, since: number): Scored | undefined {
  const scored = text.filter((_, place) => !Number.isNaN(bits[place]));
  const sum = bits.reduce((all, each) => (Number.isNaN(each) ? all : all + each), 0);
  const characters = scored.length === 0 ? 0 : charactersIn(vocab, scored);
  if (characters === 0) return undefined;
  const bitsPerCharacter = sum / characters;
  return {
    characters,
    bitsPerCharacter,
    natsPerCharacter: bitsPerCharacter * Math.LN2,
    perplexity: 2 ** bitsPerCharacter,
    seconds: (performance.now() - since) / 1000,
    bits,
  };
}

/**
 * Scores each symbol of a text but the first, once, by the weights as they are. It is read in lanes side by side; each but the first
 * reads symbols before its own ones, so that its carry is there when those come. Undefined where it was ended before.
 */
export async function score(
  model: LanguageCore,
  text: Int32Array,
  { vocab, screen, ending }: Scoring,
  {
    symbols: most = Number.POSITIVE_INFINITY,
    seconds = Number.POSITIVE_INFINITY,
    what = 'what was held out',
  }: Bounds = {},
): Promise<Scored | undefined> {
  const chosen = knownIds(vocab, text.subarray(0, Math.min(text.length, most)));
  const predicted = chosen.length - 1;
  const batch = Math.max(1, Math.min(LANES, Math.floor((predicted - WARM) / WARM)));
  const warm = batch === 1 ? 0 : WARM;
  const own = Math.ceil((predicted - warm) / batch);
  const steps = warm + own + 1;
  const length = Math.max(1, Math.min(LENGTH, steps, Math.floor(NUMBERS / (batch * vocab.size))));
  const bits = new Float32Array(chosen.length).fill(Number.NaN);
  const since = performance.now();

  function* windows(): Generator<Ids> {
    for (let from = 0; from < steps; from += length) {
      const span = Math.min(length, steps - from);
      const data = Int32Array.from({ length: span * batch }, (_, k) => {
        // Beyond the end something has to be read, and counts for nothing.
        return chosen[(k % batch) * own + from + Math.floor(k / batch)] ?? 0;
      });
      yield ids([span, batch], data);
    }
  }

  let at = 0;
  const done = () => at / steps;
  const isOver = () => ending.requested() || performance.now() - since > 1000 * seconds;
  await fromAsync(async function* () {
    for (const window of windows()) {
      yield window;
      await nextTurn();
    }
  })
    .pipe(
      takeWhile(() => !isOver()),
      surprisal(model, { vocab }),
    )
    .forEach(({ data, shape: [span = 0] }) => {
      data.forEach((each, k) => {
        const lane = k % batch;
        const step = at + Math.floor(k / batch);
        const place = lane * own + step;
        if (place > 0 && place < chosen.length && (lane === 0 || step > warm)) bits[place] = each;
      });
      at += span;
      const elapsed = (performance.now() - since) / 1000;
      const left = Math.min(elapsed / done() - elapsed, seconds - elapsed);
      screen.live(() => `scoring ${what}: ${count(100 * done())} % · ${count(Math.max(0, left))} s left`);
    });
  return ending.requested() ? undefined : scoredOf(bits, chosen, vocab, since);
}

/** How a model adapts. */
export type Dynamics = Pick<EvaluationRecipe, 'dynamicRule' | 'dynamicRate' | 'dynamicDecay' | 'dynamicLength'>;

export const showDynamics = ({ dynamicRule, dynamicRate, dynamicDecay, dynamicLength }: Dynamics): string =>
  `${dynamicRule}, rate ${Number(dynamicRate.toPrecision(3))}, decay ${Number(dynamicDecay.toPrecision(3))}, windows of ${dynamicLength}`;

/** Windows of the text that was learnt, from which the mean squares of gradients are taken. */
const SQUARED = 1000;

/** What the rule needs to know of the text that was learnt. */
export async function squaresFor(
  model: LanguageCore,
  training: Int32Array,
  { dynamicRule, dynamicLength }: Dynamics,
): Promise<GradientSquares | undefined> {
  if (dynamicRule === 'plain') return undefined;
  const length = Math.min(dynamicLength, training.length - 1);
  return lastValueFrom(lanes(training, { batch: 1, length }).pipe(take(SQUARED), gradientSquares(model)));
}

/** Scores each symbol of a text but the first by a model that learns it as it reads, one lane from the beginning to the end. */
export async function scoreDynamically(
  model: LanguageCore,
  text: Int32Array,
  dynamics: Dynamics,
  squares: GradientSquares | undefined,
  { vocab, screen, ending }: Scoring,
  { symbols: most = Number.POSITIVE_INFINITY, what = 'what was held out, adapting' }: Bounds = {},
): Promise<Scored | undefined> {
  const chosen = knownIds(vocab, text.subarray(0, Math.min(text.length, most)));
  const { dynamicRate: learningRate, dynamicDecay: decay, dynamicLength: length } = dynamics;
  const bits = new Float32Array(chosen.length).fill(Number.NaN);
  const since = performance.now();
  let at = 1;
  await fromAsync(async function* () {
    for (let from = 0; from < chosen.length && !ending.requested(); from += length) {
      const part = chosen.subarray(from, from + length);
      yield ids([part.length, 1], part);
      await nextTurn();
    }
  })
    .pipe(dynamicEvaluation(model, { vocab, learningRate, decay, length, ...(squares && { squares }) }))
    .forEach(({ surprisal: { data } }) => {
      bits.set(data, at);
      at += data.length;
      const elapsed = (performance.now() - since) / 1000;
      const share = at / chosen.length;
      screen.live(() => `scoring ${what}: ${count(100 * share)} % · ${count(elapsed / share - elapsed)} s left`);
    });
  return ending.requested() ? undefined : scoredOf(bits, chosen, vocab, since);
}
