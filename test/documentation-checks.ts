/** What blocks of the guides have to come to, beyond running without an error. */
import { expect, vi } from 'vitest';

export interface Check {
  readonly page: string;
  /** A text that this block of the page alone holds. */
  readonly holds: string;
  /** Names of the block that the check looks at. */
  readonly exported?: string;
  readonly check: (printed: readonly unknown[][], exported: Record<string, unknown>) => void | Promise<void>;
}

async function pipelines(printed: readonly unknown[][]): Promise<void> {
  const learnt = () => printed.filter((values) => values.length === 2).map(([loss]) => Number(loss));
  const spoken = () =>
    printed.filter(([value, more]) => typeof value === 'string' && value.length === 1 && more === undefined);
  await vi.waitUntil(() => learnt().length >= 268 && spoken().length >= 30, { timeout: 30_000 });
  expect(learnt()[0]).toBeGreaterThan(2);
  expect(learnt().at(-2)).toBeLessThan(0.5);
  expect(spoken()).toHaveLength(30);
  const bits = printed.find(([value]) => value instanceof Float32Array)?.[0] as Float32Array;
  expect(bits).toHaveLength('the river bends'.length);
  const guesses = printed.filter(
    ([value, more]) => typeof value === 'string' && value.length > 3 && more === undefined,
  );
  expect(guesses.map(([guess]) => (guess as string).length)).toEqual([4, 5]);
}

export const checks: readonly Check[] = [
  { page: 'README.md', holds: '// learn online from any stream', check: pipelines },
  {
    page: 'README.md',
    holds: 'function leaky(units',
    exported: 'layer, learn, input, target',
    check(_, exported) {
      const { layer, learn, input, target } = exported as {
        layer: { initial(batch: number): unknown };
        learn(window: unknown): { loss: number };
        input: unknown;
        target: unknown;
      };
      expect(learn({ carry: layer.initial(1), input, target }).loss).toBeLessThan(0.01);
    },
  },
  {
    page: 'README.md',
    holds: "tags('destination')",
    check: (printed) => expect(printed.at(-1)).toEqual([{ destination: 'Taipei', time: 'November 2nd' }]),
  },
  {
    page: 'docs/keras.md',
    holds: 'console.log(model.summary(x))',
    check(printed) {
      expect(printed[0]).toEqual([1]);
      expect(printed[1]).toMatchObject([{ metrics: { accuracy: 1 } }]);
      expect(printed[2]?.[0]).toContain('dense2  dense  [1, B, 2]          18');
    },
  },
  {
    page: 'docs/keras.md',
    holds: 'validationSplit: 0.2',
    check(printed) {
      expect(printed.map(([epoch]) => epoch)).toEqual(Array.from({ length: 20 }, (_, k) => k + 1));
      expect(printed.at(-1)?.[2]).toBe(1);
    },
  },
  { page: 'docs/keras.md', holds: 'const mask =', check: (printed) => expect(printed).toEqual([[true]]) },
  {
    page: 'docs/keras.md',
    holds: "earlyStopping: { monitor: 'accuracy' }",
    check(printed) {
      const [[epochs, stoppedEarly] = []] = printed;
      expect(stoppedEarly).toBe(true);
      expect(epochs).toBeLessThan(1000);
    },
  },
  {
    page: 'docs/keras.md',
    holds: 'confusionMatrix().start()',
    check(printed) {
      expect(printed[0]?.[0]).toEqual([
        [1, 0],
        [1, 1],
      ]);
      expect(printed[1]?.[0]).toBeCloseTo(2 / 3, 14);
    },
  },
  { page: 'docs/keras.md', holds: 'await model.save(path)', check: (printed) => expect(printed).toEqual([[true]]) },
  {
    page: 'docs/slots.md',
    holds: 'fitTagger(model',
    check(printed) {
      expect(printed[0]).toEqual([1]);
      expect(printed[1]).toMatchObject([{ word: 'Reykjavík', tag: 'B-fromloc' }]);
      expect(printed[2]).toMatchObject([{ name: 'departure' }]);
    },
  },
  {
    page: 'docs/slots.md',
    holds: 'learnTags(model, { optimizer: adam(5e-3)',
    check(printed) {
      expect(printed[0]).toEqual([true]);
      expect(printed[1]?.[0]).toEqual(expect.arrayContaining(['O', 'B-fromloc', 'I-fromloc', 'B-toloc', 'I-toloc']));
      expect(printed.slice(2)).toEqual([
        [
          ['leave', 'taipei', 'today'],
          ['B-fromloc', 'B-date'],
        ],
        [['arrive', 'osaka'], ['B-toloc']],
        [{ fromloc: 'new york', date: 'today' }],
      ]);
    },
  },
  {
    page: 'docs/slots.md',
    holds: "pending({ capacity: 1000, policy: 'drop-oldest' })",
    check: (printed) => expect(printed).toEqual([['#0', 2], ['learned']]),
  },
  {
    page: 'docs/slots.md',
    holds: "['to', 'Rome', endOfUtterance]",
    check(printed) {
      expect(printed.slice(0, 2).map(([position, word]) => [position, word])).toEqual([
        [0, 'to'],
        [1, 'Rome'],
      ]);
      expect(printed.at(-1)).toEqual(['object']);
    },
  },
  { page: 'docs/slots.md', holds: 'slice: 1', check: (printed) => expect(printed).toEqual([['learned']]) },
  {
    page: 'docs/slots.md',
    holds: 'fromSequenceFiles(folder)',
    async check(printed) {
      await vi.waitUntil(() => printed.length === 2);
      expect(printed[0]?.[0]).toMatch(
        /^fromSequenceFiles: …\/seq\.out:2: 2 tags for the 3 words of …\/seq\.in; each word /,
      );
      expect(printed[1]).toEqual([['to', 'New York']]);
    },
  },
  {
    page: 'docs/keyed.md',
    holds: "output: 'surprisal'",
    async check(printed) {
      await vi.waitUntil(() => printed.length === 3);
      expect(printed.map(([host]) => host).sort()).toEqual(['ada', 'ada', 'bob']);
      // Weights that have learnt nothing: as many bits as for equally likely symbols, or nearly.
      for (const [, bits] of printed) expect(Math.abs(Number(bits) - Math.log2(28))).toBeLessThan(0.3);
    },
  },
  {
    page: 'docs/keyed.md',
    holds: 'maxKeys: 2, store',
    check: (printed) => expect(printed).toEqual([[true, 7], [7]]),
  },
  {
    page: 'docs/live-lanes.md',
    holds: 'WebSocketServer',
    check(printed) {
      const sources = new Set(printed.map(([line]) => /^source (\d): \d\.\d bits a symbol$/.exec(String(line))?.[1]));
      expect([...sources].sort()).toEqual(['0', '1']);
    },
  },
  {
    page: 'docs/live-lanes.md',
    holds: 'sensor(0), sensor(1), sensor(2)',
    async check(printed) {
      await vi.waitUntil(() => printed.length === 4);
      expect(printed.map(([tokens]) => tokens)).toEqual([30, 60, 90, 120]);
    },
  },
  {
    page: 'docs/slots.md',
    holds: 'conlleval().start()',
    check: (printed) =>
      expect(printed).toEqual([[[0.5, 0.5, 1]], [[{ wanted: 'toloc', predicted: 'toloc', count: 1 }]], [2]]),
  },
];
