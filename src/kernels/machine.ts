/**
 * The machine: one linear memory, the kernels compiled over it, and the team that runs them. A process has one; it
 * starts at its first use, or with `configure`.
 */

import { host } from '#host';
import { requireCount } from '../checks.js';
import { type Tier, tierNames } from '../host/host.js';
import { checkedOptions, type Names } from '../options.js';
import { arena } from './arena.js';
import { heap } from './heap.js';
import { holdings } from './holding.js';
import { ledTeam } from './led-team.js';
import type { Fork, Machine } from './machine-type.js';
import { kernelMemory, threadsWithRoom } from './memory.js';
import { HIGHEST_LIMIT, limitWanted, refusal } from './memory-limit.js';
import { ARGUMENT_WORDS, argumentsOf, forkOf } from './program.js';
import { type Exports, type Team, type TeamOptions, team, warnOfFewer } from './team.js';
import { missing, moduleOf, RACE_BYTES, wideIsSlow } from './tiers.js';
import { trusted } from './trust.js';

/** Options of {@link configure}. */
export interface MachineOptions {
  /** Threads that share the work, this one included; default: all processors, or `OXBOW_THREADS`. */
  readonly threads?: number;
  /** Threads of a team that learns (`thread: 'learner'`), its leading one included; default: as many as `threads`. */
  readonly learnerThreads?: number;
  /** The tier to use; default: the best one that passes its check, or `OXBOW_TIER`. */
  readonly tier?: Tier;
  /** Whether the memory is shared between threads; without it everything runs on one. Fixed at the machine's start. */
  readonly shared?: boolean;
  /** Bytes that the kernels' memory may take at most; default 4 GiB, which is all that there can be. */
  readonly memoryLimit?: number;
}

const PAGE = 65_536;
/** The kernels' own data end below this in every tier, so that another tier can be set up over the same memory. */
const HEAP_BASE = 2 * PAGE;

function checkThreads(threads: number, from: string, name = 'threads'): number {
  requireCount(from, name, threads, 1, 64);
  return threads;
}

export function checkTier(tier: string, from: string): Tier {
  const known = tierNames.find((name) => name === tier);
  if (known === undefined) throw new RangeError(`${from}: a tier is one of ${tierNames.join(', ')}, not '${tier}'.`);
  return known;
}

function threadsWanted(options: MachineOptions): number {
  if (options.threads !== undefined) return checkThreads(options.threads, 'configure');
  const text = host.environment('OXBOW_THREADS');
  return text === undefined ? Math.min(64, host.processors()) : checkThreads(Number(text), 'OXBOW_THREADS');
}

function learnerThreadsWanted({ learnerThreads }: MachineOptions): number | undefined {
  return learnerThreads === undefined ? undefined : checkThreads(learnerThreads, 'configure', 'learnerThreads');
}

function tierWanted(options: MachineOptions): Tier | undefined {
  if (options.tier !== undefined) return checkTier(options.tier, 'configure');
  const text = host.environment('OXBOW_TIER');
  return text === undefined ? undefined : checkTier(text, 'OXBOW_TIER');
}

/** What only tests change. */
export interface Inner {
  /** As a team's. */
  readonly patience?: number;
}

/** Whether memory is to be shared; where it cannot be, though nobody asked for one thread, a warning says so. */
function sharedWanted({ shared }: MachineOptions, threads: number): boolean {
  const can = typeof SharedArrayBuffer === 'function';
  if (shared && !can) {
    throw new Error('configure: memory cannot be shared here, there is no SharedArrayBuffer; leave `shared` out.');
  }
  if (shared === undefined && !can && threads > 1) warnOfFewer(threads, 'there is no SharedArrayBuffer');
  return shared ?? can;
}

