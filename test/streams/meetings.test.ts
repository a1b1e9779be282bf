/** What learns, what speaks and what is short of memory, all at once on one model: each gives what it gives alone. */
import { configure, type KeyedAnswer, type KeyedState, machine } from 'oxbow';
import { firstValueFrom, from, lastValueFrom, Subject, take, tap, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { evaluate } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { learnTags } from '../../src/models/tagger/online/learn-tags.js';
import { tagger } from '../../src/models/tagger/tagger.js';
import { growTogether } from '../../src/parameters/growth.js';
import { type Params, parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { stepper } from '../../src/stepper.js';
import { keyed } from '../../src/streams/keyed/keyed.js';
import { tbptt } from '../../src/streams/tbptt.js';
import type { UpdatesOptions } from '../../src/streams/updates.js';
import type { SymbolWindow } from '../../src/streams/window.js';
import { type Ids, ids } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { bytesOf } from '../training/training-run.js';

beforeAll(() => void configure({ threads: 2, learnerThreads: 2 }));
afterAll(() => void configure({ threads: 2, learnerThreads: 2 }));

const [SYMBOLS, WINDOWS] = [7, 6];
const make = () =>
  stack(
    { e: embedding(SYMBOLS, 6, { grows: true }), r: lstm(6, 8), h: dense(8, SYMBOLS, { grows: true }) },
    { seed: 3 },
  );
type Net = ReturnType<typeof make>;

const windows: readonly SymbolWindow[] = Array.from({ length: WINDOWS }, (_, k) => {
  const symbol = (t: number) => (3 * t + t * t * k) % SYMBOLS;
  return {
    input: ids(
      [5, 2],
      Array.from({ length: 10 }, (_, t) => symbol(t)),
    ),
    target: ids(
      [5, 2],
      Array.from({ length: 10 }, (_, t) => symbol(t + 1)),
    ),
  };
});

/** A row of the table and a column of the head more, for a symbol that was not there. */
function grow({ params }: Net): void {
  const length = (params.e.table.shape[0] as number) + 1;
  growTogether(parametersOf(params).flatMap(([, each]) => each.grows.map((axis) => [each, axis, length] as const)));
}

/** Has everything leave the kernels' memory that may. */
const press = () => machine().holdings.giveWay(0, () => false);

const weightsIn = ({ params }: { readonly params: Params }): string =>
  parametersOf(params)
    .map(([path, { data }]) => `${path} ${bytesOf(data)}`)
    .join('\n');

/** The weights in the end; `between` is called after each step but the last. */
async function trained(model: Net, how: UpdatesOptions, between: (model: Net, step: number) => void): Promise<string> {
  await lastValueFrom(
    from(windows).pipe(
      tbptt(model, { loss: crossEntropy(), optimizer: adam(0.01), ...how }),
      tap(({ step }) => {
        if (step < WINDOWS) between(model, step);
      }),
    ),
  );
  return weightsIn(model);
}

const learners: Readonly<Record<string, UpdatesOptions>> = {
  'on the calling thread': {},
  'in slices': { slice: 0.1 },
  "on a learner's threads": { thread: 'learner' },
};
// First, while little else has been there.
describe.each(Object.entries(learners))('a release %s', (_, how) => {
  const used = () => machine().memory.used;

  it('of what keyed speaks by is told, and another model learns on as alone', async () => {
    const wanted = await trained(make(), {}, () => undefined);
    const spoken = make();
    const said = new Subject<{ readonly key: string; readonly value: Ids | number }>();
    let failed: Error | undefined;
    said.pipe(keyed(spoken as never, { output: 'step' })).subscribe({ error: (error: Error) => (failed = error) });
    const learner = make();
    const got = await trained(learner, how, (__, step) => {
      if (step === 2) spoken.release();
      said.next({ key: 'a', value: step });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(failed?.message).toMatch(/it was released, and its numbers with it; make a new model\./);
    expect(got).toBe(wanted);
  });

  it('of what learns is told, and leaves nothing behind', async () => {
    // Models that were dropped go by themselves, at some time: it may be less.
    const before = used();
    const model = make();
    const lesson$ = new Subject<SymbolWindow>();
    const steps = lesson$.pipe(tbptt(model, { loss: crossEntropy(), optimizer: adam(0.01), ...how }));
    const ended = lastValueFrom(steps.pipe(tap(({ step }) => step === 2 && model.release())));
    for (const window of windows.slice(0, 4)) lesson$.next(window);
    await expect(ended).rejects.toThrow(/it was released, and its numbers with it; make a new model\./);
    // When the threads are gone: until then they may write.
    await expect.poll(used, { timeout: 10_000 }).toBeLessThanOrEqual(before);
  });
});

const meddling: Readonly<Record<string, (model: Net, step: number) => void>> = {
  'nothing else': () => undefined,
  growth: (model, step) => {
    if (step % 2 === 0) grow(model);
  },
  'memory pressure': press,
  'growth and memory pressure': (model) => {
    press();
    grow(model);
    press();
  },
};
const meetings = Object.entries(learners).flatMap(([where, how]) =>
  Object.entries(meddling).map(([what, between]) => ({ where, what, how, between })),
);

interface Said {
  readonly key: string;
  readonly value: number;
}

/** Speaks to many keys, more than have room, until it is told to stop, and holds each answer against the key's own run. */
function speaking(model: Net, meddle: () => void) {
  const said = new Subject<Said>();
  const alone = new Map<string, ReturnType<Net['initial']>>();
  const states = new Map<string, KeyedState<unknown>>();
  const store = {
    get: (key: string) => states.get(key),
    put: (key: string, state: KeyedState<unknown>) => void states.set(key, state),
  };
  let right = 0;
  const wrong: string[] = [];
  const hears = ({ key, value, input }: KeyedAnswer<{ readonly data: ArrayLike<number> }, string, Said>) => {
    // Within the call of the answer the weights are those that it was worked out with.
    const before = alone.get(key) ?? model.initial(1);
    const [wanted, after] = evaluate(model, before, ids([1, 1], [input.value]));
    alone.set(key, after);
    if (Array.from(value.data).join() === Array.from(wanted.data).join()) right += 1;
    else wrong.push(key);
  };
  const answers = said.pipe(keyed(model, { maxKeys: 3, maxBatch: 3, store, output: 'step' }));
  let failed: unknown;
  const subscription = answers.subscribe({ next: hears as never, error: (error) => (failed = error) });
  let stopped = false;
  async function speak(): Promise<number> {
    for (let turn = 0; !stopped || turn < 20; turn += 1) {
      for (const key of ['a', 'b', 'c', 'd', 'e'].slice(turn % 3)) said.next({ key, value: (turn * 5) % SYMBOLS });
      if (turn % 4 === 0) meddle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    said.complete();
    subscription.unsubscribe();
    expect(failed).toBeUndefined();
    expect(wrong).toEqual([]);
    return right;
  }
  const spoken = speak();
  return {
    stop: () => {
      stopped = true;
      return spoken;
    },
  };
}

describe.each(meetings)('$where, with $what', ({ how, between }) => {
  it('keyed sequences are as alone by the weights of then, and the learner learns as alone', async () => {
    const wanted = await trained(make(), {}, between);
    const model = make();
    const speaker = speaking(model, press);
    const got = await trained(model, how, between);
    expect(await speaker.stop()).toBeGreaterThan(20);
    expect(got).toBe(wanted);
  });

  it('a stepper is as alone by the weights of then', async () => {
    const model = make();
    const steps = stepper(model);
    let carry = model.initial(1);
    let count = 0;
    const step = (net: Net, at: number) => {
      between(net, at);
      press();
      const x = ids([1, 1], [at % SYMBOLS]);
      const [wanted, after] = evaluate(net, carry, x);
      expect(Array.from(steps.step(x).data)).toEqual(Array.from(wanted.data));
      carry = after;
      count += 1;
    };
    expect(await trained(model, how, step)).toBe(await trained(make(), {}, between));
    expect(count).toBe(WINDOWS - 1);
    steps.release();
  });
});

const utterances = ['to Rome', 'from Oslo to Rome', 'a ticket to Bergen', 'from Bergen on Monday'].map((text) => {
  const words = text.split(' ');
  return { words, tags: words.map((word) => (/^[A-Z]/.test(word) ? `B-${word.toLowerCase()}` : 'O')) };
});

it.each(Object.entries(learners))(
  'a tagger that grows with each lesson, learnt %s, tags by whole updates under memory pressure',
  async (_, how) => {
    const learnt = async (options: UpdatesOptions, meanwhile: (tagging: () => unknown) => void) => {
      const model = tagger({ words: [], tags: ['O'], units: 6, bidirectional: false, seed: 1 });
      const outcome$ = from(utterances).pipe(
        learnTags(model, { optimizer: adam(0.01), replay: { size: 4, per: 2, seed: 1 }, ...options }),
        tap(() =>
          meanwhile(() =>
            model.tag([
              ['to', 'Oslo'],
              ['from', 'Bergen'],
            ]),
          ),
        ),
        toArray(),
      );
      const outcomes = await firstValueFrom(outcome$.pipe(take(1)));
      return { outcomes: outcomes.map(({ outcome }) => outcome), bytes: weightsIn(model) };
    };
    const wanted = await learnt({}, () => undefined);
    const got = await learnt(how, (tagging) => {
      press();
      const first = tagging();
      press();
      expect(tagging()).toEqual(first);
    });
    expect(wanted.outcomes).toEqual(utterances.map(() => 'learned'));
    expect(got).toEqual(wanted);
  },
);
