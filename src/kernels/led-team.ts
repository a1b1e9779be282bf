/**
 * A team that a worker leads, over the same memory as the caller's: it runs what was captured while the caller does something
 * else.
 */
import { host } from '#host';
import type { Leader } from '../host/host.js';
import type { LedTeam } from './machine-type.js';
import { type Team, type TeamOptions, team } from './team.js';

export function ledTeam(options: TeamOptions): LedTeam {
  const members: Team = team({ ...options, name: 'learner' });
  let pending: { resolve(): void; reject(reason: Error): void } | undefined;
  let broken: Error | undefined;

  function settle(reason?: Error): void {
    const waiting = pending;
    pending = undefined;
    if (reason === undefined) waiting?.resolve();
    else waiting?.reject(reason);
  }

  function lose({ message }: Error): void {
    if (broken !== undefined) return;
    const reason = new Error(
      `learner: the thread that leads it is gone (${message}); the weights are those of the last whole update. ` +
        'Subscribe again to go on from there.',
    );
    broken = reason;
    // Its members may still write.
    void members.stop().then(() => settle(reason));
  }

  let leader: Leader;
  try {
    leader = host.startLeader({ ...members.seat, patience: members.patience }, settle, lose);
  } catch (error) {
    void members.stop();
    throw error;
  }

  return {
    threads: options.threads,
    get sound() {
      return broken === undefined;
    },
    run(program) {
      if (broken !== undefined) return Promise.reject(broken);
      return new Promise((resolve, reject) => {
        pending = { resolve, reject };
        leader.run(program.address, program.forks);
      });
    },
    stop() {
      if (broken !== undefined) return;
      const reason = new Error('learner: it was stopped.');
      broken = reason;
      // The members' memory must outlive the leader, which may be within a kernel; and so must that of what is under way.
      void leader
        .stop()
        .then(members.stop)
        .then(() => settle(reason));
    },
  };
}