/** Makes a machine of its own; most callers want `machine()`. */
export function createMachine(
  options: MachineOptions = {},
  { patience }: Inner = {},
): Machine & { reconfigure(changes: MachineOptions): void } {
  const wanted = { tier: tierWanted(options), threads: threadsWanted(options) };
  const shared = sharedWanted(options, wanted.threads);
  const limitGiven = limitWanted(options);
  const memory = kernelMemory(shared, shared ? wanted.threads : 1);
  let limit = limitGiven ?? HIGHEST_LIMIT;
  let learnerThreads = learnerThreadsWanted(options);
  let floats = new Float32Array(memory.buffer);
  let ints = new Int32Array(memory.buffer);
  let doubles = new Float64Array(memory.buffer);

  function reserve(end: number): boolean {
    const missing = Math.ceil(end / PAGE) - memory.buffer.byteLength / PAGE;
    if (end > limit) return false;
    if (missing <= 0) return true;
    try {
      memory.grow(missing);
    } catch {
      return false;
    }
    floats = new Float32Array(memory.buffer);
    ints = new Int32Array(memory.buffer);
    doubles = new Float64Array(memory.buffer);
    return true;
  }

  /** What is idle goes first, then what others hold. */
  function relieve(bytes: number, enough: () => boolean): void {
    window.trim();
    const { free, end } = blocks.usage();
    if (!enough()) self.holdings.giveWay(bytes - free - Math.max(0, limit - end), enough);
  }

  let current: Team | undefined;
  let exports: Exports;
  let tier: Tier;

  function instantiate(module: WebAssembly.Module): Exports {
    const instance = new WebAssembly.Instance(module, {
      env: { memory },
      team: { stalled: () => current?.stalled() },
    });
    return instance.exports as unknown as Exports;
  }

  const blocks = heap(HEAP_BASE, { reserve, relieve, refusal: (bytes, want) => refusal(self.memory, bytes, want) });
  const window = arena(blocks);

  /** Whether what was just instantiated is right, and as fast as it has to be where another tier could be had. */
  function passes(candidate: Tier, forced: boolean): boolean {
    if (exports.heapBase() > HEAP_BASE || !trusted(self)) return false;
    if (forced || candidate !== 'wide') return true;
    const mark = window.mark();
    try {
      const room = window.allocate(RACE_BYTES);
      floats.fill(0, room / 4, (room + RACE_BYTES) / 4);
      return !wideIsSlow(exports.tile, room);
    } finally {
      window.release(mark);
    }
  }

  const teamOptions = (module: WebAssembly.Module, threads: number): TeamOptions => ({
    threads,
    module,
    memory,
    scratchBytes: exports.scratchBytes(),
    patience,
    allocate: (bytes) =>
      blocks.allocate(bytes, { what: `a team of ${threads} threads`, remedy: 'choose fewer threads' }),
    free: blocks.free,
  });
  const teamOf = (module: WebAssembly.Module, threads: number) => team(teamOptions(module, threads));

  /** The best tier that fits, the one that is forced or any, as it is tried by this thread alone. */
  function choose(forced: Tier | undefined): WebAssembly.Module {
    for (const candidate of forced === undefined ? tierNames : [forced]) {
      const module = moduleOf(candidate, shared);
      if (module === undefined) continue;
      exports = instantiate(module);
      tier = candidate;
      const alone = teamOf(module, 1);
      current = alone;
      try {
        if (passes(candidate, forced !== undefined)) return module;
      } finally {
        void alone.stop();
      }
    }
    const absent = missing(forced);
    if (absent !== undefined) throw absent;
    throw new Error(
      forced === undefined
        ? 'no tier of the kernels works here: WebAssembly with 128-bit SIMD is needed.'
        : `the tier '${forced}' does not work here; leave it out to get the best one that does.`,
    );
  }

  /** Sets up a team of the tier that is wanted; where that cannot be, everything stays as it was, and no thread was started. */
  function seat(forced: Tier | undefined, threads: number): void {
    const before = [current, exports, tier] as const;
    try {
      const module = choose(forced);
      const room = threadsWithRoom(threads);
      if (room < threads) warnOfFewer(threads, 'there is too little address space');
      current = teamOf(module, room);
    } catch (error) {
      [current, exports, tier] = before;
      throw error;
    }
    const [former, , formerTier] = before;
    // Where no more can be had, its workers take the room of the new ones.
    const asGood = former?.sound && formerTier === tier && former.threads <= threads;
    if (former !== undefined && asGood && (current as Team).threads <= former.threads) {
      void (current as Team).stop();
      [current, exports, tier] = before;
    } else {
      void former?.stop();
    }
  }

  const self: Machine & { reconfigure(changes: MachineOptions): void } = {
    get tier() {
      return tier;
    },
    get threads() {
      return self.capturing?.threads ?? (current as Team).threads;
    },
    get learnerThreads() {
      return learnerThreads ?? (current as Team).threads;
    },
    shared,
    get floats() {
      return floats;
    },
    get ints() {
      return ints;
    },
    get doubles() {
      return doubles;
    },
    heap: blocks,
    get holdings() {
      return held;
    },
    get memory() {
      const { used, free, peak } = blocks.usage();
      return { used, free, peak, reserved: memory.buffer.byteLength, limit, gaveWay: held.gaveWay };
    },
    arena: window,
    get arguments() {
      return (current as Team).arguments;
    },
    run(job, items, grain) {
      const members = current as Team;
      if (self.capturing !== undefined) {
        self.capturing.forks.push(forkOf(self, job, items, grain));
        // Words that the next job does not give are then the same whenever it is written down.
        ints.fill(0, members.arguments, members.arguments + ARGUMENT_WORDS);
        return;
      }
      members.started();
      exports.run(members.address, job, items, grain);
    },
    windows: 0,
    capturing: undefined,
    settle() {
      const { capturing } = self;
      if (capturing === undefined) return;
      capturing.looks += 1;
      self.capturing = undefined;
      try {
        for (; capturing.done < capturing.forks.length; capturing.done += 1) {
          self.runFork(capturing.forks[capturing.done] as Fork);
        }
      } finally {
        self.capturing = capturing;
        const { arguments: from } = current as Team;
        ints.fill(0, from, from + ARGUMENT_WORDS);
      }
    },
    runFork(fork) {
      const [job, items, grain] = fork as unknown as [number, number, number];
      ints.set(argumentsOf(fork), self.arguments);
      self.run(job, items, grain);
    },
    replay(program) {
      const members = current as Team;
      members.started();
      exports.replay(members.address, program.address, program.forks);
    },
    led(threads) {
      const module = moduleOf(tier, shared) as WebAssembly.Module;
      return ledTeam(teamOptions(module, threads), (computing) => current?.beside(computing));
    },
    reconfigure(changes) {
      if (changes.shared !== undefined && changes.shared !== shared) {
        throw new Error('configure: whether the memory is shared is fixed at its first use; configure before that.');
      }
      const newTier = changes.tier === undefined ? tier : tierWanted(changes);
      const asked = changes.threads === undefined ? self.threads : threadsWanted(changes);
      const threads = shared ? asked : 1;
      const newLimit = limitWanted(changes) ?? limit;
      const newLearnerThreads = learnerThreadsWanted(changes) ?? learnerThreads;
      if (newTier !== tier || threads !== self.threads || !(current as Team).sound) {
        // Packed weights are for the tier's width, and working memory for so many threads.
        if (self.windows > 0) {
          throw new Error(
            'configure: a window is open, whose numbers were laid out for the team of now; configure after it.',
          );
        }
        seat(newTier, threads);
      }
      limit = newLimit;
      learnerThreads = newLearnerThreads;
    },
  };
  const held = holdings(self);
  seat(wanted.tier, shared ? wanted.threads : 1);
  return self;
}

