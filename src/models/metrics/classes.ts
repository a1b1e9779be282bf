import { described } from '../../description.js';
import { checkedOptions } from '../../options.js';
import { placeOfLargest } from '../../streams/logits.js';
import { type Accumulator, areCounts, countedBefore, eachPosition, type Metric } from './metric.js';

/** The options of {@link precision}, {@link recall} and {@link f1}. */
export interface AverageOptions {
  /**
   * `macro`: the mean over the classes that occur among targets or predictions, each counting alike. `micro`: over all
   * positions; where each has one class, as here, precision, recall and F1 are then the accuracy. Default `macro`.
   */
  readonly average?: 'macro' | 'micro';
}

/** Of one class: how often it was predicted rightly, predicted, and wanted. */
interface Counts {
  readonly right: number;
  readonly predicted: number;
  readonly wanted: number;
}

type Score = (counts: Counts) => number;

/** 0 / 0 is 0: a class that was never predicted has no precision to be proud of. */
const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

const scores = {
  precision: ({ right, predicted }) => ratio(right, predicted),
  recall: ({ right, wanted }) => ratio(right, wanted),
  f1: ({ right, predicted, wanted }) => ratio(2 * right, predicted + wanted),
} as const satisfies Record<string, Score>;

function byClass(kind: keyof typeof scores, options: AverageOptions): Metric {
  const { average = 'macro' } = checkedOptions(kind, options, { average: true });
  if (average !== 'macro' && average !== 'micro') {
    throw new TypeError(`${kind}: average is 'macro' or 'micro', not ${JSON.stringify(average)}.`);
  }
  const name = average === 'macro' ? kind : `${kind}Micro`;
  return { name, better: 'higher', start: (state) => counting(name, scores[kind], average, state) };
}

function counting(name: string, score: Score, average: 'macro' | 'micro', state: unknown): Accumulator {
  const before = countedBefore<{ counts: readonly number[] }>(name, state, ({ counts }) => areCounts(counts));
  // Three counts a class.
  let counts = Float64Array.from(before?.counts ?? []);
  return {
    update(prediction, target) {
      eachPosition(name, prediction, target, (data, start, width, id) => {
        if (counts.length === 0) counts = new Float64Array(3 * width);
        if (counts.length !== 3 * width) {
          throw new RangeError(`${name}: began with ${counts.length / 3} classes and got ${width}; start another one.`);
        }
        const guess = placeOfLargest(name, data, start, width);
        if (guess === id) counts[3 * id] = (counts[3 * id] as number) + 1;
        counts[3 * guess + 1] = (counts[3 * guess + 1] as number) + 1;
        counts[3 * id + 2] = (counts[3 * id + 2] as number) + 1;
      });
    },
    result() {
      const sum = { right: 0, predicted: 0, wanted: 0 };
      let total = 0;
      let classes = 0;
      for (let at = 0; at < counts.length; at += 3) {
        const [right, predicted, wanted] = counts.subarray(at, at + 3) as unknown as [number, number, number];
        sum.right += right;
        sum.predicted += predicted;
        sum.wanted += wanted;
        if (predicted + wanted === 0) continue;
        total += score({ right, predicted, wanted });
        classes += 1;
      }
      if (classes === 0) return Number.NaN;
      return average === 'micro' ? score(sum) : total / classes;
    },
    state: () => ({ counts: Array.from(counts) }),
  };
}

/**
 * Of the positions at which a class was predicted, the share where it was right.
 *
 * Equation: `right_c / predicted_c`, 0 where a class was never predicted; averaged over classes or over positions.
 * Source: van Rijsbergen, Information retrieval (1979); averages as in scikit-learn.
 *
 * Shapes: predictions `[…, C]`, targets ids `[…]` or one-hot `[…, C]`.
 *
 * @param options how the classes are averaged; default each alike.
 * @returns a metric from 0 to 1, named `precision` or `precisionMicro`; 0 where nothing is right, NaN where nothing was counted.
 * @throws TypeError where the average is neither, or an option is not known.
 * @example
 * classifier.compile({ loss, optimizer, metrics: [precision({ average: 'macro' })] })
 */
