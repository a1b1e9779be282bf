/**
 * A team that a worker leads, over the same memory as the caller's: it runs what was captured while the caller does something
 * else.
 */
import { host } from '#host';
import type { Leader } from '../host/host.js';
import type { LedTeam } from './machine-type.js';
import { type Team, type TeamOptions, team, warnOfFewer } from './team.js';

/** @param computing called when it begins to run a program, and when that is over. */
export function ledTeam(options: TeamOptions, computing: (now: boolean) => void): LedTeam {
  const members: Team = team({ ...options, name: 'learner' });
  let pending: { resolve(ran: boolean): void; reject(reason: Error): void } | undefined;
  /** Why it takes no further programs; or that it never could, since its leader cannot be started here. */
  let broken: Error | 'absent' | undefined;

  function settle(): void {
    const waiting = pending;
    pending = undefined;
    computing(false);
    if (broken === undefined || broken === 'absent') waiting?.resolve(broken === undefined);
    else waiting?.reject(broken);
  }

  function lose({ message }: Error, started: boolean): void {
    if (broken !== undefined) return;
    if (!started) warnOfFewer(options.threads, message);
    broken = started
      ? new Error(
          `learner: the thread that leads it is gone (${message}); the weights are those of the last whole update. ` +
            'Subscribe again to go on from there.',
        )
      : 'absent';
    // Its members may still write.
    void members.stop().then(settle);
  }

  let leader: Leader | undefined;
  try {
    leader = host.startLeader({ ...members.seat, patience: members.patience }, settle, lose);
  } catch (error) {
    lose(error instanceof Error ? error : new Error(String(error)), false);
  }

  return {
    threads: options.threads,
    get sound() {
      return broken === undefined;
    },
    run(program) {
      if (broken === 'absent') return Promise.resolve(false);
      if (broken !== undefined) return Promise.reject(broken);
      return new Promise((resolve, reject) => {
        pending = { resolve, reject };
        computing(true);
        leader?.run(program.address, program.forks);
      });
    },
    stop() {
      if (broken !== undefined) return;
      broken = new Error('learner: it was stopped.');
      // The members' memory must outlive the leader, which may be within a kernel; and so must that of what is under way.
      void leader?.stop().then(members.stop).then(settle);
    },
  };
}
