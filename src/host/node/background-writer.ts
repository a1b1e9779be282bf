/**
 * Writing what lies in shared memory by a thread in the background: it computes the checksum and writes, piece by piece, so that
 * neither the event loop nor the threads of the pool, whose priority is higher than a learner's, spend time on it.
 */
import { Worker } from 'node:worker_threads';
import { isNative } from './crc32.js';
import { BACKGROUND } from './threads.js';

/** Bytes that fit into a core's own cache: the system copies what has just been read for the checksum. */
const PIECE = 1 << 18;

const WRITING = `
  const { parentPort } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  const { crc32 } = require('node:zlib');
  ${BACKGROUND}
  parentPort.on('message', ({ fd, bytes, at, before }) => {
    try {
      let checksum = before;
      for (let from = 0; from < bytes.length; from += ${PIECE}) {
        const piece = bytes.subarray(from, from + ${PIECE});
        checksum = crc32(piece, checksum);
        for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done, piece.length - done, at + from + done);
      }
      parentPort.postMessage({ checksum });
    } catch (error) {
      // A copy of an error has no members of its own.
      parentPort.postMessage({ message: error.message, system: { ...error } });
    }
  });
`;

interface Answer {
  readonly checksum?: number;
  readonly message?: string;
  readonly system?: object;
}

interface Writer {
  readonly worker: Worker;
  /** What is yet to be answered, in order. */
  readonly waiting: ((answer: Answer | undefined) => void)[];
}

let writer: Writer | undefined;
/** Whether the thread turned out not to be had here. */
let absent = !isNative;

function start(): Writer | undefined {
  if (absent) return undefined;
  try {
    const worker = new Worker(WRITING, { eval: true, execArgv: [], name: 'oxbow writer' });
    const own: Writer = { worker, waiting: [] };
    const lost = () => {
      absent = true;
      writer = undefined;
      for (const answer of own.waiting.splice(0)) answer(undefined);
    };
    worker.on('error', () => undefined);
    worker.on('exit', lost);
    worker.on('message', (answer: Answer) => {
      own.waiting.shift()?.(answer);
      if (own.waiting.length === 0) worker.unref();
    });
    worker.unref();
    return own;
  } catch {
    absent = true;
    return undefined;
  }
}

/**
 * Writes bytes that lie in shared memory at a place of an open file.
 *
 * @param before the CRC-32 of the bytes before them.
 * @returns resolves with the CRC-32 of all; undefined where there is no such thread (any more), and they are to be written
 * otherwise, from the first one on.
 * @throws Error (as a rejection), what the system said.
 */
export async function writeInBackground(
  fd: number,
  bytes: Uint8Array,
  at: number,
  before: number,
): Promise<number | undefined> {
  writer ??= start();
  if (writer === undefined) return undefined;
  const { worker, waiting } = writer;
  // A process does not end before its files are there.
  worker.ref();
  worker.postMessage({ fd, bytes, at, before });
  const answer = await new Promise<Answer | undefined>((resolve) => waiting.push(resolve));
  if (answer?.message !== undefined) throw Object.assign(new Error(answer.message), answer.system);
  return answer?.checksum;
}
