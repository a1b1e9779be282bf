/** Each source gets, in whatever company it is, bit for bit what it gets alone. */
import {
  type Core,
  causalAttention,
  crossEntropy,
  dense,
  embedding,
  generator,
  gru,
  type Ids,
  ids,
  inWindow,
  type LiveWindow,
  type Loss,
  liveLanes,
  lstm,
  masked,
  resettable,
  sgd,
  squaredError,
  stack,
  stacked,
  type Tensor,
  tbptt,
  tensor,
  toSignal,
} from 'oxbow';
import { from, lastValueFrom, type Observable, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/layer.js';

// biome-ignore lint/suspicious/noExplicitAny: a model whatever its carry is.
type Any = Core<any, any>;

const SYMBOLS = 6;
const [batch, length] = [3, 5];

/** A step: an id, or features. */
type Step = number | Float32Array;

const rnns: Readonly<Record<string, () => Any>> = {
  lstm: () => lstm(5, 4),
  'stacked, residual': () => stacked([gru(5, 5), lstm(5, 5)], { residual: true }),
  attention: () => causalAttention(5, 1, { context: 4 }),
};
const widths: Readonly<Record<string, number>> = { lstm: 4, 'stacked, residual': 5, attention: 5 };

const kinds: Readonly<
  Record<string, { step: (k: number) => Step; model: (rnn: string) => Any; loss: Loss; target?: (x: Step) => Step }>
> = {
  ids: {
    step: (k) => (k * k + (k >> 2)) % SYMBOLS,
    model: (rnn) =>
      stack(
        { embed: embedding(SYMBOLS, 5), rnn: (rnns[rnn] as () => Any)(), head: dense(widths[rnn] as number, SYMBOLS) },
        { seed: 2 },
      ),
    loss: crossEntropy(),
  },
  features: {
    step: (k) => Float32Array.of(Math.sin(k), Math.cos(k), Math.sin(2 * k), k % 3, 1),
    model: (rnn) => stack({ rnn: (rnns[rnn] as () => Any)(), head: dense(widths[rnn] as number, 5) }, { seed: 2 }),
    loss: squaredError(),
  },
  'features, ids as targets': {
    step: (k) => Float32Array.of(Math.sin(k), Math.cos(k), Math.sin(2 * k), k % 3, 1),
    model: (rnn) =>
      stack({ rnn: (rnns[rnn] as () => Any)(), head: dense(widths[rnn] as number, SYMBOLS) }, { seed: 2 }),
    loss: crossEntropy(),
    target: (x) => (x as Float32Array)[3] as number,
  },
};

const signalOf = (steps: readonly Step[]): Tensor =>
  typeof steps[0] === 'number'
    ? ids([steps.length, 1], steps as number[])
    : tensor(
        [steps.length, 1, (steps[0] as Float32Array).length],
        Float32Array.from((steps as Float32Array[]).flatMap((step) => [...step])),
      );

/** Sources that come, speak and go at random: what each has said, and the windows. */
async function conversation(kind: string, seed: number) {
  const random = generator(seed, 'sources');
  const { step, target } = kinds[kind] as (typeof kinds)[string];
  const arrivals$ = new Subject<Observable<Step>>();
  const windows = lastValueFrom(
    liveLanes<Step, Step, Step>(arrivals$, { batch, length, ...(target && { target }) }).pipe(toArray()),
  ) as Promise<LiveWindow[]>;
  const said: Step[][] = [];
  let speaking: { readonly number: number; readonly source$: Subject<Step>; left: number }[] = [];
  let spoken = 0;
  for (let moment = 0; moment < 160; moment += 1) {
    if (speaking.length < batch && (speaking.length === 0 || random.below(4) === 0)) {
      const source$ = new Subject<Step>();
      speaking.push({ number: said.length, source$, left: 1 + random.below(14) });
      said.push([]);
      arrivals$.next(source$);
    }
    const one = speaking[random.below(speaking.length)] as (typeof speaking)[number];
    spoken += 1;
    const value = step(spoken);
    said[one.number]?.push(value);
    one.source$.next(value);
    one.left -= 1;
    if (one.left === 0) {
      one.source$.complete();
      speaking = speaking.filter((other) => other !== one);
    }
  }
  for (const { source$ } of speaking) source$.complete();
  arrivals$.complete();
  return { said, windows: await windows };
}

/** Of tensors `[T, B, …]`, a window each, the rows of each source in their order. */
function bySource(windows: readonly LiveWindow[], signals: readonly Tensor[], count: number): number[][] {
  const rows: number[][] = Array.from({ length: count }, () => []);
  windows.forEach(({ spans }, k) => {
    const { shape, data } = signals[k] as Tensor;
    const width = data.length / ((shape[0] as number) * batch);
    for (const { lane, from: first, to, source, at } of spans) {
      expect((rows[source] as number[]).length).toBe(at * width);
      for (let t = first; t < to; t += 1)
        rows[source]?.push(...data.slice((t * batch + lane) * width, (t * batch + lane + 1) * width));
    }
  });
  return rows;
}

const still = { loss: crossEntropy(), optimizer: sgd(0) };

describe.each(Object.keys(kinds))('liveLanes of %s', (kind) => {
  const { loss, target, model } = kinds[kind] as (typeof kinds)[string];
  const alone = (steps: readonly Step[]) => {
    const usable = target ? steps : steps.slice(0, -1);
    const asked = target ? steps.map(target) : steps.slice(1);
    return usable.length === 0 ? undefined : { input: signalOf(usable), target: signalOf(asked) };
  };

  it.each([1, 2, 3])("says whose places are whose, and what is nobody's, for seed %d", async (seed) => {
    const { said, windows } = await conversation(kind, seed);
    const whole = said.map(alone);
    const inputs = bySource(
      windows,
      windows.map(({ input }) => input),
      said.length,
    );
    const targets = bySource(
      windows,
      windows.map((window) => window.target),
      said.length,
    );
    expect(inputs).toEqual(whole.map((own) => [...(own?.input.data ?? [])]));
    expect(targets).toEqual(whole.map((own) => [...(own?.target.data ?? [])]));
    let joinedWithin = 0;
    for (const { input, target: asked, reset, spans } of windows) {
      expect(asked.lengths).toEqual(input.lengths);
      input.lengths.forEach((own, lane) => {
        const mine = spans.filter((span) => span.lane === lane);
        expect(mine.reduce((sum, span) => sum + span.to - span.from, 0)).toBe(own);
        expect(reset[lane]).toBe(mine[0]?.at === 0);
        expect(input.restarts?.[lane]).toEqual(
          mine.filter((span) => span.at === 0 && span.from > 0).map((span) => span.from),
        );
        joinedWithin += input.restarts?.[lane]?.length ?? 0;
      });
    }
    expect(joinedWithin).toBeGreaterThan(3);
  });

  it.each(Object.keys(rnns))('evaluates as alone: %s', async (rnn) => {
    const { said, windows } = await conversation(kind, 4);
    const own = model(rnn);
    for (const over of [own, masked(own)]) {
      const outputs = await lastValueFrom(from(windows).pipe(resettable(over), toArray()));
      const expected = said.map((steps) => {
        const window = alone(steps);
        return window ? [...evaluate(own, own.initial(1), window.input)[0].data] : [];
      });
      expect(bySource(windows, outputs, said.length)).toEqual(expected);
    }
  });

  it.each(Object.keys(rnns))('learns as alone: %s', async (rnn) => {
    const { said, windows } = await conversation(kind, 5);
    const own = model(rnn);
    // Without a change of weights, which are the company's; the losses and the carries are each source's own.
    const steps = await lastValueFrom(from(windows).pipe(tbptt(own, { ...still, loss, each: true }), toArray()));
    const expected = said.map((all) => {
      const window = alone(all);
      if (window === undefined) return [];
      return [
        ...inWindow((ops) =>
          toSignal(loss.each?.(ops, own.apply(ops, own.initial(1), window.input)[0], window.target) as Tensor),
        ).data,
      ];
    });
    expect(
      bySource(
        windows,
        steps.map(({ each }) => each as Tensor),
        said.length,
      ),
    ).toEqual(expected);
    expect(steps.at(-1)?.tokens).toBe(expected.flat().length);
  });
});

describe('gradients over live lanes', () => {
  it('are the sum of those of the sources alone, and do not flow across from one to the next', async () => {
    const own = kinds.ids?.model('lstm') as Any;
    const live = {
      shape: [5, 1],
      type: 'int32',
      data: Int32Array.of(1, 2, 3, 4, 5),
      lengths: [4],
      restarts: [[2]],
    } as unknown as Ids;
    const target = { ...ids([5, 1], [2, 3, 4, 5, -1]), lengths: [4] };
    const loss = crossEntropy({ reduction: 'sum' });
    const normsOf = async (...windows: { input: Ids; target: Tensor; reset?: boolean[] }[]) => {
      const learn$ = from(windows).pipe(tbptt(own, { loss, optimizer: sgd(0) }), toArray());
      return lastValueFrom(learn$);
    };
    const [together] = await normsOf({ input: live, target });
    const apart = await normsOf(
      { input: ids([2, 1], [1, 2]), target: ids([2, 1], [2, 3]), reset: [true] },
      { input: ids([2, 1], [3, 4]), target: ids([2, 1], [4, 5]), reset: [true] },
    );
    expect(together?.loss).toBeCloseTo(
      apart.reduce((sum, step) => sum + step.loss, 0),
      5,
    );
    // Side by side as two lanes they have the same gradient.
    const [lanes] = await normsOf({ input: ids([2, 2], [1, 3, 2, 4]), target: ids([2, 2], [2, 4, 3, 5]) });
    for (const [path, norm] of Object.entries(lanes?.gradientNorms ?? {}))
      expect(together?.gradientNorms[path]).toBeCloseTo(norm, 5);
  });

  it.each(['caller', 'learner'] as const)('also flow back beyond the window, k2 > k1, with the %s', async (thread) => {
    const { windows } = await conversation('ids', 6);
    const losses = async (more: object) => {
      const own = kinds.ids?.model('lstm') as Any;
      const learn$ = from(windows).pipe(
        tbptt(own, { loss: crossEntropy(), optimizer: sgd(0.1), k2: 12, ...more }),
        toArray(),
      );
      return (await lastValueFrom(learn$)).map(({ loss, gradientNorm }) => [loss, gradientNorm]);
    };
    const given = await losses({ thread });
    expect(given).toHaveLength(windows.length);
    expect(given).toEqual(await losses({}));
    expect(given).not.toEqual(await losses({ k2: 5 }));
  });

  it('refuses restarts that are none', () => {
    const own = masked(kinds.ids?.model('lstm') as Any);
    const x = (restarts: unknown) => ({ ...ids([2, 1], [1, 2]), lengths: [2], restarts }) as unknown as Ids;
    for (const wrong of [[[3]], [[0.5]], [[1], [1]]]) {
      expect(() => evaluate(own, own.initial(1), x(wrong))).toThrow(
        'masked: [2, 1] takes for each of 1 lanes the steps from 0 to 1 at which it begins afresh, but got',
      );
    }
  });
});
