/** A learner's team gives what the calling thread gives, bit for bit, and leaves whole updates only. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import {
  adam,
  bidirectional,
  type Core,
  causalAttention,
  configure,
  crossEntropy,
  dense,
  dropout,
  embedding,
  evaluate,
  gatedDeltaNet,
  generator,
  gpt,
  griffinBlock,
  gru,
  type Ids,
  ids,
  learnTags,
  lstm,
  machine,
  minGru,
  parametersOf,
  residualRnn,
  type SignalWindow,
  sgd,
  simpleRnn,
  stack,
  stacked,
  stepper,
  type TbpttOptions,
  tagger,
  tbptt,
  trainer,
  unroll,
} from 'oxbow';
import { from, lastValueFrom, map, Subject, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gruCell } from '../../src/cells/gru.js';
import { everyOptimizer, lookingAhead } from './every-optimizer.js';
import { bytesOf } from './training-run.js';

beforeAll(() => void configure({ threads: 2, learnerThreads: 2 }));
afterAll(() => void configure({ threads: 2, learnerThreads: 2 }));

const [symbols, steps, lanes] = [11, 6, 4];

// biome-ignore lint/suspicious/noExplicitAny: a model whatever its carry is.
type Any = Core<any, any>;

const modelOf = (rnn: Any, features: number): Any =>
  stack({ embed: embedding(symbols, 12), rnn, head: dense(features, symbols) }, { seed: 3 });

const models: Readonly<Record<string, () => Any>> = {
  simpleRnn: () => modelOf(simpleRnn(12, 8), 8),
  lstm: () => modelOf(lstm(12, 8), 8),
  'lstm, coupled with peepholes': () => modelOf(lstm(12, 8, { forget: 'coupled', peepholes: true }), 8),
  'lstm, normalised': () => modelOf(lstm(12, 8, { layerNorm: true, dropConnect: 0.3 }), 8),
  gru: () => modelOf(gru(12, 8), 8),
  'gru, reset before': () => modelOf(gru(12, 8, { reset: 'before' }), 8),
  'stacked, residual, dropout': () =>
    modelOf(stacked([gru(12, 12), lstm(12, 12)], { residual: true, dropout: 0.5 }), 12),
  bidirectional: () => modelOf(bidirectional(gru(12, 4), lstm(12, 4)), 8),
  'a cell step by step': () => modelOf(unroll(gruCell(12, 8)), 8),
  residualRnn: () => modelOf(residualRnn(12, 8, dense(20, 8)), 8),
  minGru: () => modelOf(stacked([minGru(12, 12), minGru(12, 8)]), 8),
  griffinBlock: () => modelOf(griffinBlock(12, 8), 12),
  gatedDeltaNet: () => modelOf(gatedDeltaNet(12, 8), 12),
  attention: () => modelOf(causalAttention(12, 2, { context: 9, dropout: 0.5 }), 12),
  dropout: () => modelOf(stack({ drop: dropout(0.5), rnn: gru(12, 8) }), 8),
  gpt: () => gpt({ symbols, features: 8, heads: 2, blocks: 2, context: 8, dropout: 0.1, seed: 3 }) as Any,
  'one that looks at numbers on its way': () => {
    const inner = modelOf(gru(12, 8), 8);
    return Object.assign(Object.create(inner), inner, {
      apply(...[ops, carry, x]: Parameters<Any['apply']>) {
        const [y, next] = inner.apply(ops, carry, x);
        // Twice what it is where it is above 0, so that the numbers matter.
        return [ops.affine(y, (y.data[0] as number) > 0 ? 2 : 1, 0), next] as const;
      },
    });
  },
};

function windowsOf(count: number): readonly SignalWindow<Ids>[] {
  const random = generator(5, 'symbols');
  const some = () =>
    ids(
      [steps, lanes],
      Int32Array.from({ length: steps * lanes }, () => random.below(symbols)),
    );
  return Array.from({ length: count }, (_, k) => ({
    input: some(),
    target: some(),
    ...(k === 2 && { reset: [false, true, false, true] }),
  })) as never;
}

const bitsOf = ({ params }: Any) => parametersOf(params).map(([path, { data }]) => [path, bytesOf(data)]);

/** What a run tells and leaves. */
async function runOf(model: Any, options: Partial<TbpttOptions<unknown>> = {}, windows = windowsOf(4)) {
  const training = { loss: crossEntropy(), optimizer: adam(0.01), clipNorm: 0.5, ...options } as TbpttOptions<unknown>;
  const told = await lastValueFrom(
    from(windows).pipe(
      tbptt(model, training),
      map(({ tokensPerSecond: _, window: _too, state: _three, snapshot, ...step }) => ({
        ...step,
        snapshot: snapshot(),
      })),
      toArray(),
    ),
  );
  return { told, weights: bitsOf(model) };
}

