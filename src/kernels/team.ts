/**
 * A fork-join team: the thread that leads it is member 0, workers are the others. The protocol lives in
 * `assembly/team.ts`; here are the control block, the threads and what happens when one is lost.
 */
import { host } from '#host';
import type { Member, Seat } from '../host/host.js';
import {
  ARGS,
  CHUNKS,
  CONTROL_BYTES,
  FAILED,
  FINISHED,
  GENERATION,
  HOLDING,
  MEMBERS,
  SCRATCH,
  SPINS,
  STOP,
} from './control.js';
import type { Tile } from './tiers.js';

/** Turns a worker waits before it sleeps: about half a millisecond. A sleeper takes 50 to 230 µs to come back. */
const SPIN_TURNS = 12_000;
/** The same while a learner computes, which wants the core: some 40 microseconds, enough from one fork of a window to the next. */
const SPIN_TURNS_BESIDE = 1_000;
/**
 * How often a fork that waits in vain looks around, some ten milliseconds of its own waiting apart, until it gives up: half a
 * minute. It counts what it has waited itself and looks at no clock: where all threads of the process stand still together
 * (a closed lid, SIGSTOP, a container that is frozen), hours may pass and no worker is late.
 */
const PATIENCE = 3_000;

export interface Exports {
  run(team: number, job: number, items: number, grain: number): void;
  replay(team: number, program: number, forks: number): void;
  serve(team: number, member: number): void;
  scratchBytes(): number;
  heapBase(): number;
  readonly tile: Tile;
}

export interface Team {
  /** Threads that share the work; fewer than were asked for once one is lost. */
  readonly threads: number;
  /** Whether it takes further forks. */
  readonly sound: boolean;
  /** Address of the control block. */
  readonly address: number;
  /** Index of the arguments, in 32-bit words. */
  readonly arguments: number;
  /** Called before a fork. @throws Error where an earlier fork was left unfinished. */
  started(): void;
  /** Called by the kernels now and then while a fork waits. @throws Error where it waits in vain. */
  stalled(): void;
  /** What a thread needs to take part; its own number is 0, the leader's. */
  readonly seat: Seat;
  readonly patience: number;
  /** Whether others compute at the same time, to whom a worker that waits is to leave its core. */
  beside(others: boolean): void;
  /** Ends the threads; fulfilled when they are gone and nothing is written any more. */
  stop(): Promise<void>;
}

export interface TeamOptions {
  readonly threads: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly scratchBytes: number;
  /** How often a fork that waits in vain looks around until it gives up; by default as often as makes half a minute. */
  readonly patience?: number | undefined;
  /** Whose it is, in messages; by default the calling thread's. */
  readonly name?: 'team' | 'learner';
  allocate(bytes: number): number;
  free(address: number): void;
}

let toldOfStarting = false;

/** Says, once in a process, that fewer threads work than were asked for. */
export function warnOfFewer(threads: number, reason: string): void {
  if (toldOfStarting) return;
  toldOfStarting = true;
  host.warn(
    `team: not all of ${threads} threads can be started here (${reason}); those that can go on, with the same results. ` +
      `${host.remedies.threads}.`,
    'OXBOW_FEWER_THREADS',
  );
}

