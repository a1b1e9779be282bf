import { describe, expect, it } from 'vitest';
import { accuracy, categoricalAccuracy, topKAccuracy } from '../../../src/models/metrics/accuracy.js';
import { confusionMatrix, f1, precision, recall } from '../../../src/models/metrics/classes.js';
import type { Metric } from '../../../src/models/metrics/metric.js';
import { bitsPerCharacter, perplexity } from '../../../src/models/metrics/perplexity.js';
import { toIds, toOneHot } from '../../../src/models/one-hot.js';
import { type Ids, ids, type Tensor, tensor } from '../../../src/tensor.js';

/** Logits whose largest is at the given class, the classes after it following in order. */
const guesses = (classes: number, ...at: number[]): Tensor =>
  tensor(
    [at.length, 1, classes],
    at.flatMap((guess) => Array.from({ length: classes }, (_, v) => -((v - guess + classes) % classes))),
  );

const of = <R>(metric: Metric<R>, ...batches: readonly (readonly [Tensor, Tensor])[]): R => {
  const { update, result } = metric.start();
  for (const [prediction, target] of batches) update(prediction, target);
  return result();
};

// Class by class (right, predicted, wanted): 0: 2, 3, 3; 1: 1, 2, 2; 2: 1, 1, 2; class 3 does not occur.
const predicted = guesses(4, 0, 0, 1, 1, 0, 2);
const wanted = ids([6, 1], [0, 0, 0, 1, 2, 2]);
const counted = [predicted, ids([6, 1], [0, 0, 0, 1, 1, 2])] as const;

describe('accuracy', () => {
  it('is the share of right guesses', () => {
    expect(of(accuracy(), [predicted, wanted])).toBe(4 / 6);
  });

  it('is the same for one-hot targets, and in any batches', () => {
    expect(of(categoricalAccuracy(), [predicted, toOneHot(wanted, 4)])).toBe(4 / 6);
    const first = [guesses(4, 0, 0), ids([2, 1], [0, 0])] as const;
    const rest = [guesses(4, 1, 1, 0, 2), ids([4, 1], [0, 1, 2, 2])] as const;
    expect(of(accuracy(), first, rest)).toBe(4 / 6);
  });

  it('leaves padding out', () => {
    expect(of(accuracy(), [guesses(3, 0, 1), ids([2, 1], [0, -1])])).toBe(1);
    expect(of(accuracy(), [guesses(3, 0, 1), tensor([2, 1, 3], [1, 0, 0, 0, 0, 0])])).toBe(1);
    expect(of(accuracy(), [guesses(3, 0), ids([1, 1], [-1])])).toBeNaN();
  });

  it('among the first k counts the classes above', () => {
    const target = ids([3, 1], [0, 1, 3]);
    const logits = guesses(4, 0, 0, 0);
    expect([1, 2, 3, 4].map((k) => of(topKAccuracy(k), [logits, target]))).toEqual([1 / 3, 2 / 3, 2 / 3, 1]);
    expect(topKAccuracy().name).toBe('top5Accuracy');
    expect(() => topKAccuracy(0)).toThrow('k is a whole number of at least 1');
  });
});

describe('perplexity and bits per character', () => {
  it('are those of a uniform guess: V, and log₂ V', () => {
    const even = [tensor([2, 1, 8], new Float32Array(16).fill(3)), ids([2, 1], [0, 7])] as const;
    expect(of(perplexity(), even)).toBeCloseTo(8, 12);
    expect(of(bitsPerCharacter(), even)).toBeCloseTo(3, 12);
  });

  it('are of all positions at once, and stable for large logits', () => {
    const batches = [
      [tensor([1, 1, 2], [1000, 1000]), ids([1, 1], [0])],
      [tensor([2, 1, 2], [0, Math.log(3), 0, 0]), ids([2, 1], [1, -1])],
    ] as const;
    // log₂ 2 and log₂ 4/3; the logit log 3 is a float32.
    expect(of(bitsPerCharacter(), ...batches)).toBeCloseTo((1 + Math.log2(4 / 3)) / 2, 7);
    expect(of(perplexity(), ...batches)).toBeCloseTo(Math.sqrt(8 / 3), 7);
  });
});

