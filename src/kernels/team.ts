/**
 * A fork-join team: the thread that leads it is member 0, workers are the others. The protocol lives in
 * `assembly/team.ts`; here are the control block, the threads and what happens when one is lost.
 */
import { ARGS, CONTROL_BYTES, FAILED, GENERATION, MEMBERS, SCRATCH, SPINS, STOP } from './control.js';
import { type Member, startMember } from './host.js';

/** Turns a worker waits before it sleeps: about 200 µs. A sleeper takes 50 to 230 µs to come back. */
const SPIN_TURNS = 600_000;
/** How long a fork may wait for a chunk that somebody took. */
const PATIENCE_MS = 30_000;

export interface Exports {
  run(team: number, job: number, items: number, grain: number): void;
  replay(team: number, program: number, forks: number): void;
  serve(team: number, member: number): void;
  scratchBytes(): number;
  heapBase(): number;
}

export interface Team {
  readonly threads: number;
  /** Address of the control block. */
  readonly address: number;
  /** Index of the arguments, in 32-bit words. */
  readonly arguments: number;
  /** Called before a fork. @throws Error where an earlier fork was left unfinished. */
  started(): void;
  /** Called by the kernels now and then while a fork waits. @throws Error where it waits in vain. */
  stalled(): void;
  stop(): void;
}

export interface TeamOptions {
  readonly threads: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly scratchBytes: number;
  allocate(bytes: number): number;
  free(address: number): void;
}

export function team(options: TeamOptions): Team {
  const { threads, memory } = options;
  const scratch = options.allocate(threads * options.scratchBytes);
  const address = options.allocate(CONTROL_BYTES);
  const words = () => new Int32Array(memory.buffer, address, CONTROL_BYTES / 4);
  const control = words().fill(0);
  control[MEMBERS / 4] = threads;
  control[SPINS / 4] = SPIN_TURNS;
  control[SCRATCH / 4] = scratch;

  let broken: Error | undefined;
  let waitingSince = 0;
  const members: Member[] = [];
  for (let member = 1; member < threads; member += 1) {
    const seat = { module: options.module, memory, team: address, member, failed: (address + FAILED) / 4 };
    // A thread that ends between two forks holds no chunk: the others do its share.
    members.push(startMember(seat, () => undefined));
  }

  return {
    threads,
    address,
    arguments: (address + ARGS) / 4,
    started() {
      waitingSince = 0;
      if (broken !== undefined) throw broken;
    },
    stalled() {
      waitingSince ||= Date.now();
      const member = Atomics.load(words(), FAILED / 4);
      if (member === 0 && Date.now() - waitingSince <= PATIENCE_MS) return;
      const what =
        member === 0
          ? `a worker has held its share of a kernel for ${PATIENCE_MS / 1000} s`
          : `worker ${member} of ${threads} failed within a kernel`;
      // Its chunk is unfinished, and a straggler may still write: this team takes no further fork.
      broken = new Error(`team: ${what}, and the window is lost; go on with configure({ threads: ${threads} }).`);
      throw broken;
    },
    stop() {
      const block = words();
      Atomics.store(block, STOP / 4, 1);
      Atomics.add(block, GENERATION / 4, 1);
      if (members.length > 0) Atomics.notify(block, GENERATION / 4);
      // A worker may look at its control block until it is gone.
      void Promise.all(members.map((member) => member.stop())).then(() => {
        options.free(address);
        options.free(scratch);
      });
    },
  };
}