const thread = 'learner';

describe("a learner's updates are those of the calling thread, bit for bit", () => {
  it.each(Object.entries(models))('%s', async (_, make) => {
    expect(await runOf(make(), { thread })).toEqual(await runOf(make()));
  });

  it.each(Object.entries(everyOptimizer))('by %s', async (_, make) => {
    const model = models.lstm as () => Any;
    expect(await runOf(model(), { thread, optimizer: make() })).toEqual(await runOf(model(), { optimizer: make() }));
  });

  it.each([
    [1, 1],
    [1, 3],
    [2, 1],
    [3, 2],
  ])('by %i threads beside %i', async (learnerThreads, threads) => {
    const make = () => modelOf(causalAttention(12, 2, { context: 9 }), 12);
    const expected = await runOf(make());
    try {
      configure({ threads, learnerThreads });
      expect(await runOf(make(), { thread })).toEqual(expected);
    } finally {
      configure({ threads: 2, learnerThreads: 2 });
    }
  });

  it('where gradients flow further back than a window', async () => {
    const model = models.gru as () => Any;
    expect(await runOf(model(), { thread, k2: 15 })).toEqual(await runOf(model(), { k2: 15 }));
  });

  it('in slices on the calling thread', async () => {
    const model = models.gru as () => Any;
    expect(await runOf(model(), { slice: 0 })).toEqual(await runOf(model()));
  });
});

describe('a tagger that learns on other threads', () => {
  const lessons = [
    { words: ['to', 'taipei'], tags: ['O', 'B-to'] },
    { words: ['from', 'oslo', 'to', 'rome'], tags: ['O', 'B-from', 'O', 'B-to'] },
    { words: ['on', 'monday', 'morning'], tags: ['O', 'B-day', 'I-day'] },
    { words: ['to', 'oslo', 'on', 'friday'], tags: ['O', 'B-to', 'O', 'B-day'] },
  ];
  const learn = async (more: object) => {
    const model = tagger({ words: ['to'], tags: ['O'], units: 6, features: 6, seed: 1 });
    const outcomes = await lastValueFrom(
      from(lessons).pipe(
        learnTags(model, { optimizer: adam(0.05), replay: { size: 10, per: 2, seed: 1 }, ...more }),
        map((event) => {
          const { state, scores, snapshot, ...rest } = event as Extract<typeof event, { outcome: 'learned' }>;
          return { ...rest, state: state(), scores: scores(), snapshot: snapshot() };
        }),
        toArray(),
      ),
    );
    return { outcomes, weights: parametersOf(model.params).map(([path, { data }]) => [path, bytesOf(data)]) };
  };

  it('grows and learns as one that learns at once, bit for bit', async () => {
    const expected = await learn({});
    expect(expected.outcomes.map(({ grown }) => grown.words)).not.toEqual([[], [], [], []]);
    expect(await learn({ thread })).toEqual(expected);
  });
});

/** The threads that are started while something runs. */
async function startedDuring(run: () => unknown, count: number): Promise<Worker[]> {
  const workers: Worker[] = [];
  const started = (worker: Worker) => void workers.push(worker);
  process.on('worker', started);
  run();
  while (workers.length < count) await once(process, 'worker');
  process.off('worker', started);
  return workers;
}

const large = () =>
  stack({ embed: embedding(symbols, 64), rnn: lstm(64, 256), head: dense(256, symbols) }, { seed: 3 });
const training = () => ({ loss: crossEntropy(), optimizer: adam(0.01), thread }) as const;

