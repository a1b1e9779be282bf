import { Worker } from 'node:worker_threads';
import { type Member, SERVING, type Seat } from '../host.js';

const program = `const { workerData: seat } = require('node:worker_threads'); ${SERVING}`;

export function startMember(seat: Seat, lost: (reason: Error, started: boolean) => void): Member {
  // Without arguments of its own a worker would take over the process's, loaders and all.
  const worker = new Worker(program, { eval: true, execArgv: [], workerData: seat, name: `oxbow ${seat.member}` });
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
  return {
    stop() {
      over = true;
      return worker.terminate();
    },
  };
}
