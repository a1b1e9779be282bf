import { concat, from, lastValueFrom, NEVER, of, Subject, take, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { evaluate, scanCarry } from '../../src/layer.js';
import type { Initializer, Target } from '../../src/parameters/initializer.js';
import { uniform } from '../../src/parameters/initializers.js';
import { parameter } from '../../src/parameters/parameter.js';
import type { RandomGenerator } from '../../src/random.js';
import { paced } from '../../src/streams/bounded.js';
import { fromAsync } from '../../src/streams/from-async.js';
import { type GenerationOptions, generate, generateFrom, generateIterable } from '../../src/streams/generate.js';
import { lanes } from '../../src/streams/lanes.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { type Ids, ids, type Shape, tensor } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { sgd } from '../../src/training/optimizers/sgd.js';
import { bigram, tiny } from './model.js';

const lane = (...symbols: number[]) => ids([symbols.length, 1], symbols);
const symbols = (signals: Ids[]) => signals.map(({ shape, data }) => (shape.join() === '1,1' ? data[0] : shape));
/** After symbol s comes s + 1, and after the last one the first. */
const cycle = bigram(tensor([4, 4], [0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 9, 0, 0, 0]));
const collect = (model: Parameters<typeof generateFrom>[0], prompt: Ids, options: GenerationOptions<unknown>) =>
  lastValueFrom(generateFrom(model, prompt, options).pipe(toArray()));

describe('generateFrom', () => {
  it('goes on from the prompt, one symbol for each signal', async () => {
    expect(symbols(await collect(cycle, lane(3, 2), { length: 6, greedy: true }))).toEqual([3, 0, 1, 2, 3, 0]);
  });

  it('feeds each symbol back with the carry: the model sees the text as if it had been given', async () => {
    const model = tiny(5);
    const spoken = symbols(await collect(model, lane(1, 2, 3), { length: 8, greedy: true })) as number[];
    const text = [1, 2, 3];
    for (const symbol of spoken) {
      const [logits] = evaluate(model, model.initial(1), lane(...text));
      const last = [...logits.data.subarray(-5)];
      expect(symbol).toBe(last.indexOf(Math.max(...last)));
      text.push(symbol);
    }
  });

  it('reads a prompt that is longer than the pieces it is read in', async () => {
    const model = tiny(5);
    const prompt = lane(...Array.from({ length: 300 }, (_, k) => (k * 3) % 5));
    const [symbol] = symbols(await collect(model, prompt, { length: 1, greedy: true }));
    const [logits] = evaluate(model, model.initial(1), prompt);
    const last = [...logits.data.subarray(-5)];
    expect(symbol).toBe(last.indexOf(Math.max(...last)));
  });

  it('starts from a carry where it is given one', async () => {
    const model = tiny(5, 8, 2);
    const whole = await collect(model, lane(1, 4, 2, 0), { length: 12, greedy: true });
    const { carry } = await lastValueFrom(of(lane(1, 4, 2)).pipe(scanCarry(model)));
    const rest = lastValueFrom(generateFrom(model, lane(0), { length: 12, greedy: true, from: carry }).pipe(toArray()));
    expect(await rest).toEqual(whole);
    expect(await collect(model, lane(0), { length: 12, greedy: true })).not.toEqual(whole);
  });

  it('follows from its seed, in every subscription', async () => {
    const model = tiny(5);
    const run$ = generateFrom(model, lane(0), { length: 30, seed: 5, temperature: 2 }).pipe(toArray());
    const run = await lastValueFrom(run$);
    expect(await lastValueFrom(run$)).toEqual(run);
    expect(await collect(model, lane(0), { length: 30, seed: 6, temperature: 2 })).not.toEqual(run);
  });

  it('stops at any symbol, and computes nothing ahead', async () => {
    let steps = 0;
    const counting = {
      ...cycle,
      apply: (...args: Parameters<typeof cycle.apply>) => {
        steps += 1;
        // A model that looks at numbers is run as it is at each step.
        expect(args[2].data.length).toBe(1);
        return cycle.apply(...args);
      },
    };
    for (const count of [1, 2, 7]) {
      steps = 0;
      const endless$ = generateFrom(counting, lane(0), { length: Number.POSITIVE_INFINITY, greedy: true });
      expect((await lastValueFrom(endless$.pipe(take(count), toArray()))).length).toBe(count);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(steps).toBe(count);
    }
  });

  it('lets timers run while it speaks without end', async () => {
    let spoken = 0;
    const subscription = generateFrom(cycle, lane(0), { length: Number.POSITIVE_INFINITY }).subscribe(() => {
      spoken += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    subscription.unsubscribe();
    const before = spoken;
    expect(before).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(spoken).toBe(before);
  });

  it('makes error notifications of what happens on the way', async () => {
    await expect(collect(cycle, lane(4), { length: 1 })).rejects.toThrow(RangeError);
    const broken = bigram(tensor([1, 2], [Number.NaN, 0]));
    await expect(collect(broken, lane(0), { length: 1 })).rejects.toThrow(/diverged/);
  });

  it('rejects impossible options and prompts at once', () => {
    const options = [{ length: 0 }, { length: 1.5 }, { length: 1, temperature: 0 }, { length: 1, topK: 0 }];
    for (const impossible of options) {
      expect(() => generateFrom(cycle, lane(0), impossible)).toThrow(RangeError);
      expect(() => generateIterable(cycle, lane(0), impossible)).toThrow(RangeError);
      expect(() => generate(cycle, impossible)).toThrow(RangeError);
    }
    for (const prompt of [ids([1, 2], [0, 1]), ids([0, 1], []), ids([1], [0])]) {
      expect(() => generateFrom(cycle, prompt, { length: 1 })).toThrow(/\[T, 1\]/);
    }
    expect(() => generate(cycle, { length: 1, waiting: { capacity: 0, policy: 'error' } })).toThrow(/capacity/);
  });
});

describe('generateIterable', () => {
  it('gives the same symbols as the observable, each when it is asked for', async () => {
    const options = { length: 10, seed: 3, temperature: 3 };
    const seen: Ids[] = [];
    for await (const symbol of generateIterable(cycle, lane(1), options)) seen.push(symbol);
    expect(seen).toEqual(await collect(cycle, lane(1), options));
    const endless = generateIterable(cycle, lane(1), { length: Number.POSITIVE_INFINITY, greedy: true });
    for await (const symbol of endless) if (symbol.data[0] === 0) break;
    expect(await endless.next()).toEqual({ done: true, value: undefined });
  });
});

describe('weights that are met for the first time', () => {
  it('are drawn once for all that begin together, with turns of the event loop in between', async () => {
    let turns = 0;
    let over = false;
    const turn = () => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    const drawnAt: number[] = [];
    const pieces = 5;
    const slowly: Initializer = Object.assign(() => new Float32Array(9), {
      *fill(_: Shape, __: RandomGenerator, { numbers, at }: Target) {
        for (let piece = 0; piece < pieces; piece += 1) {
          drawnAt.push(turns);
          const begun = performance.now();
          while (performance.now() < begun + 3);
          yield;
        }
        numbers.set([0, 9, 0, 0, 0, 9, 9, 0, 0], at);
      },
    });
    const table = parameter([3, 3], slowly);
    const model = bigram(table);
    const said = await Promise.all(
      [0, 1, 2].map(async (first) => {
        const symbols: number[] = [];
        for await (const { data } of generateIterable(model, ids([1, 1], [first]), { length: 4, greedy: true }))
          symbols.push(data[0] as number);
        return symbols;
      }),
    );
    over = true;
    expect(said).toEqual([
      [1, 2, 0, 1],
      [2, 0, 1, 2],
      [0, 1, 2, 0],
    ]);
    expect(drawnAt).toHaveLength(pieces);
    expect(new Set(drawnAt).size).toBe(pieces);
  });

  it('are an error of all that wait for them where they cannot be drawn', async () => {
    const table = parameter(
      [3, 3],
      Object.assign(() => new Float32Array(9), {
        // biome-ignore lint/correctness/useYield: it comes to nothing.
        *fill(): Generator<undefined, void, undefined> {
          throw new Error('no numbers');
        },
      }),
    );
    const model = bigram(table);
    for (const each of [0, 1].map((first) => generateIterable(model, ids([1, 1], [first]), { length: 1 }).next())) {
      await expect(each).rejects.toThrow('no numbers');
    }
  });
});

describe('generate', () => {
  it('answers each prompt from the zero carry, one after the other', async () => {
    const model = tiny(5, 8, 2);
    const prompts = [lane(1, 2), lane(3), lane(1, 2)];
    const options = { length: 9, greedy: true };
    const spoken = await lastValueFrom(from(prompts).pipe(generate(model, options), toArray()));
    const apart = await Promise.all(prompts.map((prompt) => collect(model, prompt, options)));
    expect(spoken).toEqual(apart.flat());
  });

  it('goes on with the draws of its seed from prompt to prompt, and starts them afresh for each subscription', async () => {
    const model = bigram(tensor([8, 8], new Float32Array(64)));
    const spoken$ = of(lane(0), lane(0)).pipe(generate(model, { length: 20, seed: 1 }), toArray());
    const spoken = await lastValueFrom(spoken$);
    expect(spoken.slice(0, 20)).toEqual(await collect(model, lane(0), { length: 20, seed: 1 }));
    expect(spoken.slice(20)).not.toEqual(spoken.slice(0, 20));
    expect(await lastValueFrom(spoken$)).toEqual(spoken);
  });

  it('lets prompts wait in a bounded buffer', async () => {
    const prompts$ = new Subject<Ids>();
    const options = { length: 2, greedy: true, waiting: { capacity: 1, policy: 'drop-oldest' } } as const;
    const spoken = lastValueFrom(prompts$.pipe(generate(cycle, options), toArray()));
    for (const symbol of [0, 1, 2]) prompts$.next(lane(symbol));
    prompts$.complete();
    expect(symbols(await spoken)).toEqual([1, 2, 3, 0]);
  });

  it('lets a source of prompts that is pulled wait until one is answered', async () => {
    let [pulled, answered, ahead] = [0, 0, 0];
    const pull = function* () {
      for (; pulled < 6; pulled += 1) yield lane(0);
    };
    const spoken$ = fromAsync(pull).pipe(
      generate(cycle, { length: 3, greedy: true }),
      paced(async (symbol) => {
        ahead = Math.max(ahead, pulled - Math.floor(answered / 3));
        answered += 1;
        return symbol;
      }),
      toArray(),
    );
    expect(await lastValueFrom(spoken$)).toHaveLength(18);
    expect(ahead).toBeLessThanOrEqual(1);
  });

  it('stops with the subscription, and passes errors on', async () => {
    const spoken$ = concat(of(lane(0)), NEVER).pipe(
      generate(cycle, { length: Number.POSITIVE_INFINITY, greedy: true }),
    );
    expect(symbols(await lastValueFrom(spoken$.pipe(take(3), toArray())))).toEqual([1, 2, 3]);
    const wrong$ = of(ids([1, 2], [0, 1])).pipe(generate(cycle, { length: 1 }));
    await expect(lastValueFrom(wrong$)).rejects.toThrow(/\[T, 1\]/);
  });

  it('speaks with what the model has learnt by then, while it learns', async () => {
    const model = bigram(parameter([4, 4], uniform(1)));
    const corpus = Int32Array.from({ length: 401 }, (_, k) => k % 4);
    const log: string[] = [];
    const spoken: number[] = [];
    const speaking = generateFrom(model, lane(0), { length: Number.POSITIVE_INFINITY, greedy: true }).subscribe(
      ({ data }) => {
        if (log.at(-1) !== 'speaks') log.push('speaks');
        spoken.push(data[0] as number);
      },
    );
    const windows$ = lanes(corpus, { batch: 4, length: 10, epochs: 6 });
    const learning$ = windows$.pipe(
      tbptt(model, { loss: crossEntropy(), optimizer: sgd(2) }),
      tap(() => log.at(-1) !== 'learns' && log.push('learns')),
    );
    await lastValueFrom(learning$);
    await new Promise((resolve) => setTimeout(resolve, 10));
    speaking.unsubscribe();
    expect(log.length).toBeGreaterThan(10);
    const last = spoken.slice(-8);
    expect(last).toEqual(last.map((_, k) => ((last[0] as number) + k) % 4));
  });
});
