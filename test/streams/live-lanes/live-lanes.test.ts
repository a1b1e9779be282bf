import {
  type BufferState,
  fromAsync,
  holdSource,
  ids,
  type LiveLanesOptions,
  type LiveWindow,
  liveLanes,
  tensor,
} from 'oxbow';
import {
  BehaviorSubject,
  concat,
  EMPTY,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextTurn } from '../../../src/streams/event-loop.js';

type Given = LiveLanesOptions<number>;

/** Windows as their lanes: `3 1 | 1 4` are inputs 3 and 1 of one source, and of another 1 and 4; `^` where one begins. */
function shown({ input, spans }: LiveWindow): string {
  const [, batch = 0] = input.shape;
  const lanes = input.lengths.map((_, lane) =>
    spans
      .filter((span) => span.lane === lane)
      .map(({ from: first, to, at }) => {
        const steps = Array.from({ length: to - first }, (_, t) => input.data[(first + t) * batch + lane]).join(' ');
        return `${at === 0 ? '^' : ''}${steps}`;
      })
      .join(' '),
  );
  return lanes.join(' | ');
}

/** Sources that speak when they are told to, and the windows so far. */
function live(options: Given, count = 2) {
  const sources = Array.from({ length: count }, () => new Subject<number>());
  const arrivals$ = new Subject<Observable<number>>();
  const windows: string[] = [];
  const given: LiveWindow[] = [];
  let end: string | undefined;
  const subscription = liveLanes<number>(arrivals$, options).subscribe({
    next(window) {
      given.push(window);
      windows.push(shown(window));
    },
    error: ({ message }) => (end = message),
    complete: () => (end = 'complete'),
  });
  const say = (source: number, ...numbers: number[]) => numbers.forEach((one) => void sources[source]?.next(one));
  const join = (...which: number[]) => which.forEach((k) => void arrivals$.next(sources[k] as Subject<number>));
  const leave = (...which: number[]) => which.forEach((k) => void sources[k]?.complete());
  return { sources, arrivals$, windows, given, say, join, leave, subscription, end: () => end };
}