let only: ReturnType<typeof createMachine> | undefined;

/**
 * The process's machine, started at its first use.
 *
 * @returns the machine; its threads, its tier and the use of its memory can be read there.
 * @example
 * const { threads, tier } = machine();
 */
export function machine(): Machine {
  only ??= createMachine();
  return only;
}

/**
 * Chooses threads, tier and kind of memory, and how much of it there may be. All but the kind may change at any time between
 * windows; the results of any number of threads are the same, bit for bit. Where fewer threads can be started than are asked
 * for, those go on, and a process warning says so once. Where it throws, nothing has changed.
 *
 * @param options threads, tier, kind and limit of the memory; what is left out stays as it is, or as the machine starts.
 * @returns the process's machine.
 * @throws RangeError for an impossible number of threads or bytes, or an unknown tier; Error where the tier does not work here,
 * or a window is open.
 * @throws TypeError where an option is not known.
 * @example
 * configure({ threads: 1 });
 */
export function configure(options: MachineOptions): Machine {
  const names: Names<MachineOptions> = {
    threads: true,
    learnerThreads: true,
    tier: true,
    shared: 'boolean',
    memoryLimit: true,
  };
  const wanted = checkedOptions('configure', options, names);
  if (only === undefined) only = createMachine(wanted);
  else only.reconfigure(wanted);
  return only;
}
