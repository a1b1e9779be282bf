// A fork-join team over one control block in shared memory. Member 0 is the thread that forks; the others serve.
//
// A fork is cut into chunks of items, and any member that is free takes the next chunk: a member that is late, asleep or gone
// simply takes none. Even members take chunks from the front and odd ones from the back, so that from fork to fork each
// meets most of the numbers that it has in its caches. The word `unclaimed` holds how many chunks are left (upper half) and
// how many were taken from the front (lower half); a chunk is claimed by a compare-and-swap, and the job's description
// cannot change while a claimed chunk is unfinished, since the fork waits for all of them.
import {
  ARGS, ARGUMENTS, CHUNKS, ENTRY_ARGS, ENTRY_BYTES, FAILED, FINISHED, GENERATION, GRAIN, HOLDING, ITEMS, JOB, MEMBERS,
  SCRATCH, SLEEPERS, SPINS, STOP, UNCLAIMED,
} from '../control';
import { at } from './address';
import { execute } from './generated/execute';
import { setScratch } from './scratch';

const MAX_CHUNKS: i32 = 4096;
/** In `unclaimed`: one chunk that is left. */
const ONE_LEFT: i32 = 1 << 16;
/** Turns of the waiting loop, some ten milliseconds, after which it is asked whether it waits in vain. */
const PATIENCE: i32 = 1 << 18;

// @ts-ignore: decorator
@external("team", "stalled")
declare function stalled(): void;

/** Runs a job over `items`, in chunks of `grain`; its arguments are in the control block. */
export function run(team: usize, job: i32, items: i32, grain: i32): void {
  setScratch(load<usize>(team, SCRATCH));
  fork(team, job, items, grain, team + ARGS);
}

/** Runs a program: `count` forks one after the other, as they were written down. */
export function replay(team: usize, program: usize, count: i32): void {
  setScratch(load<usize>(team, SCRATCH));
  for (const end = program + <usize>count * ENTRY_BYTES; program < end; program += ENTRY_BYTES) {
    fork(team, load<i32>(program), load<i32>(program, 4), load<i32>(program, 8), program + ENTRY_ARGS);
  }
}

function fork(team: usize, job: i32, items: i32, grain: i32, args: usize): void {
  if (items <= grain || load<i32>(team, MEMBERS) < 2) {
    if (items > 0) execute(job, args, 0, items, 0);
    return;
  }
  // A whole number of grains: loops over groups of eight numbers must not meet in the middle of one.
  const least = (items + MAX_CHUNKS - 1) / MAX_CHUNKS;
  const size = grain * ((least + grain - 1) / grain);
  const chunks = (items + size - 1) / size;
  store<i32>(team, job, JOB);
  store<usize>(team, args, ARGUMENTS);
  store<i32>(team, chunks, CHUNKS);
  store<i32>(team, items, ITEMS);
  store<i32>(team, size, GRAIN);
  atomic.store<i32>(team, 0, FINISHED);
  atomic.store<i32>(team, chunks * ONE_LEFT, UNCLAIMED);
  atomic.add<i32>(team, 1, GENERATION);
  if (atomic.load<i32>(team, SLEEPERS) > 0) atomic.notify(team + GENERATION, -1);
  takeChunks(team, 0);
  let turns = 0;
  while (atomic.load<i32>(team, FINISHED) < chunks) {
    turns += breath();
    if (turns == PATIENCE || atomic.load<i32>(team, FAILED) != 0) {
      turns = 0;
      stalled();
    }
  }
}

/**
 * One turn of waiting: 1, after some 40 ns in which this thread asks next to nothing of its core. Where two processors are
 * the two halves of one core, a loop of bare looks would take half of the other's time. (WebAssembly has no pause.)
 */
function breath(): i32 {
  let x: f64 = 2;
  for (let k = 0; k < 6; k += 1) x = sqrt<f64>(x + 2);
  return x > 0 ? 1 : 0;
}

function takeChunks(team: usize, member: i32): void {
  const holding = at(team + HOLDING, member);
  for (;;) {
    const unclaimed = atomic.load<i32>(team, UNCLAIMED);
    if (unclaimed < ONE_LEFT) return;
    const taken = unclaimed & (ONE_LEFT - 1);
    const left = unclaimed >> 16;
    const fromBack = member & 1;
    const rest = unclaimed - ONE_LEFT + 1 - fromBack;
    if (atomic.cmpxchg<i32>(team, unclaimed, rest, UNCLAIMED) != unclaimed) continue;
    store<i32>(holding, 1);
    const from = (fromBack ? taken + left - 1 : taken) * load<i32>(team, GRAIN);
    const to = min(load<i32>(team, ITEMS), from + load<i32>(team, GRAIN));
    execute(load<i32>(team, JOB), load<usize>(team, ARGUMENTS), from, to, member);
    store<i32>(holding, 0);
    atomic.add<i32>(team, 1, FINISHED);
  }
}

/** A worker's life: spin while forks keep coming, then sleep until the next one; ends when the team is stopped. */
export function serve(team: usize, member: i32): void {
  setScratch(load<usize>(team, SCRATCH));
  let turns = 0;
  while (atomic.load<i32>(team, STOP) == 0) {
    if (atomic.load<i32>(team, UNCLAIMED) >= ONE_LEFT) {
      takeChunks(team, member);
      turns = 0;
    } else if (turns < atomic.load<i32>(team, SPINS)) {
      turns += breath();
    } else {
      // Announce the sleep first and look once more: a fork in between either is seen here or wakes the sleeper.
      atomic.add<i32>(team, 1, SLEEPERS);
      const generation = atomic.load<i32>(team, GENERATION);
      if (atomic.load<i32>(team, UNCLAIMED) < ONE_LEFT && atomic.load<i32>(team, STOP) == 0) {
        atomic.wait<i32>(team + GENERATION, generation, -1);
      }
      atomic.sub<i32>(team, 1, SLEEPERS);
      turns = 0;
    }
  }
}