/** Starts a team; where workers cannot be started, it is one of those that can. */
export function team(options: TeamOptions): Team {
  const { threads, memory, patience = PATIENCE, name = 'team' } = options;
  // In one piece: either all of it can be had or nothing is taken.
  const scratchBytes = Math.ceil((threads * options.scratchBytes) / 64) * 64;
  const scratch = options.allocate(scratchBytes + CONTROL_BYTES);
  const address = scratch + scratchBytes;
  const words = () => new Int32Array(memory.buffer, address, CONTROL_BYTES / 4);
  const control = words().fill(0);
  control[MEMBERS / 4] = threads;
  control[SPINS / 4] = SPIN_TURNS;
  control[SCRATCH / 4] = scratch;

  let left = threads;
  let broken: Error | undefined;
  /** What was done when the fork that waits was last seen to go on, and how often it has looked since. */
  let progress = '';
  let looks = 0;
  const again = `configure({ threads: ${threads} })`;

  const read = (word: number) => Atomics.load(words(), word / 4);
  // Looked at before each fork. The view is of no use once memory that is not shared has grown, but then nothing forks.
  const unfinished = () => control[FINISHED / 4] !== control[CHUNKS / 4];
  const sound = () => broken === undefined && !unfinished();
  const lose = (what: string) => {
    broken = new Error(`team: ${what}, and the window is lost; go on with ${again}.`);
    return broken;
  };

  /** A worker that ends between two forks holds no chunk: the others do its share from then on. */
  function lost(member: number, reason: Error, started: boolean): void {
    left -= 1;
    Atomics.store(words(), MEMBERS / 4, left);
    if (!started) {
      warnOfFewer(threads, reason.message);
      return;
    }
    // What waits for its share may be another thread.
    if (read(HOLDING + 4 * member) !== 0) Atomics.store(words(), FAILED / 4, member);
    // Otherwise an error says what there is to say; a learner is within a fork most of the time.
    if (name === 'team' && !sound()) return;
    const rest = left === 1 ? 'one thread goes on' : `${left} threads go on`;
    host.warn(
      `${name}: worker ${member} of ${threads} is gone (${reason.message}); ${rest}, with the same results. ` +
        (name === 'team' ? `To have all of them again: ${again}.` : 'To have all of them again: subscribe anew.'),
      'OXBOW_WORKER_LOST',
    );
  }

  const seat: Seat = {
    module: options.module,
    memory,
    team: address,
    member: 0,
    background: name === 'learner',
    words: {
      failed: (address + FAILED) / 4,
      generation: (address + GENERATION) / 4,
      finished: (address + FINISHED) / 4,
    },
  };
  const members: Member[] = [];
  for (let member = 1; member < threads; member += 1) {
    try {
      members.push(host.startMember({ ...seat, member }, (reason, started) => lost(member, reason, started)));
    } catch (error) {
      left = member;
      control[MEMBERS / 4] = left;
      warnOfFewer(threads, error instanceof Error ? error.message : String(error));
      break;
    }
  }

  return {
    get threads() {
      return left;
    },
    get sound() {
      return sound();
    },
    address,
    arguments: (address + ARGS) / 4,
    started() {
      if (broken !== undefined) throw broken;
      // A worker may still be at a chunk of it.
      if (unfinished()) throw lose('a kernel failed on the thread that called it');
    },
    stalled() {
      const failed = read(FAILED);
      if (failed !== 0) throw lose(`worker ${failed} of ${threads} failed within a kernel`);
      const done = `${read(GENERATION)} ${read(FINISHED)}`;
      looks = done === progress ? looks + 1 : 0;
      progress = done;
      if (looks < patience) return;
      const holders = members.flatMap((_, k) => (read(HOLDING + 4 * (k + 1)) === 0 ? [] : [k + 1]));
      throw lose(
        `worker ${holders.join(', ')} of ${threads} has held its share of a kernel for ${patience / 100} s of waiting`,
      );
    },
    seat,
    patience,
    beside: (others) => {
      Atomics.store(words(), SPINS / 4, others ? SPIN_TURNS_BESIDE : SPIN_TURNS);
    },
    async stop() {
      // A worker may look at its control block until it is gone.
      if (members.length === 0) {
        options.free(scratch);
        return;
      }
      const block = words();
      Atomics.store(block, STOP / 4, 1);
      Atomics.add(block, GENERATION / 4, 1);
      Atomics.notify(block, GENERATION / 4);
      await Promise.all(members.map((member) => member.stop()));
      options.free(scratch);
    },
  };
}
