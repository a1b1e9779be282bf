/** Who has a carry in the kernels' memory: keys come, rest, and give way to others, by way of a store. */
import { shown } from '../../checks.js';
import type { Machine } from '../../kernels/machine-type.js';
import { records } from '../../kernels/records.js';
import { timeSlice } from '../event-loop.js';
import type { KeyedSnapshot, KeyedState, Layout } from './layout.js';
import { type Line, NONE } from './waiting.js';

/** Where the carries of keys are that have given way; a database, a file, a map. */
export interface KeyedStore<S = unknown, K = unknown> {
  /** What was put last for a key; `undefined` for a key that is new. */
  get(key: K): KeyedState<S> | undefined | PromiseLike<KeyedState<S> | undefined>;
  /** Keeps what is there of a key, in the place of what was. Of one key the next comes after this one is done. */
  put(key: K, state: KeyedState<S>): unknown;
}

/** Of more milliseconds timers make 1. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How a key stands. */
export enum Stand {
  /** Nothing waits, and there is no record yet. */
  new,
  /** Waits for a record. */
  roomless,
  /** Waits for the store. */
  loading,
  /** In line for a batch. */
  ready,
  /** In the batch. */
  active,
  /** Nothing waits. */
  idle,
}

/** A key, its record and its values. */
export interface Resident<K> extends Line {
  readonly key: K;
  /** 0 for none. */
  record: number;
  stand: Stand;
  /** Whether there is anything to keep: it was stepped, or came from the store. */
  written: boolean;
  /** Whether the store is putting what it was. */
  putting: boolean;
  /** Whether it was stepped since that began. */
  changed: boolean;
  /** When it was last stepped, in whole milliseconds. */
  used: number;
  /** Neighbours among those that are idle. */
  older: Resident<K> | undefined;
  newer: Resident<K> | undefined;
  /** What it was before the value of several steps that is half done; 0 where none is. */
  before: number;
}

export interface ResidentsOptions<S, K> {
  readonly maxKeys: number;
  readonly idleMs: number;
  readonly store: KeyedStore<S, K> | undefined;
}

export interface Residents<S, K, T extends Resident<K>> {
  /** Keys with a record. */
  readonly size: number;
  /** What is known of a key. */
  residentOf(key: K): T;
  /** Values have come to a key at which nothing waited; `ready` is called once it can be stepped. */
  wake(resident: T): void;
  /** Nothing waits any more. */
  rest(resident: T): void;
  /** Lets those have a record that wait for one, as far as others can give way. */
  admit(): void;
  /** Keeps a copy of what a key's carry is now, until `settle`. */
  remember(resident: T): void;
  settle(resident: T): void;
  snapshot(): KeyedSnapshot<S, K>;
  restore(snapshot: KeyedSnapshot<S, K>): void;
  /** Puts everything into the store, then calls `done`. */
  leaveAll(done: () => void): void;
  /** A record of the carry before the first step. */
  readonly fresh: number;
  release(): void;
}

/** What an error says where the message of a store is about a key. */
export function ofKey(key: unknown, what: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = `keyed: key ${typeof key === 'string' ? JSON.stringify(key) : String(key)}: ${what}${message}`;
  const Kind = cause instanceof RangeError ? RangeError : cause instanceof TypeError ? TypeError : Error;
  return new Kind(text, { cause });
}

const tooMany = (key: unknown, maxKeys: number): Error =>
  ofKey(
    key,
    '',
    new RangeError(
      `there are carries of ${maxKeys} keys, which is maxKeys, and without a store none can give way; raise maxKeys, or give a store.`,
    ),
  );

const isPromise = (given: unknown): given is PromiseLike<unknown> =>
  typeof (given as PromiseLike<unknown> | undefined)?.then === 'function';

