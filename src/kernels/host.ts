/** What the kernels need of the place they run in: V8's switches, processors, threads. The only file that knows Node. */
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

/**
 * Whether a tier can be had here; switches on what it needs. A switch belongs to the whole process and stays on: kernels
 * that are still cold are compiled later. No other switch is ever touched (V8 dies if others change while it compiles).
 */
export function prepareTier(tier: Tier): boolean {
  if (tier === 'wide') {
    // Node 22 takes the flag without effect and Node 20 refuses it with a line on stderr.
    if (nodeMajor < 24) return false;
    setFlagsFromString('--experimental-wasm-revectorize');
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
  /** Index of the word, 32 bits each, in which a member that fails leaves its number. */
  readonly failed: number;
}

// The worker's whole program. As text it needs no file of its own, so it runs from sources, from a bundle and under a
// test runner alike.
const program = `
  const { workerData: { module, memory, team, member, failed } } = require('node:worker_threads');
  try {
    new WebAssembly.Instance(module, { env: { memory }, team: { stalled() {} } }).exports.serve(team, member);
  } catch (error) {
    // The thread that forked may be waiting in the kernels, where no event reaches it.
    Atomics.store(new Int32Array(memory.buffer), failed, member);
    throw error;
  }
`;

/** Starts a thread on a seat; `lost` is told once if it ends in any way but `stop`. */
export function startMember(seat: Seat, lost: (reason: Error) => void): Member {
  // Without arguments of its own a worker would take over the process's, loaders and all.
  const worker = new Worker(program, { eval: true, execArgv: [], workerData: seat, name: `oxbow ${seat.member}` });
  let over = false;
  const end = (reason: Error) => {
    if (!over) lost(reason);
    over = true;
  };
  worker.on('error', (reason) => end(reason instanceof Error ? reason : new Error(String(reason))));
  worker.on('exit', (code) => end(new Error(`its thread ended with code ${code}`)));
  worker.unref();
  return {
    stop() {
      over = true;
      return worker.terminate();
    },
  };
}
