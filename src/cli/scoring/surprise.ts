/** How surprising each symbol of a window is, and how surprising it was to be. */
import { evaluate } from '../../layer.js';
import type { Ops } from '../../ops/ops.js';
import { inWindow, toSignal } from '../../ops/window.js';
import { ESCAPE } from '../../streams/open-vocabulary.js';
import { type Ids, type Numbers, type Tensor, tensor } from '../../tensor.js';
import type { LanguageCore } from '../shared/kept.js';
import type { EncodedLine, LineWindow } from './windows.js';

/** In nats, `[T, B]` both. */
export interface Surprise {
  /** `−log p(x)`; 0 at padding. */
  readonly each: Numbers;
  /** `−Σ p log p`: what a symbol costs there on average. */
  readonly expected: Numbers;
}

/** A line's symbols, in bits. */
export interface LineSurprise {
  /** The mean of `−log₂ p`: bits per character. */
  readonly bits: number;
  /** The mean of what each symbol cost beyond what one costs there on average: numbers and ids, of which the model knows that it cannot know them, add nothing. */
  readonly score: number;
  /** The stretch with the greatest sum of such excess, in code units of the text; undefined where nothing is. */
  readonly span: readonly [start: number, end: number] | undefined;
}

/** So little has no logarithm to speak of, and −∞ times 0 is no number. */
const LEAST_PROBABILITY = 1e-30;

/** The entropy of what is predicted at each step, `[T, B, 1]`, within a window. */
export function entropies(ops: Ops, logits: Tensor): Tensor {
  const symbols = logits.shape.at(-1) as number;
  const p = ops.softmax(logits);
  const terms = ops.multiply(p, ops.log(ops.affine(p, 1, LEAST_PROBABILITY)));
  return ops.matmul(terms, tensor([symbols, 1], new Float32Array(symbols).fill(-1)));
}

/** Reads a window, and learns nothing. */
export function surpriseOf(model: LanguageCore, { input, target }: LineWindow): Surprise {
  const lanes = input.shape[1] as number;
  const [logits] = evaluate(model, model.initial(lanes), input);
  return inWindow((ops) => ({
    each: toSignal(ops.crossEntropy(logits, target as Ids)).data,
    expected: toSignal(entropies(ops, logits)).data,
  }));
}

/** A symbol adds to a span what it costs beyond what is expected, and beyond this many bits. */
const SPAN_COST = 1;

/** What a window comes to, line by line; `naming` is what an escape costs besides, in bits, where there is one. */
export function perLine(
  lines: readonly EncodedLine[],
  { pieces, target }: LineWindow,
  { each, expected }: Surprise,
  naming = 0,
): readonly LineSurprise[] {
  const lanes = target.shape[1] as number;
  const sums = lines.map(() => ({ bits: 0, excess: 0, span: spanSearch() }));
  pieces.forEach(({ line, from, to, context }, lane) => {
    const sum = sums[line] as (typeof sums)[number];
    for (let at = from; at < to; at += 1) {
      const k = (at - from + context) * lanes + lane;
      const bits = (each[k] as number) / Math.LN2 + (target.data[k] === ESCAPE ? naming : 0);
      const excess = bits - (expected[k] as number) / Math.LN2;
      sum.bits += bits;
      sum.excess += excess;
      sum.span.add(excess - SPAN_COST);
    }
  });
  return lines.map(({ text, places }, line) => {
    const { bits, excess, span } = sums[line] as (typeof sums)[number];
    // Bytes of one character begin at one place.
    const count = Math.max(1, new Set(places).size);
    const found = span.best();
    const place = (symbol: number) => places[symbol] ?? text.length;
    return {
      bits: bits / count,
      score: excess / count,
      span: found && place(found[0]) < text.length ? [place(found[0]), place(found[1])] : undefined,
    };
  });
}

/** The stretch of numbers with the greatest sum. Source: Kadane's algorithm, Bentley, Programming pearls, CACM 27 (1984). */
function spanSearch() {
  let [at, sum, start] = [0, 0, 0];
  let best: { readonly sum: number; readonly span: readonly [number, number] } | undefined;
  return {
    add(value: number): void {
      if (sum <= 0) {
        sum = 0;
        start = at;
      }
      sum += value;
      at += 1;
      if (sum > (best?.sum ?? 0)) best = { sum, span: [start, at] };
    },
    best: () => best?.span,
  };
}