describe('precision, recall and F1', () => {
  it('are means over the classes that occur', () => {
    expect(of(precision(), counted)).toBeCloseTo((2 / 3 + 1 / 2 + 1) / 3, 14);
    expect(of(recall(), counted)).toBeCloseTo((2 / 3 + 1 / 2 + 1) / 3, 14);
    const other = [predicted, wanted] as const;
    expect(of(precision(), other)).toBeCloseTo((2 / 3 + 1 / 2 + 1 / 1) / 3, 14);
    expect(of(recall(), other)).toBeCloseTo((2 / 3 + 1 / 1 + 1 / 2) / 3, 14);
    expect(of(f1(), other)).toBeCloseTo((4 / 6 + 2 / 3 + 2 / 3) / 3, 14);
  });

  it('over positions are the accuracy, where each has one class', () => {
    for (const metric of [precision, recall, f1]) {
      expect(of(metric({ average: 'micro' }), [predicted, wanted])).toBeCloseTo(4 / 6, 14);
    }
    expect(f1({ average: 'micro' }).name).toBe('f1Micro');
  });

  it('count a class that is never predicted, or never wanted, as 0', () => {
    const never = [guesses(2, 0, 0), ids([2, 1], [0, 1])] as const;
    expect(of(precision(), never)).toBe(0.25);
    expect(of(recall(), never)).toBe(0.5);
    expect(of(f1(), never)).toBeCloseTo(1 / 3, 14);
    expect(f1().start().result()).toBeNaN();
  });

  it('refuse another average', () => {
    expect(() => f1({ average: 'weighted' as 'macro' })).toThrow("f1: average is 'macro' or 'micro', not \"weighted\"");
  });
});

describe('the confusion matrix', () => {
  it('has the targets as rows and the guesses as columns, over all batches', () => {
    const half = [guesses(4, 1), ids([1, 1], [3])] as const;
    expect(of(confusionMatrix(), [predicted, wanted], half)).toEqual([
      [2, 1, 0, 0],
      [0, 1, 0, 0],
      [1, 0, 1, 0],
      [0, 1, 0, 0],
    ]);
    expect(confusionMatrix().start().result()).toEqual([]);
  });
});

describe('every metric', () => {
  it('refuses what does not fit, naming itself', () => {
    const { update } = accuracy().start();
    expect(() => update(predicted, ids([2, 1], [0, 0]))).toThrow(
      'accuracy: takes predictions […, C] of at least two classes and ids […] or one-hot rows […, C], but got [6, 1, 4]',
    );
    expect(() => update(tensor([1, 1, 1], [0]), ids([1, 1], [0]))).toThrow('at least two classes');
    expect(() => update(predicted, ids([6, 1], [0, 0, 0, 1, 2, 4]))).toThrow('accuracy: target 5 is 4, but 4 classes');
    const matrix = confusionMatrix().start();
    matrix.update(predicted, wanted);
    expect(() => matrix.update(guesses(3, 0), ids([1, 1], [0]))).toThrow('began with 4 classes and got 3');
  });
});

describe('one-hot rows', () => {
  it('are made of ids and back, padding too', () => {
    const labels = ids([2, 2], [2, 0, -1, 1]);
    const rows = toOneHot(labels, 3);
    expect(rows.shape).toEqual([2, 2, 3]);
    expect([...rows.data]).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(toIds(rows)).toEqual(labels);
  });

  it('of predictions are the most probable classes', () => {
    expect([...toIds(tensor([2, 2], [-3, -1, 0.5, 0.25])).data]).toEqual([1, 0]);
  });

  it('refuse ids that are no class', () => {
    expect(() => toOneHot(ids([2], [0, 3]), 3)).toThrow('toOneHot: id 3 at position 1 of [2] is outside -1 … 2');
    expect(() => toOneHot(tensor([1], [0]) as unknown as Ids, 3)).toThrow('toOneHot: needs ids (int32)');
    expect(() => toIds(tensor([], [1]))).toThrow('toIds: needs an axis');
  });
});
