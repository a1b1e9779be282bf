import { requireCount, requireModel, requireTensor } from '../checks.js';
import { evaluate } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import { largestLogit } from '../streams/logits.js';
import { type Ids, ids, type Numbers, sizeOf, type Tensor } from '../tensor.js';
import * as tree from '../tree.js';
import type { DecoderCarry, EncoderDecoder } from './encoder-decoder.js';

/** The options of {@link decodeBeam}. */
export interface BeamOptions {
  /** The id that starts every sequence. */
  readonly start: number;
  /** Steps to write. */
  readonly steps: number;
  /** Beginnings that are kept at each step. */
  readonly width: number;
  /** The id that ends a sequence: nothing but itself comes after it. Default: there is none. */
  readonly end?: number;
}

/** A beginning of a sequence. */
interface Beginning {
  readonly symbols: readonly number[];
  /** log p of all its symbols. */
  readonly score: number;
  /** Which of the beginnings before it came from. */
  readonly parent: number;
}

/**
 * What a model writes about a source, by beam search: at each step the most probable beginnings are kept, and the most
 * probable sequence at the end is given. A width of 1 is greedy decoding.
 *
 * Equation: of all `y_1 … y_t` that go on from a beginning that was kept, those `width` of the largest
 * `Σ log p(y_s | y_1 … y_{s−1}, x)`, lane by lane.
 * Source: Sutskever, Vinyals and Le, Sequence to sequence learning with neural networks (2014), §3.2.
 *
 * Shapes: source `[S, B]` → ids `[steps, B]`.
 *
 * @param model reads the source and writes.
 * @param source ids `[S, B]`.
 * @param options the start, the steps to write, and the beginnings to keep.
 * @returns the most probable sequence of each lane, ids `[steps, B]`.
 * @throws TypeError where an option is not known.
 * @throws RangeError where width or steps is not a whole number above 0, or the model has diverged: no largest logit is finite.
 * @example
 * decodeBeam(writer, ids([3, 1], [4, 0, 7]), { start: 10, steps: 3, width: 4 }).data;
 */
export function decodeBeam(model: EncoderDecoder, source: Ids, options: BeamOptions): Ids {
  requireModel('decodeBeam', model);
  requireTensor('decodeBeam', source, 'ids [T, B]', 'make them by ids()');
  const names: Names<BeamOptions> = { start: true, steps: true, width: true, end: true };
  const { start, steps, width, end } = checkedOptions('decodeBeam', options, names);
  requireCount('decodeBeam', 'steps', steps);
  requireCount('decodeBeam', 'width', width);
  const lanes = source.shape[1] as number;
  const all = Array.from({ length: lanes * width }, (_, k) => k);
  // Before anything is written all beginnings of a lane are one.
  let beams: readonly Beginning[] = all.map((k) => ({
    symbols: [],
    score: k % width === 0 ? 0 : Number.NEGATIVE_INFINITY,
    parent: k,
  }));
  let carry = lanesOf(
    model.read(source),
    all.map((k) => Math.floor(k / width)),
  );
  for (let t = 0; t < steps; t += 1) {
    const last = ids(
      [1, all.length],
      beams.map(({ symbols }) => symbols.at(-1) ?? start),
    );
    const [logits, next] = evaluate(model.writer, carry, last);
    const scores = logProbabilities(logits);
    beams = Array.from({ length: lanes }, (_, lane) => goOn(beams, scores, lane, width, end)).flat();
    carry = lanesOf(
      next,
      beams.map(({ parent }) => parent),
    );
  }
  const written = Array.from({ length: lanes }, (_, lane) => (beams[lane * width] as Beginning).symbols);
  return ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, (_, k) => written[k % lanes]?.[Math.floor(k / lanes)] as number),
  );
}

/** The best beginnings of a lane that are a step longer, the best one first; of equal ones the first. */
function goOn(
  beams: readonly Beginning[],
  scores: readonly Float64Array[],
  lane: number,
  width: number,
  end: number | undefined,
): readonly Beginning[] {
  const candidates: Beginning[] = [];
  for (let parent = lane * width; parent < (lane + 1) * width; parent += 1) {
    const { symbols, score } = beams[parent] as Beginning;
    if (end !== undefined && symbols.at(-1) === end) {
      candidates.push({ symbols: [...symbols, end], score, parent });
      continue;
    }
    for (const [symbol, log] of (scores[parent] as Float64Array).entries()) {
      candidates.push({ symbols: [...symbols, symbol], score: score + log, parent });
    }
  }
  candidates.sort((a, b) => (b.score === a.score ? 0 : b.score - a.score));
  // Fewer candidates than the width (few classes, all but one ended): what is missing can never be the best.
  const [first] = candidates;
  while (candidates.length < width) candidates.push({ ...(first as Beginning), score: Number.NEGATIVE_INFINITY });
  return candidates.slice(0, width);
}

/** `log softmax`, row by row. */
function logProbabilities({ shape, data }: Tensor): readonly Float64Array[] {
  const classes = shape.at(-1) as number;
  return Array.from({ length: data.length / classes }, (_, row) => {
    const logits = Float64Array.from(data.subarray(row * classes, (row + 1) * classes));
    const top = largestLogit('decodeBeam', logits);
    const log = Math.log(logits.reduce((sum, z) => sum + Math.exp(z - top), 0));
    return logits.map((z) => z - top - log);
  });
}

/** A carry whose lanes are the given ones of another carry. */
function lanesOf(carry: DecoderCarry, lanes: readonly number[]): DecoderCarry {
  return tree.map(carry, ({ shape, type, data }) => {
    const [, ...rest] = shape;
    const width = sizeOf(rest);
    const taken = new (data.constructor as Float32ArrayConstructor)(lanes.length * width) as Numbers;
    for (const [k, lane] of lanes.entries()) taken.set(data.subarray(lane * width, (lane + 1) * width), k * width);
    return { shape: [lanes.length, ...rest], type, data: taken };
  });
}
