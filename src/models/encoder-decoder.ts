import { requireModel, requireTensor } from '../checks.js';
import { described } from '../description.js';
import { type Core, evaluate, type Layer, layer, type NoCarry, noCarry } from '../layer.js';
import { dense } from '../layers/dense.js';
import { dropout } from '../layers/dropout.js';
import { embedding } from '../layers/embedding.js';
import { type PositionsCarry, sinusoidalPositions } from '../layers/positions.js';
import { type BlockCarries, decoder, encoder, type StackedBlocksOptions } from '../layers/transformer.js';
import { checkedOptions, type Names } from '../options.js';
import { placeOfLargest } from '../streams/logits.js';
import { type Ids, ids, type Tensor, zeros } from '../tensor.js';
import { visible } from './visible.js';

/** The options of {@link encoderDecoder}. */
export interface EncoderDecoderOptions extends Pick<StackedBlocksOptions, 'hidden' | 'activation' | 'norm' | 'blocks'> {
  /**
   * The share that is set to 0 at random while learning, in reader and writer: of embeddings with their positions, of
   * attention's weights, and of what each part of a block adds. Default 0.
   */
  readonly dropout?: number;
  /** Symbols of the sequence that is read. */
  readonly source: number;
  /** Symbols of the sequence that is written, the one that starts it among them. */
  readonly target: number;
  /** Steps of either sequence at most, at least 2. */
  readonly length: number;
  readonly features: number;
  readonly heads: number;
  /** The source's id that fills up lanes that are shorter: it is seen by none. Default: there is none. */
  readonly padding?: number;
  readonly seed?: number;
}

const names: Names<EncoderDecoderOptions> = {
  source: true,
  target: true,
  length: true,
  features: true,
  heads: true,
  blocks: true,
  hidden: true,
  activation: true,
  norm: true,
  dropout: true,
  padding: true,
  seed: true,
};

/** What is read, and what is written up to the step before: ids `[S, B]` and `[T, B]`. */
export interface SequencePair {
  readonly source: Ids;
  readonly target: Ids;
}

/** What the decoder goes by: what was read, `[B, S, F]` and which of it is no padding, `[B, S]`, and its own past. */
export type DecoderCarry = {
  readonly memory: Tensor;
  readonly seen: Tensor;
  readonly positions: PositionsCarry;
  readonly blocks: BlockCarries;
};

/** A model that reads a sequence and writes another. */
export interface EncoderDecoder extends Layer<DecoderCarry, SequencePair> {
  /** Reads a source `[S, B]`: the carry that the decoder starts from. */
  read(source: Ids): DecoderCarry;
  /** The writing half by itself: ids `[T, B]` → logits `[T, B, V]`, from the carry that `read` gives. */
  readonly writer: Core<DecoderCarry, Ids>;
}

/**
 * A Transformer that reads a sequence and writes another, as for translation: an encoder that sees the whole source, and a
 * decoder that sees what it has written and, through cross-attention, the source. Both have sinusoidal positions.
 *
 * Equation: `p(y_t | y_1 … y_{t−1}, x) = softmax(head(decoder(y_1 … y_{t−1}, encoder(x))))`.
 * Source: the lecture's Transformer; Vaswani et al., Attention is all you need (2017), §3.
 *
 * Shapes: `{ source: [S, B], target: [T, B] } → logits: [T, B, V]`, S and T ≤ length; the target is what was to be written,
 * one step later, and starts with a symbol of its own. Parameters `read.embed.table`, `read.encoder.…`, `write.embed.table`,
 * `write.decoder.…`, `head.w`, `head.b`. The carry is the writer's; a pair stands alone, so what enters
 * is not looked at.
 *
 * @param options symbols of both sequences, and sizes.
 * @returns a layer of pairs of sequences, whose halves `read` and `writer` work by themselves too.
 * @throws TypeError where an option is not known.
 * @throws RangeError where sizes are impossible.
 * @example
 * const model = encoderDecoder({ source: 10, target: 11, length: 12, features: 64, heads: 4, blocks: 2, seed: 1 });
 * const written = decodeGreedy(model, ids([3, 1], [4, 0, 7]), { start: 10, steps: 3 });
 */
