import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  concatMap,
  delay,
  from,
  lastValueFrom,
  map,
  mergeMap,
  Observable,
  of,
  Subject,
  share,
  take,
  tap,
  toArray,
} from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, paced } from '../../src/streams/bounded.js';
import { buffer } from '../../src/streams/buffer.js';
import { holdSource } from '../../src/streams/demand.js';
import { fromAsync } from '../../src/streams/from-async.js';
import { fromText } from '../../src/streams/from-text.js';
import { fromWebStream } from '../../src/streams/from-web-stream.js';
import { toWebStream } from '../../src/streams/to-web-stream.js';
import { tokens } from '../../src/streams/tokens.js';
import { vocabulary } from '../../src/streams/vocabulary.js';
import { windows } from '../../src/streams/windows.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const turns = async (many: number) => {
  for (let k = 0; k < many; k += 1) await turn();
};

/** Values that are counted when they are pulled. */
function counted(upTo: number) {
  const count = { pulled: 0 };
  async function* pull() {
    while (count.pulled < upTo) yield count.pulled++;
  }
  return { count, values$: fromAsync(pull) };
}

const later = async <T>(value: T): Promise<T> => {
  await turns(2);
  return value;
};

/** `mergeMap` of RxJS, made to let its source wait by hand. */
const merging = <T>(source: Observable<T>) =>
  source.pipe(
    map((value) => ({ value, release: holdSource() })),
    mergeMap(async ({ value, release }) => {
      await turn();
      release?.();
      return value;
    }),
  );

const bySetImmediate = <T>(source: Observable<T>) =>
  new Observable<T>((subscriber) =>
    source.subscribe({
      next(value) {
        const release = holdSource();
        setImmediate(() => {
          subscriber.next(value);
          release?.();
        });
      },
      complete: () => void turns(2).then(() => subscriber.complete()),
    }),
  );

const block = { capacity: 1, policy: 'block' } as const;

describe('a pull source waits until the end has dealt with its value', () => {
  const ends: Record<string, (source: Observable<number>) => Observable<unknown>> = {
    'paced, a promise': (source) => source.pipe(paced(later)),
    'paced, an operator of RxJS': (source) => source.pipe(paced((value) => of(value).pipe(delay(1)))),
    'paced, an async generator': (source) =>
      source.pipe(
        paced(async function* (value) {
          await turn();
          yield value;
        }),
      ),
    'bounded with work': (source) => source.pipe(bounded({ capacity: 64, policy: 'block' }, later)),
    'bounded without work': (source) => source.pipe(bounded(block)),
    'behind synchronous operators': (source) =>
      source.pipe(
        concatMap((value) => [value]),
        share(),
        paced(later),
      ),
    'two, one after the other': (source) => source.pipe(paced(later), paced(later)),
    'the second one alone being slow': (source) => source.pipe(bounded(block), paced(later)),
    'one within another': (source) => source.pipe(paced((value) => fromAsync([value]).pipe(paced(later)))),
    'a web stream in between': (source) => fromWebStream(toWebStream(source, block)).pipe(paced(later)),
    'holdSource before mergeMap': merging,
    'holdSource in an operator of one’s own': bySetImmediate,
  };

  it.each(Object.entries(ends))('%s', async (name, end) => {
    const { count, values$ } = counted(12);
    let dealt = 0;
    let ahead = 0;
    const seen$ = end(values$).pipe(
      tap(() => {
        ahead = Math.max(ahead, count.pulled - dealt);
        dealt += 1;
      }),
      toArray(),
    );
    expect(await lastValueFrom(seen$)).toEqual(Array.from({ length: 12 }, (_, k) => k));
    // A web stream has a queue of one of its own, and one is on its way into it and out of it.
    expect(ahead).toBeLessThanOrEqual(name.includes('web stream') ? 4 : 1);
  });

  it('so that no more queues than the windows of one chunk', async () => {
    const corpus = 'the river bends. '.repeat(2000);
    const vocab = vocabulary(corpus);
    const [chunk, length] = [512, 8];
    let depth = 0;
    const gauge = { next: (state: { depth: number }) => (depth = Math.max(depth, state.depth)) };
    const windows$ = fromText(corpus, { chunk }).pipe(tokens(vocab), windows({ length }));
    const all = await lastValueFrom(
      windows$.pipe(
        bounded({ ...block, gauge }, async (window) => window),
        toArray(),
      ),
    );
    expect(all).toHaveLength(Math.ceil((corpus.length - 1) / length));
    expect(depth).toBeLessThanOrEqual(chunk / length);
  });

  it('also where the pipeline is two, and one is slower', async () => {
    const { count, values$ } = counted(8);
    const shared$ = values$.pipe(share());
    let slow = 0;
    let ahead = 0;
    const fast = lastValueFrom(
      shared$.pipe(
        tap(() => (ahead = Math.max(ahead, count.pulled - slow))),
        paced(async (value) => value),
        toArray(),
      ),
    );
    const slower = lastValueFrom(
      shared$.pipe(
        paced(later),
        tap(() => (slow += 1)),
        toArray(),
      ),
    );
    expect(await fast).toEqual(await slower);
    expect(ahead).toBeLessThanOrEqual(1);
  });
});

