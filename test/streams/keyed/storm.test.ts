import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/layer.js';
import { generator } from '../../../src/random.js';
import type { BufferState } from '../../../src/streams/buffer.js';
import { keyed } from '../../../src/streams/keyed/keyed.js';
import type { KeyedState } from '../../../src/streams/keyed/layout.js';
import type { Ids } from '../../../src/tensor.js';
import { drawn, idsOf, onIds } from './models.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const model = drawn(onIds['a simple RNN']);

/** Bursts of values of few and many keys, a store that is now quick and now slow, buffers that overflow. */
async function storm(seed: number, policy: 'drop-oldest' | 'drop-newest') {
  const random = generator(seed);
  const source = new Subject<ReturnType<typeof idsOf>[number]>();
  const kept = new Map<string, KeyedState<unknown>>();
  const later = async <T>(value: T): Promise<T> => {
    for (let k = random.below(4); k > 0; k -= 1) await turn();
    return value;
  };
  const maybe = <T>(work: () => T): T | Promise<T> => (random.below(3) === 0 ? work() : later(0).then(work));
  let dropped = 0;
  const answers: { readonly key: string; readonly value: unknown; readonly input: unknown }[] = [];
  const done = new Promise<void>((resolve, reject) => {
    source
      .pipe(
        keyed<unknown, Ids, ReturnType<typeof idsOf>[number], string>(model, {
          maxBatch: 1 + random.below(4),
          maxKeys: 1 + random.below(5),
          waiting: {
            capacity: 4 + random.below(6),
            policy,
            gauge: { next: (state: BufferState) => (dropped = state.dropped) },
          },
          store: {
            get: (key) => maybe(() => kept.get(key)),
            put: (key, state) => maybe(() => kept.set(key, state)),
          },
        }),
      )
      .subscribe({ next: (answer) => answers.push(answer), error: reject, complete: resolve });
  });
  const values = idsOf(2 + random.below(9), 120, seed, 3);
  for (const value of values) {
    source.next(value);
    if (random.below(4) === 0) await turn();
  }
  source.complete();
  await done;
  return { values, answers, dropped, kept };
}

describe('whatever is dropped and whoever has left', () => {
  it.each(Array.from({ length: 24 }, (_, seed) => seed))(
    'what is answered is what the key gets alone: storm %i',
    async (seed) => {
      const { values, answers, dropped, kept } = await storm(seed, seed % 2 === 0 ? 'drop-oldest' : 'drop-newest');
      expect(answers.length + dropped).toBe(values.length);
      for (const key of new Set(answers.map((answer) => answer.key))) {
        const own = answers.filter((answer) => answer.key === key);
        let carry = model.initial(1);
        for (const { input, value } of own) {
          const [y, next] = evaluate(model, carry, (input as (typeof values)[number]).value);
          carry = next;
          expect(value).toEqual(y);
        }
        expect(kept.get(key)?.carry).toEqual(carry);
        const order = own.map(({ input }) => values.indexOf(input as never));
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
      expect(kept.size).toBe(new Set(answers.map(({ key }) => key)).size);
    },
  );
});