describe('liveLanes', () => {
  it('waits for each source that has a lane, and gives the windows of lanes side by side', () => {
    const { say, join, windows, given } = live({ batch: 2, length: 2 });
    join(0, 1);
    say(0, 1, 2, 3, 4, 5);
    expect(windows).toEqual([]);
    say(1, 7, 8, 9);
    expect(windows).toEqual(['^1 2 | ^7 8']);
    expect(given[0]?.target).toMatchObject({
      shape: [2, 2],
      type: 'int32',
      data: Int32Array.of(2, 8, 3, 9),
      lengths: [2, 2],
    });
    say(1, 10, 11);
    expect(windows.slice(1)).toEqual(['3 4 | 9 10']);
  });

  it('lets a source that waits take a lane at the very place where another has left it', () => {
    const { say, join, leave, windows, given } = live({ batch: 2, length: 4 }, 3);
    join(0, 1, 2);
    say(2, 21, 22, 23, 24);
    say(0, 1, 2, 3);
    leave(0);
    expect(windows).toEqual([]);
    say(1, 11, 12, 13, 14, 15);
    expect(given.map(({ input, reset, spans }) => [input.restarts, reset, spans])).toEqual([
      [
        [[2], []],
        [true, true],
        [
          { lane: 0, from: 0, to: 2, source: 0, at: 0 },
          { lane: 0, from: 2, to: 4, source: 2, at: 0 },
          { lane: 1, from: 0, to: 4, source: 1, at: 0 },
        ],
      ],
    ]);
    expect([...(given[0]?.input.data ?? [])]).toEqual([1, 11, 2, 12, 21, 13, 22, 14]);
    expect([...(given[0]?.target.data ?? [])]).toEqual([2, 12, 3, 13, 22, 14, 23, 15]);
  });

  it("leaves nobody's places out, and ends with its sources", () => {
    const { say, join, leave, arrivals$, given, end } = live({ batch: 3, length: 3 });
    join(0, 1);
    say(0, 1, 2);
    leave(0);
    say(1, 7, 8, 9, 10);
    expect(given.map(({ input }) => input.lengths)).toEqual([[1, 3, 0]]);
    expect([...(given[0]?.target.data ?? [])]).toEqual([2, 8, -1, -1, 9, -1, -1, 10, -1]);
    say(1, 11);
    leave(1);
    expect(end()).toBeUndefined();
    arrivals$.complete();
    expect(end()).toBe('complete');
    // Only as long as its longest lane.
    expect(given[1]?.input).toMatchObject({ shape: [1, 3], lengths: [0, 1, 0] });
    expect(given[1]?.reset).toEqual([false, false, false]);
  });

  it('drops the rest where asked to', () => {
    const { say, join, leave, arrivals$, windows, end } = live({ batch: 1, length: 3, partial: 'drop' });
    join(0);
    say(0, 1, 2, 3);
    leave(0);
    arrivals$.complete();
    expect([windows, end()]).toEqual([[], 'complete']);
  });

  it.each([
    ['no source', []],
    ['sources without steps', [EMPTY, of(1), EMPTY]],
    ['a great many of them', Array.from({ length: 2000 }, () => EMPTY)],
  ])('completes without a window where there are %s', async (_, sources) => {
    expect(await lastValueFrom(liveLanes<number>(sources, { batch: 2, length: 2 }).pipe(toArray()))).toEqual([]);
    expect(
      await lastValueFrom(
        liveLanes<number>(from([...sources].slice(0, 1000)), { batch: 2, length: 2 }).pipe(toArray()),
      ),
    ).toEqual([]);
  });

  it('takes a list of sources in its order, each when a lane is free', async () => {
    const begun: number[] = [];
    const source = (k: number) =>
      new Observable<number>((subscriber) => {
        begun.push(k);
        from([10 * k, 10 * k + 1, 10 * k + 2]).subscribe(subscriber);
      });
    const windows = await lastValueFrom(liveLanes([0, 1, 2].map(source), { batch: 2, length: 2 }).pipe(toArray()));
    expect(windows.map(shown)).toEqual(['^0 1 | ^10 11', '^20 21 | ']);
    expect(begun).toEqual([0, 1, 2]);
  });

  describe('maxDelayMs', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('gives a window with what is there; the slow source goes on in the next one', () => {
      const { say, join, windows, given } = live({ batch: 2, length: 4, maxDelayMs: 50 });
      join(0, 1);
      vi.advanceTimersByTime(500);
      say(0, 1, 2, 3);
      vi.advanceTimersByTime(30);
      say(1, 7, 8);
      vi.advanceTimersByTime(19);
      expect(windows).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(windows).toEqual(['^1 2 | ^7']);
      vi.advanceTimersByTime(500);
      say(1, 9);
      vi.advanceTimersByTime(50);
      expect(given[1]).toMatchObject({ input: { shape: [1, 2], lengths: [0, 1] }, reset: [false, false] });
      expect(windows[1]).toBe(' | 8');
    });

    it('leaves no timer behind', () => {
      const { say, join, subscription } = live({ batch: 1, length: 4, maxDelayMs: 50 });
      join(0);
      say(0, 1, 2);
      expect(vi.getTimerCount()).toBe(1);
      subscription.unsubscribe();
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it.each([
    ['drop-oldest', { depth: 2, dropped: 2 }, [1, 2, 5, 6]],
    ['drop-newest', { depth: 2, dropped: 2 }, [1, 2, 3, 4]],
  ] as const)('bounds what waits of each source, with the policy %s, and tells of it', (policy, state, expected) => {
    const gauge = new BehaviorSubject<BufferState>({ depth: 0, dropped: 0 });
    const { say, join, leave, arrivals$, given } = live({
      batch: 2,
      length: 1,
      waiting: { capacity: 2, policy, gauge },
    });
    join(0, 1);
    say(0, 1, 2, 3, 4, 5, 6);
    expect(gauge.value).toEqual(state);
    say(1, 9);
    leave(1);
    leave(0);
    arrivals$.complete();
    expect(gauge.value).toEqual({ depth: 0, dropped: 2 });
    const lane = given.flatMap(({ spans, input, target }) =>
      spans.filter((span) => span.source === 0).flatMap(() => [input.data[0], target.data[0]]),
    );
    expect([lane[0], ...lane.filter((_, k) => k % 2)]).toEqual(expected);
  });

  it.each([
    ['error', 'liveLanes: the buffer of 2 is full; raise its capacity'],
    ['block', 'liveLanes: the buffer of 2 is full, and its source cannot wait;'],
  ] as const)('is an error where a source that cannot wait fills its buffer, with the policy %s', (policy, message) => {
    const { say, join, end } = live({ batch: 2, length: 1, waiting: { capacity: 2, policy } });
    join(0, 1);
    say(0, 1, 2, 3, 4, 5);
    expect(end()).toContain(message);
  });

  it.each([
    ['drop-newest', [0, 1]],
    ['drop-oldest', [0, 2]],
  ] as const)('bounds the sources that wait for a lane, with the policy %s', (policy, heard) => {
    const gauge = new BehaviorSubject<BufferState>({ depth: 0, dropped: 0 });
    const { say, join, leave, given, sources } = live(
      { batch: 1, length: 1, joining: { capacity: 1, policy, gauge } },
      3,
    );
    join(0, 1, 2);
    expect(gauge.value).toEqual({ depth: 1, dropped: 1 });
    expect(sources.map(({ observed }) => observed)).toEqual(
      [0, 1, 2].map((k) => (heard as readonly number[]).includes(k)),
    );
    for (const k of heard) {
      say(k, 1, 2);
      leave(k);
    }
    expect(given.flatMap(({ spans }) => spans.map(({ source }) => source))).toEqual(heard);
  });

  it('lets pull sources wait for windows, and windows for whoever is behind', async () => {
    const pulled = [0, 0];
    const source = (k: number) =>
      fromAsync(async function* () {
        for (let step = 0; step < 40; step += 1) {
          pulled[k] = step + 1;
          yield step;
        }
      });
    const releases: (() => void)[] = [];
    let windows = 0;
    liveLanes<number>([source(0), source(1)], { batch: 2, length: 4 }).subscribe(() => {
      windows += 1;
      const release = holdSource();
      if (release) releases.push(release);
    });
    const settle = async () => {
      for (let k = 0; k < 10; k += 1) await nextTurn();
    };
    await settle();
    expect([windows, releases.length]).toEqual([1, 1]);
    // Five steps have filled each lane; at most one more waits.
    for (const count of pulled) expect(count).toBe(5);
    for (let k = 0; k < 20 && releases.length > 0; k += 1) {
      releases.shift()?.();
      await settle();
    }
    expect(pulled).toEqual([40, 40]);
    expect(windows).toBe(10);
  });

  it('goes on where what comes of a window becomes a value of a source', () => {
    const arrivals$ = new Subject<Observable<number>>();
    const echo$ = new Subject<number>();
    const windows: string[] = [];
    liveLanes<number>(arrivals$, { batch: 1, length: 1 }).subscribe((window) => {
      windows.push(shown(window));
      if (windows.length < 5) echo$.next(10 + windows.length);
    });
    arrivals$.next(echo$);
    echo$.next(1);
    echo$.next(2);
    expect(windows).toEqual(['^1', '2', '11', '12', '13']);
  });

  it('passes on errors of a source and of the stream of sources, and lets go of all others', () => {
    const { join, arrivals$, sources, end } = live({ batch: 2, length: 1 });
    join(0, 1);
    sources[0]?.error(new Error('the line is dead'));
    expect(end()).toBe('the line is dead');
    expect([arrivals$.observed, sources[1]?.observed]).toEqual([false, false]);
    const other = live({ batch: 1, length: 1 });
    other.join(0);
    other.arrivals$.error(new Error('no more'));
    expect([other.end(), other.sources[0]?.observed]).toEqual(['no more', false]);
  });

  it('lets go of everything when unsubscribed, within a window too', async () => {
    const { join, say, arrivals$, sources, subscription } = live({ batch: 1, length: 1 }, 3);
    join(0, 1, 2);
    say(0, 1);
    subscription.unsubscribe();
    expect([arrivals$.observed, ...sources.map(({ observed }) => observed)]).toEqual([false, false, false, false]);
    const first$ = liveLanes<number>([concat(of(1, 2, 3, 4), NEVER)], { batch: 1, length: 1 }).pipe(take(2), toArray());
    expect((await lastValueFrom(first$)).map(shown)).toEqual(['^1', '2']);
    expect((await lastValueFrom(first$)).map(shown)).toEqual(['^1', '2']);
  });

  it('forgets sources that have left', () => {
    const { join, leave, say, sources, windows } = live({ batch: 1, length: 1 }, 500);
    sources.forEach((source, k) => {
      join(k);
      say(k, 1, 2);
      leave(k);
      expect(source.observed).toBe(false);
    });
    expect(windows).toEqual(sources.map(() => '^1'));
  });

  it.each<readonly [string, readonly Observable<unknown>[], string]>([
    [
      'several lanes',
      [of(ids([1, 2], [1, 2]))],
      'liveLanes: a source is one lane, but got [1, 2], 2 lanes; give each lane as a source of its own.',
    ],
    [
      'features of another width',
      [of(Float32Array.of(1), Float32Array.of(1, 2))],
      'signals of one stream differ only in their number of steps',
    ],
    [
      'another kind than its neighbour',
      [of(1, 2), of(tensor([1, 1, 2], [1, 2]))],
      'but float32 [T, 1, 2] follows int32 [T, 1]',
    ],
    ['no steps', [of('text')], 'liveLanes: takes ids [T, B] or features [T, B, F]'],
    ['an error', [throwError(() => new Error('gone'))], 'gone'],
    ['no stream', [7 as unknown as Observable<number>], "You provided '7'"],
  ])('refuses by name what gives %s', async (_, sources, message) => {
    const given$ = liveLanes<unknown, number>(sources, { batch: 2, length: 1, input: (value) => value as number });
    await expect(lastValueFrom(given$.pipe(toArray()))).rejects.toThrow(message);
  });

  it.each([
    [{ batch: 0, length: 1 }, RangeError],
    [{ batch: 1, length: 0.5 }, RangeError],
    [{ batch: 1, length: 1, maxDelayMs: -1 }, RangeError],
    [{ batch: 1, length: 1, partial: 'some' as never }, Error],
    [{ batch: 1, length: 1, waiting: { capacity: 0, policy: 'error' } as const }, RangeError],
    [{ batch: 1, length: 1, joining: { capacity: 1, policy: 'wait' as never } }, Error],
  ])('refuses impossible options before it begins: %j', (options, kind) => {
    expect(() => liveLanes<number>([], options)).toThrow(kind);
  });
});

describe('liveLanes of one source, cut', () => {
  const windowsOf = (count: number, options: { batch: number; length: number; cut: number; partial?: 'drop' }) =>
    lastValueFrom(liveLanes<number>(from(Array.from({ length: count }, (_, k) => k)), options).pipe(toArray()));

  it('has its pieces side by side, in turn, which begin afresh', async () => {
    const windows = await windowsOf(18, { batch: 2, length: 2, cut: 4 });
    expect(windows.map(shown)).toEqual(['^0 1 | ^4 5', '2 3 | 6 7', '^8 9 | ^12 13', '10 11 | 14 15', '^16 | ']);
    expect(windows.flatMap(({ spans }) => spans.map(({ source }) => source))).toEqual([0, 1, 0, 1, 2, 3, 2, 3, 4]);
    expect((await windowsOf(18, { batch: 2, length: 2, cut: 4, partial: 'drop' })).map(shown)).toEqual(
      windows.slice(0, 4).map(shown),
    );
  });

  it.each([
    [2, 3, 5],
    [3, 4, 4],
    [4, 2, 7],
  ])('predicts every step but the first once: B %d, T %d, pieces of %d', async (batch, length, cut) => {
    for (let count = 2; count < 60; count += 1) {
      const windows = await windowsOf(count, { batch, length, cut });
      const targets = windows.flatMap(({ input, target }) =>
        [...target.data].filter((_, k) => Math.floor(k / batch) < (input.lengths[k % batch] as number)),
      );
      expect(targets.sort((a, b) => a - b)).toEqual(Array.from({ length: count - 1 }, (_, k) => k + 1));
      for (const { input, target } of windows) {
        input.lengths.forEach((own, lane) => {
          for (let t = 0; t < own; t += 1)
            expect(target.data[t * batch + lane]).toBe((input.data[t * batch + lane] as number) + 1);
        });
      }
    }
  });

  it('starts afresh for each subscription, and takes the options of one source only', async () => {
    const windows$ = liveLanes<number>(of(1, 2, 3), { batch: 1, length: 1, cut: 1 }).pipe(toArray());
    const [first] = await lastValueFrom(windows$);
    expect((await lastValueFrom(windows$))[0]?.spans).toEqual(first?.spans);
    expect(() => liveLanes<number>(of(1), { batch: 1, length: 1, cut: 1, maxDelayMs: 5 } as never)).toThrow(TypeError);
    await expect(
      lastValueFrom(liveLanes(of(ids([3, 2], [1, 2, 3, 4, 5, 6])), { batch: 1, length: 1, cut: 1 })),
    ).rejects.toThrow(
      'liveLanes: a source is one lane, but got [1, 2], 2 lanes; give each lane as a source of its own.',
    );
  });
});
