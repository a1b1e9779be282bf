/** What the kernels need of the place they run in: V8's switches, processors, threads. The only file that knows Node. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** The tiers, best first. */
export const tierNames = ['wide', 'fma', 'simd'] as const;

/** How the kernels use the processor's vectors; `docs/architecture.md` has the table. */
export type Tier = (typeof tierNames)[number];

const nodeMajor = Number(process.versions.node.split('.')[0]);

/** Processors this process may use. */
export function processors(): number {
  return availableParallelism();
}

/** A setting from the environment, if there is one. */
export function environment(name: string): string | undefined {
  return process.env[name] || undefined;
}

/** Bytes of address space that this process may still take; Infinity where no limit is known. */
export function addressSpaceLeft(): number {
  const numberIn = (file: string, what: RegExp) => Number(what.exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN);
  try {
    const limit = numberIn('/proc/self/limits', /^Max address space\s+(\d+)/m);
    if (Number.isNaN(limit)) return Number.POSITIVE_INFINITY;
    const taken = 1024 * numberIn('/proc/self/status', /^VmSize:\s+(\d+) kB/m);
    return Number.isNaN(taken) ? Number.POSITIVE_INFINITY : limit - taken;
  } catch {
    // Another system, or files that this process may not read.
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * The flag that has V8 widen pairs of 128-bit operations, by V8's version; undefined where there is none, or none that works.
 * A V8 that does not know a flag says so on stderr, so it must not be asked.
 *
 * Source: V8's feature-flags.h, which has it under its new name since it was staged in 15.4.
 */
export function revectorizeFlag(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const since = (first: number, second: number) => major > first || (major === first && minor >= second);
  if (since(15, 4)) return '--wasm-revectorize';
  // Those before 13.6 (Node 24) refuse it, or take it without effect.
  return since(13, 6) ? '--experimental-wasm-revectorize' : undefined;
}

/**
 * Whether a tier can be had here; switches on what it needs. A switch belongs to the whole process and stays on: kernels
 * that are still cold are compiled later. No other switch is ever touched (V8 dies if others change while it compiles).
 */
export function prepareTier(tier: Tier): boolean {
  if (tier === 'wide') {
    const flag = revectorizeFlag(process.versions.v8 ?? '');
    if (flag === undefined) return false;
    setFlagsFromString(flag);
  } else if (tier === 'fma' && nodeMajor < 21) {
    setFlagsFromString('--experimental-wasm-relaxed-simd');
  }
  return true;
}

/** Tells whoever runs the process of something that went wrong and is dealt with. */
export function warn(message: string, code: string): void {
  process.emitWarning(message, { type: 'OxbowWarning', code });
}

/** A thread that serves a team; it never keeps the process alive. */
export interface Member {
  /** Ends the thread; the promise settles when it is gone. */
  stop(): Promise<unknown>;
}

export interface Seat {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly team: number;
  readonly member: number;
  /** Indices of words, 32 bits each: where a member that fails leaves its number, and what counts forks and finished chunks. */
  readonly words: { readonly failed: number; readonly generation: number; readonly finished: number };
}

// The worker's whole program. As text it needs no file of its own, so it runs from sources, from a bundle and under a
// test runner alike.
const program = `
  const { workerData: { module, memory, team, member, words } } = require('node:worker_threads');
  const { serve } = new WebAssembly.Instance(module, { env: { memory }, team: { stalled() {} } }).exports;
  try {
    serve(team, member);
  } catch (error) {
    // The thread that forked may be waiting in the kernels, where no event reaches it.
    Atomics.store(new Int32Array(memory.buffer), words.failed, member);
    throw error;
  }
`;

/**
 * Starts a thread on a seat; `lost` is told once if it ends in any way but `stop`, and whether it could be started at all.
 *
 * @throws whatever keeps threads from starting here.
 */
export function startMember(seat: Seat, lost: (reason: Error, started: boolean) => void): Member {
  const worker = start(program, seat, `oxbow ${seat.member}`, lost);
  worker.unref();
  return worker;
}

/** A thread that leads a team: it runs programs, one at a time. It keeps the process alive while it does. */
export interface Leader extends Member {
  run(program: number, forks: number): void;
}

// As a member's. It looks at no clock either while it waits; see `team.ts`.
const leading = `
  const { parentPort, workerData: { module, memory, team, words, patience } } = require('node:worker_threads');
  const word = (index) => Atomics.load(new Int32Array(memory.buffer), index);
  let progress = '';
  let looks = 0;
  const stalled = () => {
    const failed = word(words.failed);
    if (failed !== 0) throw new Error('its worker ' + failed + ' is gone within a kernel');
    const done = word(words.generation) + ' ' + word(words.finished);
    looks = done === progress ? looks + 1 : 0;
    progress = done;
    if (looks >= patience) throw new Error('one of its workers has held its share of a kernel for ' + patience / 100 + ' s');
  };
  const { replay } = new WebAssembly.Instance(module, { env: { memory }, team: { stalled } }).exports;
  parentPort.on('message', ([program, forks]) => {
    replay(team, program, forks);
    parentPort.postMessage(undefined);
  });
`;

/**
 * Starts a thread that leads a team; `done` is called after each program, `lost` once if it ends in any way but `stop`.
 *
 * @throws whatever keeps threads from starting here.
 */
export function startLeader(
  seat: Seat & { readonly patience: number },
  done: () => void,
  lost: (reason: Error) => void,
): Leader {
  const worker = start(leading, seat, 'oxbow learner', lost);
  worker.unref();
  worker.onMessage(() => {
    worker.unref();
    done();
  });
  return {
    run(address, forks) {
      worker.ref();
      worker.post([address, forks]);
    },
    stop: worker.stop,
  };
}

function start(text: string, workerData: Seat, name: string, lost: (reason: Error, started: boolean) => void) {
  // Without arguments of its own a worker would take over the process's, loaders and all.
  const worker = new Worker(text, { eval: true, execArgv: [], workerData, name });
  let online = false;
  let over = false;
  const end = (reason: Error, started: boolean) => {
    if (!over) lost(reason, started);
    over = true;
  };
  worker.on('online', () => {
    online = true;
  });
  worker.on('error', (reason) => end(reason instanceof Error ? reason : new Error(String(reason)), online));
  worker.on('exit', (code) => end(new Error(`its thread ended with code ${code}`), true));
  return {
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    post: (message: unknown) => worker.postMessage(message),
    onMessage: (listener: () => void) => worker.on('message', listener),
    stop() {
      over = true;
      return worker.terminate();
    },
  };
}