export function residents<S, K, T extends Resident<K>>(
  machine: Machine,
  layout: Layout<S>,
  initial: S,
  { maxKeys, idleMs, store }: ResidentsOptions<S, K>,
  hooks: {
    makeResident(key: K): T;
    ready(resident: T): void;
    failed(error: unknown): void;
  },
): Residents<S, K, T> {
  const known = new Map<K, T>();
  const kept = records(machine, layout.bytes, {
    what: 'keyed: the carries of more keys',
    remedy: 'set maxKeys lower and give a store',
  });
  const fresh = kept.take();
  layout.write(machine, { carry: initial }, 0, fresh);
  let size = 0;
  /** How many the store is putting. */
  let puts = 0;
  let roomless: T[] = [];
  let oldest: Resident<K> | undefined;
  let newest: Resident<K> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let released = false;
  let leaving: (() => void) | undefined;

  function copy(from: number, to: number): void {
    machine.floats.copyWithin(to / 4, from / 4, (from + layout.bytes) / 4);
  }

  // Without a store nobody gives way, so nobody has to be in a line for that: it would cost two far looks a value.
  const link = store === undefined ? () => {} : lengthen;
  const unlink = store === undefined ? () => {} : shorten;

  function lengthen(resident: T): void {
    resident.older = newest;
    resident.newer = undefined;
    if (newest === undefined) oldest = resident;
    else newest.newer = resident;
    newest = resident;
  }

  function shorten(resident: Resident<K>): void {
    if (resident.older === undefined) oldest = resident.newer;
    else resident.older.newer = resident.newer;
    if (resident.newer === undefined) newest = resident.older;
    else resident.newer.older = resident.older;
    resident.older = undefined;
    resident.newer = undefined;
  }

  function forget(resident: Resident<K>): void {
    known.delete(resident.key);
    if (resident.record === 0) return;
    kept.give(resident.record);
    resident.record = 0;
    size -= 1;
  }

  /** The key at which nothing has waited for longest gives way. @throws whatever the store throws. */
  function giveWay(): void {
    const resident = oldest as Resident<K>;
    unlink(resident);
    if (!resident.written) {
      forget(resident);
      return;
    }
    const state = layout.read(machine, [resident.record]);
    let done: unknown;
    try {
      done = (store as KeyedStore<S, K>).put(resident.key, state);
    } catch (error) {
      throw ofKey(resident.key, 'the store did not take its carry: ', error);
    }
    if (!isPromise(done)) {
      forget(resident);
      return;
    }
    puts += 1;
    resident.putting = true;
    resident.changed = false;
    done.then(
      () => guarded(() => putDone(resident as T)),
      (error: unknown) => fail(ofKey(resident.key, 'the store did not take its carry: ', error)),
    );
  }

  function putDone(resident: T): void {
    puts -= 1;
    resident.putting = false;
    if (resident.stand === Stand.idle) {
      if (resident.changed) link(resident);
      else forget(resident);
    }
    self.admit();
    if (leaving !== undefined) void leave();
  }

  function fail(error: unknown): void {
    if (!released) hooks.failed(error);
  }

  /** Runs what comes later; what it throws is an error of the stream. */
  function guarded(run: () => void): void {
    if (released) return;
    try {
      run();
    } catch (error) {
      fail(error);
    }
  }

  function load(resident: T): void {
    let state: ReturnType<KeyedStore<S, K>['get']>;
    try {
      state = store?.get(resident.key);
    } catch (error) {
      throw ofKey(resident.key, 'the store did not give its carry: ', error);
    }
    if (!isPromise(state)) {
      loaded(resident, state);
      return;
    }
    resident.stand = Stand.loading;
    state.then(
      (given) => guarded(() => loaded(resident, given)),
      (error: unknown) => fail(ofKey(resident.key, 'the store did not give its carry: ', error)),
    );
  }

  function loaded(resident: T, state: KeyedState<S> | undefined): void {
    if (state === undefined || state === null) {
      copy(fresh, resident.record);
    } else {
      try {
        layout.write(machine, layout.check(state, 1), 0, resident.record);
      } catch (error) {
        throw ofKey(resident.key, 'what the store gave is not its carry: ', error);
      }
      resident.written = true;
    }
    if (resident.first === NONE) {
      self.rest(resident);
      return;
    }
    resident.stand = Stand.ready;
    hooks.ready(resident);
  }

  /** Those that have been idle for long give way, a few at a time. */
  async function sweep(): Promise<void> {
    timer = undefined;
    const slice = timeSlice(2);
    while (!released && oldest !== undefined && oldest.used + idleMs <= performance.now()) {
      giveWay();
      await slice();
    }
    watch();
  }

  function watch(): void {
    if (idleMs === Number.POSITIVE_INFINITY || timer !== undefined || oldest === undefined || released) return;
    const delay = Math.max(1, oldest.used + idleMs - performance.now());
    timer = setTimeout(() => sweep().catch(fail), Math.min(delay, LONGEST_TIMER_MS));
    // An idle key keeps no process alive.
    (timer as { unref?: () => void }).unref?.();
  }

  /** Everybody gives way, a few at a time. */
  async function leave(): Promise<void> {
    const slice = timeSlice(2);
    try {
      while (!released && oldest !== undefined) {
        giveWay();
        await slice();
      }
    } catch (error) {
      fail(error);
    }
    if (released || size > 0) return;
    const done = leaving;
    leaving = undefined;
    done?.();
  }

  const self: Residents<S, K, T> = {
    get size() {
      return size;
    },
    fresh,
    residentOf(key) {
      let resident = known.get(key);
      if (resident === undefined) {
        resident = hooks.makeResident(key);
        known.set(key, resident);
      }
      return resident;
    },
    wake(resident) {
      if (resident.stand === Stand.idle) {
        if (!resident.putting) unlink(resident);
        resident.stand = Stand.ready;
        hooks.ready(resident);
        return;
      }
      resident.stand = Stand.roomless;
      roomless.push(resident);
      self.admit();
    },
    rest(resident) {
      if (resident.record === 0) {
        // One that waits for a record in vain leaves its line by itself.
        if (resident.stand === Stand.new) known.delete(resident.key);
        return;
      }
      resident.stand = Stand.idle;
      if (!resident.putting) link(resident);
      if (leaving === undefined) watch();
      else void leave();
    },
    admit() {
      if (roomless.length === 0) return;
      if (store !== undefined) {
        while (oldest !== undefined && maxKeys - size + puts < roomless.length) giveWay();
      }
      let k = 0;
      for (; k < roomless.length; k += 1) {
        const resident = roomless[k] as T;
        if (resident.first === NONE) {
          forget(resident);
          continue;
        }
        if (size >= maxKeys) {
          if (store === undefined) throw tooMany(resident.key, maxKeys);
          break;
        }
        resident.record = kept.take();
        size += 1;
        load(resident);
      }
      if (k > 0) roomless = roomless.slice(k);
    },
    remember(resident) {
      resident.before = kept.take();
      copy(resident.record, resident.before);
    },
    settle(resident) {
      if (resident.before === 0) return;
      kept.give(resident.before);
      resident.before = 0;
    },
    snapshot() {
      const all = [...known.values()].filter(({ record, written }) => record !== 0 && written);
      const state = layout.read(
        machine,
        all.map(({ before, record }) => before || record),
      );
      return { keys: all.map(({ key }) => key), ...state };
    },
    restore(snapshot) {
      const { keys } = snapshot;
      if (!Array.isArray(keys)) throw new TypeError(`keyed: a snapshot has its keys in a list, not ${shown(keys)}.`);
      if (keys.length > maxKeys) {
        throw new RangeError(`keyed: a snapshot of ${keys.length} keys is more than maxKeys, ${maxKeys}; raise it.`);
      }
      if (keys.length === 0) return;
      const state = layout.check(snapshot, keys.length);
      keys.forEach((key, lane) => {
        const resident = self.residentOf(key);
        if (resident.record !== 0)
          throw new RangeError(`keyed: a snapshot has key ${String(key)} twice; it is of no use.`);
        resident.record = kept.take();
        size += 1;
        layout.write(machine, state, lane, resident.record);
        resident.written = true;
        resident.used = Math.floor(performance.now());
        self.rest(resident);
      });
    },
    leaveAll(done) {
      leaving = done;
      void leave();
    },
    release() {
      released = true;
      clearTimeout(timer);
      kept.free();
      known.clear();
      roomless = [];
      oldest = newest = undefined;
      size = 0;
    },
  };
  return self;
}
