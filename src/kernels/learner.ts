/** The team that learns: one for each machine, while anybody needs it; what is captured for it runs one program after the other. */
import { ENTRY_BYTES } from './control.js';

import type { Fork, LedTeam, Machine } from './machine-type.js';

export interface Learner {
  /**
   * Runs forks that were captured for it, after those that others have asked for, and says whether it did: not where its
   * threads cannot be started here.
   *
   * Rejects where it was stopped or a thread of it is lost. Nothing of them is written any more once it has settled.
   */
  run(forks: readonly Fork[]): Promise<boolean>;
  /** Lets go of it. The last one that does ends its threads, whatever is under way. */
  release(): void;
}

/** What the users of a machine's learner share. */
interface Shared {
  users: number;
  team: { readonly led: LedTeam; readonly tier: string; readonly threads: number } | undefined;
  /** Whether its threads turned out not to be had here, until all have let go of it. */
  absent: boolean;
  /** Settled when the last program that was asked for is over. */
  last: Promise<unknown>;
  program: { readonly address: number; readonly forks: number } | undefined;
}

const known = new WeakMap<Machine, Shared>();

/** The learner of a machine whose memory is shared. Its threads start with the first forks. */
export function learnerOf(machine: Machine): Learner {
  const shared: Shared = known.get(machine) ?? {
    users: 0,
    team: undefined,
    absent: false,
    last: Promise.resolve(),
    program: undefined,
  };
  known.set(machine, shared);
  shared.users += 1;
  let released = false;

  async function after(before: Promise<unknown>, forks: readonly Fork[]): Promise<boolean> {
    await before.catch(() => undefined);
    if (released) throw new Error('learner: it was stopped.');
    if (shared.absent) return false;
    const ran = await teamFor(machine, shared).run(programFor(machine, shared, forks));
    shared.absent = !ran;
    return ran;
  }

  return {
    run(forks) {
      const done = after(shared.last, forks);
      shared.last = done;
      return done;
    },
    release() {
      if (released) return;
      released = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      shared.team?.led.stop();
      shared.team = undefined;
      shared.absent = false;
      const { last, program } = shared;
      shared.program = undefined;
      const free = () => program && machine.heap.free(program.address);
      void last.then(free, free);
    },
  };
}

/** The threads; others where the machine's tier or the number that is wanted has changed, or one was lost. */
function teamFor(machine: Machine, shared: Shared): LedTeam {
  const { tier, learnerThreads: threads } = machine;
  const { team } = shared;
  if (team?.led.sound && team.tier === tier && team.threads === threads) return team.led;
  team?.led.stop();
  shared.team = { led: machine.led(threads), tier, threads };
  return shared.team.led;
}

/** Forks as a program, in memory that is used again. */
function programFor(machine: Machine, shared: Shared, forks: readonly Fork[]) {
  let { program } = shared;
  if (program === undefined || program.forks < forks.length) {
    if (program !== undefined) machine.heap.free(program.address);
    shared.program = undefined;
    program = { address: machine.heap.allocate(2 * forks.length * ENTRY_BYTES), forks: 2 * forks.length };
    shared.program = program;
  }
  const { address } = program;
  forks.forEach((fork, k) => {
    machine.ints.set(fork, (address + k * ENTRY_BYTES) / 4);
  });
  return { address, forks: forks.length };
}
