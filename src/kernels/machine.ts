/**
 * The machine: one linear memory, the kernels compiled over it, and the team that runs them. A process has one; it
 * starts at its first use, or with `configure`.
 */
import * as fma from './generated/fma.js';
import * as simd from './generated/simd.js';
import * as wide from './generated/wide.js';
import { type Heap, heap } from './heap.js';
import { type Holdings, holdings } from './holding.js';
import { environment, prepareTier, processors, type Tier, tierNames } from './host.js';
import type { Job } from './jobs.js';
import { HIGHEST_LIMIT, limitWanted, type MemoryUse, refusal } from './memory-limit.js';
import { ARGUMENT_WORDS, argumentsOf, type Fork, forkOf, type Program } from './program.js';
import { type Region, region } from './region.js';
import { type Exports, type Team, team } from './team.js';
import { trusted } from './trust.js';

export interface MachineOptions {
  /** Threads that share the work, this one included; default: all processors, or `OXBOW_THREADS`. */
  readonly threads?: number;
  /** The tier to use; default: the best one that passes its check, or `OXBOW_TIER`. */
  readonly tier?: Tier;
  /** Whether the memory is shared between threads; without it everything runs on one. Fixed at the machine's start. */
  readonly shared?: boolean;
  /** Bytes that the kernels' memory may take at most; default 4 GiB, which is all that there can be. */
  readonly memoryLimit?: number;
}

export interface Machine {
  readonly tier: Tier;
  readonly threads: number;
  readonly shared: boolean;
  /** The whole memory as numbers; anew after it has grown. */
  readonly floats: Float32Array;
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  readonly heap: Heap;
  /** Blocks that give way where memory is short. */
  readonly holdings: Holdings;
  /** What the kernels' memory is in use for. */
  readonly memory: MemoryUse;
  /** Memory of the window that is open. */
  readonly region: Region;
  /** Index of the kernels' arguments in `ints` and `floats`. */
  readonly arguments: number;
  /** Runs a job over items in chunks of at least `grain`; its arguments were written before. */
  run(job: Job, items: number, grain: number): void;
  /** How often weights have changed: what follows from them is worked out anew when it has risen. */
  weights: number;
  /** How often a parameter has grown: what was made for shapes and places is made anew when it has risen. */
  growths: number;
  /** Windows that are open, one within another. */
  windows: number;
  /** Where forks are written down as well as run, while a program is being made. */
  recorded: Fork[] | undefined;
  /** Where forks are put instead of being run, while they are to be run piece by piece. */
  deferred: Fork[] | undefined;
  /** Runs a fork that was put there. */
  runDeferred(fork: Fork): void;
  replay(program: Program): void;
}

const PAGE = 65_536;
/** The kernels' own data end below this in every tier, so that another tier can be set up over the same memory. */
const HEAP_BASE = 2 * PAGE;
const modules = { wide, fma, simd };
const compiled = new Map<string, WebAssembly.Module>();