export function encoderDecoder(options: EncoderDecoderOptions): EncoderDecoder {
  const {
    source,
    target,
    length,
    features,
    heads,
    blocks,
    hidden,
    activation,
    norm,
    padding,
    dropout: rate = 0,
    seed,
  } = checkedOptions('encoderDecoder', options, names);
  const common = {
    blocks,
    ...(hidden !== undefined && { hidden }),
    ...(activation && { activation }),
    ...(norm && { norm }),
    dropout: rate,
  };
  const [reads, writes] = [embedding(source, features), embedding(target, features)];
  const positions = sinusoidalPositions(length, features);
  const reader = encoder(features, heads, common);
  const written = decoder(features, heads, { ...common, context: length });
  const [readDrop, writeDrop] = [dropout(rate), dropout(rate)];
  const head = dense(features, target);
  const seenIn = visible(source, padding);
  const params = {
    read: { embed: reads.params, drop: readDrop.params, encoder: reader.params },
    write: { embed: writes.params, drop: writeDrop.params, decoder: written.params },
    head: head.params,
  };

  /** A carry of the writer's own past, before anything is written. */
  const unwritten = (batch: number) => ({
    positions: positions.initial(batch),
    blocks: written.initial(batch),
  });

  const writer: Core<DecoderCarry, Ids> = {
    kind: 'writer',
    outputs: target,
    params,
    initial: (batch) => ({ memory: zeros([batch, 1, features]), seen: zeros([batch, 1]), ...unwritten(batch) }),
    apply(ops, carry, x) {
      const memory = ops.swapAxes(carry.memory);
      const mask = ops.swapAxes(carry.seen);
      const [embedded] = writes.apply(ops, noCarry, x);
      const [placed, at] = positions.apply(ops, carry.positions, embedded);
      const [kept] = writeDrop.apply(ops, noCarry, placed);
      const [y, past] = written.apply(ops, carry.blocks, { x: kept, memory, mask });
      const next = { ...carry, positions: at, blocks: past };
      return [head.apply(ops, noCarry, y)[0], next];
    },
  };

  /** The source, read. */
  const encoded: Core<NoCarry, Ids, Pick<DecoderCarry, 'memory' | 'seen'>> = {
    kind: 'reader',
    params,
    initial: () => noCarry,
    apply(ops, carry, x) {
      const batch = x.shape[1] as number;
      const mask = seenIn?.(ops, x) ?? ops.fill(x.shape, 1);
      const [embedded] = reads.apply(ops, noCarry, x);
      const [placed] = positions.apply(ops, positions.initial(batch), embedded);
      const [kept] = readDrop.apply(ops, noCarry, placed);
      const [memory] = reader.apply(ops, reader.initial(batch), { x: kept, mask });
      return [{ memory: ops.swapAxes(memory), seen: ops.swapAxes(mask) }, carry];
    },
  };

  const whole = layer<DecoderCarry, SequencePair, Tensor>(
    {
      kind: 'encoderDecoder',
      outputs: target,
      params,
      initial: writer.initial,
      apply(ops, _, pair) {
        const [memory] = encoded.apply(ops, noCarry, pair.source);
        return writer.apply(ops, { ...memory, ...unwritten(pair.target.shape[1] as number) }, pair.target);
      },
    },
    seed,
    '',
  );
  return described(
    Object.assign(whole, {
      writer,
      read(x: Ids): DecoderCarry {
        const batch = x.shape[1] as number;
        return { ...evaluate(encoded, noCarry, x)[0], ...unwritten(batch) };
      },
    }),
    'encoderDecoder',
    [options],
  );
}

/** The options of {@link decodeGreedy}. */
export interface GreedyOptions {
  /** The id that starts every sequence. */
  readonly start: number;
  /** Steps to write. */
  readonly steps: number;
}

/**
 * What a model writes about a source, each step the most probable symbol after those before it.
 *
 * Equation: `y_t = argmax p(y | y_1 … y_{t−1}, x)`, lane by lane.
 *
 * Shapes: source `[S, B]` → ids `[steps, B]`.
 *
 * @param model reads the source and writes.
 * @param source ids `[S, B]`.
 * @param options the start, and the steps to write.
 * @returns what each lane wrote, ids `[steps, B]`, without the start.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the model has diverged: a logit is NaN.
 * @example
 * decodeGreedy(writer, ids([3, 1], [4, 0, 7]), { start: 10, steps: 3 }).data;
 */
export function decodeGreedy(model: EncoderDecoder, source: Ids, options: GreedyOptions): Ids {
  requireModel('decodeGreedy', model);
  requireTensor('decodeGreedy', source, 'ids [T, B]', 'make them by ids()');
  const { start, steps } = checkedOptions('decodeGreedy', options, { start: true, steps: true });
  const batch = source.shape[1] as number;
  const written = new Int32Array(steps * batch);
  let carry = model.read(source);
  let symbols = ids([1, batch], new Int32Array(batch).fill(start));
  for (let t = 0; t < steps; t += 1) {
    const [logits, next] = evaluate(model.writer, carry, symbols);
    const classes = logits.shape.at(-1) as number;
    const best = Int32Array.from({ length: batch }, (_, b) =>
      placeOfLargest('decodeGreedy', logits.data, b * classes, classes),
    );
    written.set(best, t * batch);
    symbols = ids([1, batch], best);
    carry = next;
  }
  return ids([steps, batch], written);
}
