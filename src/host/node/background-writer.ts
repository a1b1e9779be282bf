/**
 * Writing what lies in shared memory by a thread in the background: it computes the checksum and writes, piece by piece, so that
 * neither the event loop nor the threads of the pool, whose priority is higher than a learner's, spend time on it.
 */
import { Worker } from 'node:worker_threads';
import { isNative } from './crc32.js';
import { BACKGROUND } from './threads.js';

/** Bytes that fit into a core's own cache: what has just been read for the checksum is copied from there. */
const PIECE = 1 << 17;
/** Bytes that go to the disk at once. */
const BLOCK = 1 << 20;
/** What disks want places and lengths to be multiples of, where nothing is to be copied on the way. */
const SECTOR = 1 << 12;

/**
 * Whole blocks go past the system's cache where the file's system can do that (Linux, O_DIRECT): the cache would take pages for all of
 * a file, fill them, write them and give them back, which is half of a processor's work for it and takes memory bandwidth from
 * those who learn. Such blocks have to begin on a page, so they are put together in memory that does.
 */
const WRITING = `
  const { parentPort } = require('node:worker_threads');
  const { closeSync, constants, openSync, writeSync } = require('node:fs');
  const { crc32 } = require('node:zlib');
  ${BACKGROUND}
  let block;
  function openDirectly(fd) {
    if (constants.O_DIRECT === undefined) return undefined;
    try {
      block ??= new Uint8Array(new WebAssembly.Memory({ initial: ${BLOCK / 65_536}, maximum: ${BLOCK / 65_536} }).buffer);
      return openSync('/proc/self/fd/' + fd, constants.O_WRONLY | constants.O_DIRECT);
    } catch {
      return undefined;
    }
  }
  function write(fd, bytes, at) {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
  }
  function writeBlock(direct, fd, bytes, at) {
    try {
      write(direct, bytes, at);
      return true;
    } catch (error) {
      if (error.code !== 'EINVAL') throw error;
      write(fd, bytes, at);
      return false;
    }
  }
  function writeAll({ fd, bytes, at, before }) {
    let checksum = before;
    let from = 0;
    function piece(limit) {
      const taken = bytes.subarray(from, Math.min(limit, from + ${PIECE}));
      checksum = crc32(taken, checksum);
      from += taken.length;
      return taken;
    }
    function buffered(limit) {
      while (from < limit) {
        const place = at + from;
        write(fd, piece(limit), place);
      }
    }
    let direct = bytes.length < 2 * ${BLOCK} ? undefined : openDirectly(fd);
    try {
      if (direct !== undefined) buffered((${SECTOR} - (at % ${SECTOR})) % ${SECTOR});
      while (direct !== undefined && bytes.length - from >= ${SECTOR}) {
        const place = at + from;
        const size = Math.min(${BLOCK}, Math.floor((bytes.length - from) / ${SECTOR}) * ${SECTOR});
        const limit = from + size;
        for (let filled = 0; from < limit; filled = size - (limit - from)) block.set(piece(limit), filled);
        if (writeBlock(direct, fd, block.subarray(0, size), place)) continue;
        closeSync(direct);
        direct = undefined;
      }
      buffered(bytes.length);
    } finally {
      if (direct !== undefined) closeSync(direct);
    }
    return checksum;
  }
  parentPort.on('message', (asked) => {
    try {
      parentPort.postMessage({ checksum: writeAll(asked) });
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
