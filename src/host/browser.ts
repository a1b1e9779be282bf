/** A browser's page or worker: what it lacks is left out or refused, and the interface is Node's. */
import { crc32 } from './crc32.js';
import type { Host, Leader, LeaderSeat, Member, Seat } from './host.js';
import { WORKING } from './working.js';

/** Where the script of workers is: in a Blob, until somebody names a file that has it. */
let script: string | undefined;
let given = false;

/** What keeps a worker from starting; a browser says no more than that it did not. */
const unstarted = () =>
  given
    ? `its script, ${script}, cannot be had: it has to be the package's dist/worker.js, from the page's own origin, served ` +
      "with the page's 'Cross-Origin-Embedder-Policy'; a content security policy has to allow " +
      `'worker-src ${new URL(script as string).origin}'`
    : "a content security policy has to allow 'worker-src blob:', or 'self' and ready({ worker }), the URL of a file";

function start(
  seat: Seat | LeaderSeat,
  name: string,
  lost: (reason: Error, started: boolean) => void,
  done: () => void = () => undefined,
) {
  script ??= URL.createObjectURL(new Blob([WORKING], { type: 'text/javascript' }));
  const worker = new Worker(script, { name });
  let online = false;
  let over = false;
  const gone = new Promise<void>((resolve) => {
    worker.onmessage = ({ data }) => {
      online = true;
      if (data === 'gone') resolve();
      if (data === 'done' && !over) done();
    };
    worker.onerror = ({ message }) => {
      // One that is not allowed to start fails without a word.
      if (!over) lost(new Error(message || unstarted()), online);
      over = true;
      resolve();
    };
  });
  worker.postMessage(seat);
  return {
    worker,
    /** Terminated at once it could write on for a while, and nothing says when it no longer does. */
    async stop() {
      over = true;
      await gone;
      worker.terminate();
    },
  };
}

const startMember = (seat: Seat, lost: (reason: Error, started: boolean) => void): Member =>
  start(seat, `oxbow ${seat.member}`, lost);

function startLeader(seat: LeaderSeat, done: () => void, lost: (reason: Error, started: boolean) => void): Leader {
  const { worker, stop } = start(seat, 'oxbow learner', lost, done);
  return {
    run: (program, forks) => worker.postMessage([program, forks]),
    stop() {
      worker.postMessage('stop');
      return stop();
    },
  };
}

const noFile = (names: string, instead: string) => async () => {
  throw new Error(`a browser has no files by path, so ${names} work in Node only; ${instead}.`);
};

const noFolder = noFile(
  'openRunFolder and loadNewest',
  'encodeCheckpoint and decodeCheckpoint give and take the bytes of one file',
);

export const host: Host = {
  isPage: typeof document === 'object',
  processors: () => navigator.hardwareConcurrency || 1,
  environment: () => undefined,
  addressSpaceLeft: () => Number.POSITIVE_INFINITY,
  // Without the engine's flag, which a page cannot set, wide is slower than fma.
  prepareTier: (tier) => tier !== 'wide',
  warn: (message, code) => console.warn(`${code}: ${message}`),
  startMember,
  startLeader,
  workersFrom(url) {
    script = new URL(url, globalThis.location?.href).href;
    given = true;
  },
  remedies: {
    threads:
      "Serve the page isolated, so that memory can be shared ('Cross-Origin-Opener-Policy: same-origin', " +
      "'Cross-Origin-Embedder-Policy: require-corp'), with a content security policy that has 'worker-src blob:', or ask " +
      'for fewer by configure({ threads })',
    someMemory: 'close other pages, or use a 64-bit browser',
    noMemory: 'close other pages, or use a 64-bit browser',
  },
  onEnding: () => () => {},
  crc32,
  pathOf: (folder, name) => `${folder}/${name}`,
  exists: noFile('fromSequenceFiles and loadUtterances', 'fromJsonLines and fromConll take chunks as they arrive'),
  openFile: noFile('loadCheckpoint, load and loadTagger', 'give the bytes to decodeCheckpoint'),
  openSource: noFile(
    'fromFile and what reads utterances by path',
    'fromWebStream takes the body of a response, fromJsonLines and fromConll { name, chunks }',
  ),
  replaceFile: noFile('saveCheckpoint, save and saveTagger', 'encodeCheckpoint gives the bytes'),
  renameFile: noFolder,
  removeFile: noFolder,
  namesIn: noFolder,
  holdFolder: noFolder,
};
