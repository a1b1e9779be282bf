/** A short training run whose outcome is text: two runs are the same, bit for bit, or they are not. */
import type * as oxbow from '../../src/index.js';

/** The names that a run needs, of the package or of a fresh copy of it. */
export type Oxbow = typeof oxbow;

export type CellName = 'lstm' | 'gru';

export interface Outcome {
  readonly losses: readonly number[];
  /** Before clipping. */
  readonly gradientNorms: readonly number[];
  /** All bytes of each parameter after the last step, by path. */
  readonly weights: Readonly<Record<string, string>>;
}

export const clipNorm = 0.1;

/** All bytes of numbers as text. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: oxbow.Numbers): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** Embedding 65×64 → two cells of 128 → dense 65: some steps of Adam with clipping on random symbols. */
export function trainingRun(from: Oxbow, cell: CellName, seed = 42, windows = 3): Outcome {
  const { adam, crossEntropy, dense, embedding, generator, gru, ids, lstm, parametersOf, stack, stacked, trainer } =
    from;
  const cells = {
    lstm: () => stacked([lstm(64, 128), lstm(128, 128)]),
    gru: () => stacked([gru(64, 128), gru(128, 128)]),
  };
  const model = stack({ embed: embedding(65, 64), rnn: cells[cell](), head: dense(128, 65) }, { seed });
  const [steps, lanes] = [16, 32];
  const random = generator(seed, 'symbols');
  const symbols = () =>
    ids(
      [steps, lanes],
      Int32Array.from({ length: steps * lanes }, () => random.below(65)),
    );
  const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: adam(0.01), clipNorm });
  let carry = model.initial(lanes);
  const learned = Array.from({ length: windows }, () => {
    const result = learn({ carry, input: symbols(), target: symbols() });
    carry = result.carry;
    return result;
  });
  release();
  return {
    losses: learned.map(({ loss }) => loss),
    gradientNorms: learned.map(({ gradientNorm }) => gradientNorm),
    weights: Object.fromEntries(parametersOf(model.params).map(([path, { data }]) => [path, bytesOf(data)])),
  };
}

/** The paths whose weights differ: a message that can be read, where the bytes themselves cannot. */
export const differing = (a: Outcome, b: Outcome): readonly string[] =>
  [...new Set([...Object.keys(a.weights), ...Object.keys(b.weights)])].filter(
    (path) => a.weights[path] !== b.weights[path],
  );