describe('a source that waits goes on', () => {
  it('where the one it waits for unsubscribes, at work or in the queue', async () => {
    const { count, values$ } = counted(100);
    const shared$ = values$.pipe(share());
    const others = shared$.subscribe();
    const never = shared$.pipe(
      concatMap((value) => [value, value]),
      paced(() => new Promise(() => undefined)),
    );
    const waiting = never.subscribe();
    await turns(3);
    expect(count.pulled).toBe(1);
    waiting.unsubscribe();
    await turns(3);
    expect(count.pulled).toBeGreaterThan(1);
    others.unsubscribe();
  });

  it('where work fails', async () => {
    const { count, values$ } = counted(5);
    const shared$ = values$.pipe(share());
    const all = lastValueFrom(shared$.pipe(toArray()));
    const failing = lastValueFrom(shared$.pipe(paced(() => Promise.reject(new Error('no')))));
    await expect(failing).rejects.toThrow('no');
    expect(await all).toHaveLength(5);
    expect(count.pulled).toBe(5);
  });

  it('closes what it reads when it is unsubscribed from while it waits', async () => {
    let closed = false;
    async function* read() {
      try {
        for (;;) yield 1;
      } finally {
        closed = true;
      }
    }
    const stream = fromAsync(read)
      .pipe(paced(() => new Promise(() => undefined)))
      .subscribe();
    await turns(2);
    stream.unsubscribe();
    await turns(2);
    expect(closed).toBe(true);
  });

  it('where what comes of its values comes back: work does not wait for itself', async () => {
    const asked$ = new Subject<number>();
    const answers$ = new Subject<number>();
    const plus = paced((value: number) => fromAsync([value + 1]));
    asked$.pipe(plus).subscribe(answers$);
    const seen = lastValueFrom(
      answers$.pipe(
        plus,
        tap((value) => value < 50 && asked$.next(value)),
        take(25),
        toArray(),
      ),
    );
    fromAsync([0]).subscribe((value) => asked$.next(value));
    expect(await seen).toEqual(Array.from({ length: 25 }, (_, k) => 2 * k + 2));
  });
});

describe('a source that cannot wait', () => {
  it.each([
    ['bounded', bounded({ capacity: 2, policy: 'block' }, later), 2],
    ['paced', paced(later), 1024],
  ] as const)('is an error of %s where more come than there is room for', async (name, operator, capacity) => {
    const fitting = Array.from({ length: capacity + 1 }, (_, k) => k);
    if (capacity < 10) expect(await lastValueFrom(from(fitting).pipe(operator, toArray()))).toEqual(fitting);
    await expect(lastValueFrom(from([...fitting, 0]).pipe(operator))).rejects.toThrow(
      new RegExp(
        `${name}: the buffer of ${capacity} is full, and its source cannot wait; .*pull source.*source: socket`,
      ),
    );
  });

  it('is no error where it is told to drop', async () => {
    const dropping = bounded({ capacity: 1, policy: 'drop-newest' } as const, later<number>);
    expect(await lastValueFrom(fromAsync([1, 2, 3, 4, 5]).pipe(dropping, take(1), toArray()))).toEqual([1]);
    expect(holdSource()).toBeUndefined();
  });
});

describe('memory', () => {
  let gc: () => void;
  beforeAll(() => {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  });
  afterAll(() => setFlagsFromString('--no-expose-gc'));

  it.each(['error', 'block', 'drop-oldest'] as const)(
    'a buffer forgets what was taken out of it (%s)',
    async (policy) => {
      const source = { pause: () => undefined, resume: () => undefined };
      const queue = buffer<object>(
        'test',
        policy === 'block' ? { capacity: 1000, policy, source } : { capacity: 1000, policy },
      );
      const taken: WeakRef<object>[] = [];
      for (let k = 0; k < 100; k += 1) {
        const frame = { bytes: k };
        taken.push(new WeakRef(frame));
        queue.push(frame);
        if (k > 0) queue.shift();
      }
      await turn();
      gc();
      expect(taken.filter((frame) => frame.deref() !== undefined).length).toBe(1);
      expect(queue.depth).toBe(1);
    },
  );
});