describe('an update on other threads', () => {
  it.each(Object.entries({ adam: () => adam(0.01), ...lookingAhead }))(
    'by %s leaves the calling thread free: timers run, and step the model with the weights of whole updates only',
    async (_, make) => {
      const [alone, beside] = [large(), large()];
      const windows = windowsOf(5);
      const symbols = ids([1, lanes], Int32Array.of(1, 2, 3, 4));
      /** Weights as they are read, and as steps have them. */
      const looked = (model: Any) => {
        const { step } = stepper(model);
        const [evaluated] = evaluate(model, model.initial(lanes), symbols);
        return JSON.stringify([bitsOf(model), bytesOf(evaluated.data), bytesOf(step(symbols).data)]);
      };
      const known = new Set([looked(beside)]);
      from(windows)
        .pipe(tbptt(alone, { ...training(), optimizer: make(), thread: 'caller' }))
        .subscribe(() => {
          known.add(looked(alone));
        });
      const seen = new Set<string>();
      let looks = 0;
      const timer = setInterval(() => {
        looks += 1;
        seen.add(looked(beside));
      });
      await lastValueFrom(from(windows).pipe(tbptt(beside, { ...training(), optimizer: make() })));
      clearInterval(timer);
      expect(looks).toBeGreaterThan(0);
      expect([...seen].filter((bits) => !known.has(bits))).toEqual([]);
    },
  );

  it('lets windows wait in a buffer of bounded capacity, whose depth and drops are told', async () => {
    const told: { depth: number; dropped: number }[] = [];
    const gauge = { next: (state: { depth: number; dropped: number }) => void told.push({ ...state }) };
    const model = large();
    const learned = await lastValueFrom(
      from(windowsOf(8)).pipe(
        tbptt(model, { ...training(), waiting: { capacity: 2, policy: 'drop-oldest', gauge } }),
        toArray(),
      ),
    );
    // The first is under way; of the seven others the last two wait.
    expect(learned.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(told.at(-1)).toEqual({ depth: 0, dropped: 5 });
    expect(Math.max(...told.map(({ depth }) => depth))).toBe(2);
  });

  it('ends with its subscription: nothing more is learnt, and threads and memory come back', async () => {
    const model = large();
    const { heap } = machine();
    await lastValueFrom(from(windowsOf(2)).pipe(tbptt(model, training())));
    await settled(() => heap.used());
    const before = heap.used();
    for (let k = 0; k < 3; k += 1) {
      const windows$ = new Subject<SignalWindow<Ids>>();
      const subscription = windows$.pipe(tbptt(model, training())).subscribe();
      const workers = await startedDuring(() => {
        for (const window of windowsOf(4)) windows$.next(window as SignalWindow<Ids>);
      }, 2);
      const bits = bitsOf(model);
      const gone = Promise.all(workers.map((worker) => once(worker, 'exit')));
      subscription.unsubscribe();
      await gone;
      await settled(() => heap.used());
      expect(bitsOf(model)).toEqual(bits);
      expect(heap.used()).toBeLessThanOrEqual(before);
    }
  });

  it.each([
    ['its leader', 1],
    ['another of its threads', 0],
  ])('is an error where %s is lost, and the weights are those of the last whole update', async (_, which) => {
    const model = large();
    const windows$ = new Subject<SignalWindow<Ids>>();
    const steps: unknown[] = [];
    let weights = bitsOf(model);
    const outcome = new Promise<Error | undefined>((resolve) => {
      windows$.pipe(tbptt(model, training())).subscribe({
        next: ({ step }) => {
          steps.push(step);
          weights = bitsOf(model);
        },
        error: resolve,
        complete: () => resolve(undefined),
      });
    });
    const given = windowsOf(40);
    const workers = await startedDuring(() => given.forEach((window) => void windows$.next(window)), 2);
    windows$.complete();
    await (workers[which] as Worker).terminate();
    const error = await outcome;
    if (which === 1 || error !== undefined) {
      expect(error?.message).toMatch(
        /^learner: the thread that leads it is gone \(.+\); the weights are those of the last/,
      );
      expect(steps.length).toBeLessThan(40);
    }
    expect(bitsOf(model)).toEqual(weights);
    // Another subscription goes on.
    const [again] = await lastValueFrom(from(given.slice(0, 1)).pipe(tbptt(model, training()), toArray()));
    expect(again?.step).toBe(1);
  });

  it('comes after those of another trainer of the same parameters, in their order', async () => {
    const [shared, alone] = [large(), large()];
    const [first, second] = [windowsOf(2), windowsOf(5).slice(3)];
    const run = (windows: readonly SignalWindow<Ids>[]) =>
      lastValueFrom(from(windows).pipe(tbptt(shared, { ...training(), optimizer: sgd(0.1) }), toArray()));
    const [a, b] = await Promise.all([run(first), run(second)]);
    const learners = [first, second].map((windows) => ({
      windows,
      learn: trainer(alone, { loss: crossEntropy(), optimizer: sgd(0.1) }).learn,
      carry: alone.initial(lanes),
    }));
    for (const k of [0, 1]) {
      const losses = learners.map((each) => {
        const { loss, carry } = each.learn({ ...(each.windows[k] as SignalWindow<Ids>), carry: each.carry });
        each.carry = carry;
        return loss;
      });
      expect([a[k]?.loss, b[k]?.loss]).toEqual(losses);
    }
    expect(bitsOf(shared)).toEqual(bitsOf(alone));
  });
});

/** Waits until a number stays the same for some turns. */
async function settled(read: () => number): Promise<void> {
  for (let same = 0, last = read(); same < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = read() === last ? same + 1 : 0;
    last = read();
  }
}
