import { Worker } from 'node:worker_threads';
import { LEADING, type Leader, type LeaderSeat, type Member, SERVING, type Seat } from '../host.js';

/** Of a thread in the background; one in the foreground that wakes runs at once, then. */
const NICE = 10;

/**
 * The thread's own priority, which Linux has; elsewhere a process has one, which is not for a library to change. A nice value may
 * be raised by anybody.
 */
export const BACKGROUND = `
  if (process.platform === 'linux') {
    try {
      const [, , thread] = require('node:fs').readlinkSync('/proc/thread-self').split('/');
      require('node:os').setPriority(Number(thread), ${NICE});
    } catch {}
  }
`;

const YIELDING = `if (seat.background) {${BACKGROUND}}`;

const serving = `const { workerData: seat } = require('node:worker_threads'); ${YIELDING} ${SERVING}`;

const leading = `
  const { parentPort, workerData: seat } = require('node:worker_threads');
  ${YIELDING}
  const done = () => parentPort.postMessage(undefined);
  ${LEADING}
  parentPort.on('message', onProgram);
`;

export function startMember(seat: Seat, lost: (reason: Error, started: boolean) => void): Member {
  return start(serving, seat, `oxbow ${seat.member}`, lost)[1];
}

export function startLeader(
  seat: LeaderSeat,
  done: () => void,
  lost: (reason: Error, started: boolean) => void,
): Leader {
  const [worker, { stop }] = start(leading, seat, 'oxbow learner', lost);
  worker.on('message', () => {
    worker.unref();
    done();
  });
  // A listener keeps the process alive.
  worker.unref();
  return {
    run(program, forks) {
      worker.ref();
      worker.postMessage([program, forks]);
    },
    stop,
  };
}

function start(program: string, workerData: Seat, name: string, lost: (reason: Error, started: boolean) => void) {
  // Without arguments of its own a worker would take over the process's, loaders and all.
  const worker = new Worker(program, { eval: true, execArgv: [], workerData, name });
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
  worker.unref();
  const member: Member = {
    stop() {
      over = true;
      return worker.terminate();
    },
  };
  return [worker, member] as const;
}
