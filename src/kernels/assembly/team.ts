// A fork-join team over one control block in shared memory. Member 0 is the thread that forks; the others serve.
//
// A fork is cut into chunks of items, and whoever is free takes the next chunk: a member that is late, asleep or gone
// simply takes none. The word `unclaimed` counts down; a chunk is claimed by a compare-and-swap that lowers it, and the
// job's description cannot change while a claimed chunk is unfinished, since the fork waits for all of them.
import { execute } from './execute';
import { SCRATCH_BYTES, TAIL_BYTES } from './gemm';

// The words of a control block, in bytes; those that several threads write have a cache line each.
const GENERATION: usize = 0; // counts forks; sleepers wait on it
const UNCLAIMED: usize = 64;
const FINISHED: usize = 128;
const SLEEPERS: usize = 192;
const JOB: usize = 256;
const CHUNKS: usize = 260;
const ITEMS: usize = 264;
const GRAIN: usize = 268;
const MEMBERS: usize = 272;
const STOP: usize = 276;
const FAILED: usize = 280;
const SPINS: usize = 284;
const SCRATCH: usize = 288;
const ARGS: usize = 320;

const MAX_CHUNKS: i32 = 4096;
/** Turns of the waiting loop between two looks at the clock. */
const PATIENCE: i32 = 1 << 22;

// @ts-ignore: decorator
@external("team", "stalled")
declare function stalled(): void;

// Per thread: module globals belong to an instance.
let scratch: usize = 0;

/** A member's own working memory. */
// @ts-ignore: decorator
@inline
export function scratchOf(member: i32): usize {
  return scratch + <usize>member * SCRATCH_BYTES;
}

/** A small part of it, for what is left of a row beyond whole groups of eight numbers. */
// @ts-ignore: decorator
@inline
export function tailOf(member: i32): usize {
  return scratchOf(member) + SCRATCH_BYTES - TAIL_BYTES;
}

/** Bytes of working memory a member needs. */
export function scratchBytes(): usize {
  return SCRATCH_BYTES;
}

/** Runs a job over `items`, in chunks of `grain`; its arguments are in the control block. */
export function run(team: usize, job: i32, items: i32, grain: i32): void {
  scratch = load<usize>(team, SCRATCH);
  if (items <= grain || load<i32>(team, MEMBERS) < 2) {
    if (items > 0) execute(job, team + ARGS, 0, items, 0);
    return;
  }
  // A whole number of grains: loops over groups of eight numbers must not meet in the middle of one.
  const least = (items + MAX_CHUNKS - 1) / MAX_CHUNKS;
  const size = grain * ((least + grain - 1) / grain);
  const chunks = (items + size - 1) / size;
  store<i32>(team, job, JOB);
  store<i32>(team, chunks, CHUNKS);
  store<i32>(team, items, ITEMS);
  store<i32>(team, size, GRAIN);
  atomic.store<i32>(team, 0, FINISHED);
  atomic.store<i32>(team, chunks, UNCLAIMED);
  atomic.add<i32>(team, 1, GENERATION);
  if (atomic.load<i32>(team, SLEEPERS) > 0) atomic.notify(team + GENERATION, -1);
  takeChunks(team, 0);
  let turns = 0;
  while (atomic.load<i32>(team, FINISHED) < chunks) {
    turns += 1;
    if (turns == PATIENCE || atomic.load<i32>(team, FAILED) != 0) {
      turns = 0;
      stalled();
    }
  }
}

function takeChunks(team: usize, member: i32): void {
  for (;;) {
    const unclaimed = atomic.load<i32>(team, UNCLAIMED);
    if (unclaimed <= 0) return;
    if (atomic.cmpxchg<i32>(team, unclaimed, unclaimed - 1, UNCLAIMED) != unclaimed) continue;
    const from = (load<i32>(team, CHUNKS) - unclaimed) * load<i32>(team, GRAIN);
    execute(load<i32>(team, JOB), team + ARGS, from, min(load<i32>(team, ITEMS), from + load<i32>(team, GRAIN)), member);
    atomic.add<i32>(team, 1, FINISHED);
  }
}

/** A worker's life: spin while forks keep coming, then sleep until the next one; ends when the team is stopped. */
export function serve(team: usize, member: i32): void {
  scratch = load<usize>(team, SCRATCH);
  const patience = load<i32>(team, SPINS);
  let turns = 0;
  while (atomic.load<i32>(team, STOP) == 0) {
    if (atomic.load<i32>(team, UNCLAIMED) > 0) {
      takeChunks(team, member);
      turns = 0;
    } else if (turns < patience) {
      turns += 1;
    } else {
      // Announce the sleep first and look once more: a fork in between either is seen here or wakes the sleeper.
      atomic.add<i32>(team, 1, SLEEPERS);
      const generation = atomic.load<i32>(team, GENERATION);
      if (atomic.load<i32>(team, UNCLAIMED) <= 0 && atomic.load<i32>(team, STOP) == 0) {
        atomic.wait<i32>(team + GENERATION, generation, -1);
      }
      atomic.sub<i32>(team, 1, SLEEPERS);
      turns = 0;
    }
  }
}

/** A job that fails on every thread but the one that forked, which waits for that: what tests lose a worker by. */
export function fail(args: usize, member: i32): void {
  if (member != 0) unreachable();
  while (atomic.load<i32>(args - ARGS, FAILED) == 0) {}
}