export function precision(options: AverageOptions = {}): Metric {
  return described(byClass('precision', options), 'precision', [options]);
}

/**
 * Of the positions at which a class was wanted, the share where it was predicted.
 *
 * Equation: `right_c / wanted_c`, 0 where a class was never wanted; averaged over classes or over positions.
 * Source: van Rijsbergen, Information retrieval (1979); averages as in scikit-learn.
 *
 * Shapes: predictions `[…, C]`, targets ids `[…]` or one-hot `[…, C]`.
 *
 * @param options how the classes are averaged; default each alike.
 * @returns a metric from 0 to 1, named `recall` or `recallMicro`; 0 where nothing is right, NaN where nothing was counted.
 * @throws TypeError where the average is neither, or an option is not known.
 * @example
 * classifier.compile({ loss, optimizer, metrics: [recall()] })
 */
export function recall(options: AverageOptions = {}): Metric {
  return described(byClass('recall', options), 'recall', [options]);
}

/**
 * The harmonic mean of precision and recall.
 *
 * Equation: `2 right_c / (predicted_c + wanted_c)`; averaged over classes or over positions.
 * Source: van Rijsbergen, Information retrieval (1979); averages as in scikit-learn.
 *
 * Shapes: predictions `[…, C]`, targets ids `[…]` or one-hot `[…, C]`.
 *
 * @param options how the classes are averaged; default each alike.
 * @returns a metric from 0 to 1, named `f1` or `f1Micro`; 0 where nothing is right, NaN where nothing was counted.
 * @throws TypeError where the average is neither, or an option is not known.
 * @example
 * classifier.compile({ loss, optimizer, metrics: [f1({ average: 'micro' })] })
 */
export function f1(options: AverageOptions = {}): Metric {
  return described(byClass('f1', options), 'f1', [options]);
}

/**
 * How often each class was taken for each other.
 *
 * Equation: `m[i][j]` counts the positions whose class is i and whose most probable class is j.
 * Source: Kohavi and Provost, Glossary of terms (1998).
 *
 * Shapes: predictions `[…, C]`, targets ids `[…]` or one-hot `[…, C]` → C rows of C counts; no row before the first batch.
 *
 * @returns a metric whose result is the matrix: a row for each class that was wanted.
 * @throws RangeError (by `update`) where the number of classes changes, a shape disagrees, or an id is out of range.
 * @example
 * const counted = confusionMatrix().start();
 * counted.update(tensor([4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1]), ids([4], [0, 1, 1, 2]));
 * counted.result(); // [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
 */
export function confusionMatrix(): Metric<readonly (readonly number[])[]> {
  return described(
    {
      name: 'confusionMatrix',
      better: 'higher',
      start(state) {
        const before = countedBefore<{ matrix: readonly (readonly number[])[] }>(
          'confusionMatrix',
          state,
          ({ matrix }) => Array.isArray(matrix) && matrix.every(areCounts),
        );
        let matrix = (before?.matrix ?? []).map((row) => [...row]);
        return {
          update(prediction, target) {
            eachPosition('confusionMatrix', prediction, target, (data, start, width, id) => {
              if (matrix.length === 0) matrix = Array.from({ length: width }, () => new Array<number>(width).fill(0));
              if (matrix.length !== width) {
                throw new RangeError(
                  `confusionMatrix: began with ${matrix.length} classes and got ${width}; start another one.`,
                );
              }
              const row = matrix[id] as number[];
              const guess = placeOfLargest('confusionMatrix', data, start, width);
              row[guess] = (row[guess] as number) + 1;
            });
          },
          result: () => matrix.map((row) => [...row]),
          state: () => ({ matrix: matrix.map((row) => [...row]) }),
        };
      },
    },
    'confusionMatrix',
    [],
  );
}
