/** Who has a carry in the kernels' memory: keys come, rest, and give way to others, by way of a store. */
import { shown } from '../../checks.js';
import type { Machine } from '../../kernels/machine-type.js';
import { records } from '../../kernels/records.js';
import { type Idle, idleLine } from './idle.js';
import type { KeyedSnapshot, KeyedState, RecordLayout } from './layout.js';
import { type KeyedStore, ofKey, traffic } from './store.js';
import { type KeyLine, NONE } from './waiting.js';

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
export interface Resident<K> extends KeyLine, Idle<Resident<K>> {
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
  /** Keys of which there is something to keep, in the order of a snapshot. */
  keeping(): readonly T[];
  snapshot(): KeyedSnapshot<S, K>;
  restore(snapshot: KeyedSnapshot<S, K>): void;
  /** Puts everything into the store, then calls `done`. */
  leaveAll(done: () => void): void;
  /** A record of the carry before the first step. */
  readonly fresh: number;
  release(): void;
}

const tooMany = (operation: string, key: unknown, maxKeys: number): Error =>
  ofKey(
    operation,
    key,
    '',
    new RangeError(
      `there are carries of ${maxKeys} keys, which is maxKeys, and without a store none can give way; raise maxKeys, or give a store.`,
    ),
  );

export function residents<S, K, T extends Resident<K>>(
  machine: Machine,
  layout: RecordLayout<S>,
  initial: S,
  { maxKeys, idleMs, store }: ResidentsOptions<S, K>,
  hooks: {
    makeResident(key: K): T;
    ready(resident: T): void;
    failed(error: unknown): void;
    /** What is kept of a key in addition to its record: to be put with it, and taken back. */
    beside?: {
      of(resident: T): object | undefined;
      forget(resident: T): void;
      restore(resident: T, state: KeyedState<S>): void;
    };
  },
): Residents<S, K, T> {
  const { operation } = layout;
  const known = new Map<K, T>();
  const kept = records(machine, layout.bytes, {
    what: `${operation}: the carries of more keys`,
    remedy: 'set maxKeys lower and give a store',
  });
  const fresh = kept.take();
  layout.write(machine, { carry: initial }, 0, fresh);
  let size = 0;
  /** How many the store is putting. */
  let puts = 0;
  let roomless: T[] = [];
  let released = false;
  let leaving: (() => void) | undefined;
  const moving = traffic(operation, store, fail);
  const idle = idleLine<Resident<K>>(idleMs, giveWay, fail);

  function copy(from: number, to: number): void {
    machine.floats.copyWithin(to / 4, from / 4, (from + layout.bytes) / 4);
  }

  // Without a store nobody gives way, so nobody has to be in a line for that: it would cost two far looks a value.
  const link = store === undefined ? () => {} : idle.add;
  const unlink = store === undefined ? () => {} : idle.remove;

  function forget(resident: Resident<K>): void {
    if (resident.first === NONE) {
      known.delete(resident.key);
    } else {
      // Values wait that nobody has looked at yet.
      resident.stand = Stand.new;
      resident.written = false;
      hooks.beside?.forget(resident as T);
    }
    if (resident.record === 0) return;
    kept.give(resident.record);
    resident.record = 0;
    size -= 1;
  }

  /** The key at which nothing has waited for longest gives way. @throws whatever the store throws. */
  function giveWay(): void {
    const resident = idle.oldest as T;
    unlink(resident);
    if (!resident.written) {
      forget(resident);
      return;
    }
    const state = { ...layout.read(machine, [resident.record]), ...hooks.beside?.of(resident) };
    const later = moving.put(resident.key, state, () => putDone(resident));
    if (!later) {
      forget(resident);
      return;
    }
    puts += 1;
    resident.putting = true;
    resident.changed = false;
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

  function load(resident: T): void {
    // What is at once stands as it will by then.
    resident.stand = Stand.loading;
    moving.get(resident.key, (state) => loaded(resident, state));
  }

  function loaded(resident: T, state: KeyedState<S> | undefined): void {
    if (state === undefined || state === null) {
      copy(fresh, resident.record);
    } else {
      try {
        layout.write(machine, layout.check(state, 1), 0, resident.record);
        hooks.beside?.restore(resident, state);
      } catch (error) {
        throw ofKey(operation, resident.key, 'what the store gave is not its carry: ', error);
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

  /** Everybody gives way, a few at a time. */
  async function leave(): Promise<void> {
    try {
      await idle.empty();
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
      if (leaving === undefined) idle.watch();
      else void leave();
    },
    admit() {
      if (roomless.length === 0) return;
      if (store !== undefined) {
        while (idle.oldest !== undefined && maxKeys - size + puts < roomless.length) giveWay();
      }
      let k = 0;
      for (; k < roomless.length; k += 1) {
        const resident = roomless[k] as T;
        if (resident.first === NONE) {
          forget(resident);
          continue;
        }
        if (size >= maxKeys) {
          if (store === undefined) throw tooMany(operation, resident.key, maxKeys);
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
    keeping: () => [...known.values()].filter(({ record, written }) => record !== 0 && written),
    snapshot() {
      const all = self.keeping();
      const state = layout.read(
        machine,
        all.map(({ before, record }) => before || record),
      );
      return { keys: all.map(({ key }) => key), ...state };
    },
    restore(snapshot) {
      const { keys } = snapshot;
      if (!Array.isArray(keys))
        throw new TypeError(`${operation}: a snapshot has its keys in a list, not ${shown(keys)}.`);
      if (keys.length > maxKeys) {
        throw new RangeError(
          `${operation}: a snapshot of ${keys.length} keys is more than maxKeys, ${maxKeys}; raise it.`,
        );
      }
      if (keys.length === 0) return;
      const state = layout.check(snapshot, keys.length);
      keys.forEach((key, lane) => {
        const resident = self.residentOf(key);
        if (resident.record !== 0)
          throw new RangeError(`${operation}: a snapshot has key ${String(key)} twice; it is of no use.`);
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
      moving.close();
      idle.close();
      kept.free();
      known.clear();
      roomless = [];
      size = 0;
    },
  };
  return self;
}