/** The module of a tier, compiled once; undefined where this engine does not take it. */
function moduleOf(tier: Tier, shared: boolean): WebAssembly.Module | undefined {
  const key = `${tier} ${shared}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (!prepareTier(tier)) return undefined;
  const text = shared ? modules[tier].shared : modules[tier].unshared;
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    compiled.set(key, module);
    return module;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

function checkThreads(threads: number, from: string): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new RangeError(`${from}: threads is a whole number from 1 to 64, not ${threads}.`);
  }
  return threads;
}

function checkTier(tier: string, from: string): Tier {
  const known = tierNames.find((name) => name === tier);
  if (known === undefined) throw new RangeError(`${from}: a tier is one of ${tierNames.join(', ')}, not '${tier}'.`);
  return known;
}

function threadsWanted(options: MachineOptions): number {
  if (options.threads !== undefined) return checkThreads(options.threads, 'configure');
  const text = environment('OXBOW_THREADS');
  return text === undefined ? Math.min(64, processors()) : checkThreads(Number(text), 'OXBOW_THREADS');
}

function tierWanted(options: MachineOptions): Tier | undefined {
  if (options.tier !== undefined) return checkTier(options.tier, 'configure');
  const text = environment('OXBOW_TIER');
  return text === undefined ? undefined : checkTier(text, 'OXBOW_TIER');
}

/** Makes a machine of its own; most callers want `machine()`. */
export function createMachine(options: MachineOptions = {}): Machine & { reconfigure(changes: MachineOptions): void } {
  const shared = options.shared ?? typeof SharedArrayBuffer === 'function';
  const memory = new WebAssembly.Memory({ initial: 64, maximum: HIGHEST_LIMIT / PAGE, shared });
  let limit = limitWanted(options) ?? HIGHEST_LIMIT;
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
  const window = region(blocks);

  /** Sets up the best tier that is wanted and can be trusted; where there is none, everything stays as it was. */
  function seat(wanted: MachineOptions): void {
    const forced = tierWanted(wanted);
    const threads = shared ? threadsWanted(wanted) : 1;
    const before = [current, exports, tier] as const;
    for (const candidate of forced === undefined ? tierNames : [forced]) {
      const module = moduleOf(candidate, shared);
      if (module === undefined) continue;
      exports = instantiate(module);
      tier = candidate;
      current = team({
        threads,
        module,
        memory,
        scratchBytes: exports.scratchBytes(),
        allocate: blocks.allocate,
        free: blocks.free,
      });
      if (exports.heapBase() <= HEAP_BASE && trusted(self)) {
        before[0]?.stop();
        return;
      }
      current.stop();
      [current, exports, tier] = before;
    }
    throw new Error(
      forced === undefined
        ? 'no tier of the kernels works here: WebAssembly with 128-bit SIMD is needed.'
        : `the tier '${forced}' does not work here; leave it out to get the best one that does.`,
    );
  }

  const self: Machine & { reconfigure(changes: MachineOptions): void } = {
    get tier() {
      return tier;
    },
    get threads() {
      return (current as Team).threads;
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
    region: window,
    get arguments() {
      return (current as Team).arguments;
    },
    run(job, items, grain) {
      if (self.deferred !== undefined) {
        self.deferred.push(forkOf(self, job, items, grain));
        return;
      }
      const members = current as Team;
      members.started();
      const { recorded } = self;
      if (recorded !== undefined) recorded.push(forkOf(self, job, items, grain));
      exports.run(members.address, job, items, grain);
      // Words that the next job does not give are then the same whenever it is written down.
      if (recorded !== undefined) ints.fill(0, members.arguments, members.arguments + ARGUMENT_WORDS);
    },
    weights: 0,
    growths: 0,
    windows: 0,
    recorded: undefined,
    deferred: undefined,
    runDeferred(fork) {
      const [job, items, grain] = fork as unknown as [Job, number, number];
      ints.set(argumentsOf(fork), self.arguments);
      self.run(job, items, grain);
    },
    replay(program) {
      const members = current as Team;
      members.started();
      exports.replay(members.address, program.address, program.forks);
    },
    reconfigure(changes) {
      if (changes.shared !== undefined && changes.shared !== shared) {
        throw new Error('configure: whether the memory is shared is fixed at its first use; configure before that.');
      }
      const { tier: newTier = tier, threads = self.threads } = changes;
      const newLimit = limitWanted(changes) ?? limit;
      if (newTier !== tier || threads !== self.threads || !(current as Team).sound) seat({ tier: newTier, threads });
      limit = newLimit;
    },
  };
  const held = holdings(self);
  seat(options);
  return self;
}

let only: ReturnType<typeof createMachine> | undefined;

/** The process's machine, started at its first use. */
export function machine(): Machine {
  only ??= createMachine();
  return only;
}

/**
 * Chooses threads, tier and kind of memory, and how much of it there may be. All but the kind may change at any time
 * between windows; the results of any number of threads are the same, bit for bit.
 *
 * @throws RangeError for an impossible number of threads or bytes, or an unknown tier; Error where the tier does not work here.
 * @example
 * configure({ threads: 1 });
 */
export function configure(options: MachineOptions): Machine {
  if (only === undefined) only = createMachine(options);
  else only.reconfigure(options);
  return only;
}
