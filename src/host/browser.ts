/** A browser's page or worker: what it lacks is left out or refused, and the interface is Node's. */
import { crc32 } from './crc32.js';
import { type Host, LEADING, type Leader, type LeaderSeat, type Member, SERVING, type Seat } from './host.js';

const serving = `onmessage = ({ data: seat }) => { postMessage('online'); ${SERVING} };`;

const leading = `
  onmessage = ({ data: seat }) => {
    postMessage('online');
    const done = () => postMessage('done');
    ${LEADING}
    onmessage = ({ data }) => onProgram(data);
  };
`;

const urls = new Map<string, string>();

function start(
  program: string,
  seat: Seat,
  name: string,
  lost: (reason: Error, started: boolean) => void,
  done?: () => void,
): readonly [Worker, Member] {
  const url = urls.get(program) ?? URL.createObjectURL(new Blob([program], { type: 'text/javascript' }));
  urls.set(program, url);
  const worker = new Worker(url, { name });
  let online = false;
  let over = false;
  worker.onmessage = ({ data }) => {
    online = true;
    if (data === 'done') done?.();
  };
  worker.onerror = ({ message }) => {
    // One that is not allowed to start fails without a word.
    if (!over) lost(new Error(message || "a content security policy has to allow 'worker-src blob:'"), online);
    over = true;
  };
  worker.postMessage(seat);
  const member: Member = {
    async stop() {
      over = true;
      worker.terminate();
    },
  };
  return [worker, member];
}

const startMember = (seat: Seat, lost: (reason: Error, started: boolean) => void): Member =>
  start(serving, seat, `oxbow ${seat.member}`, lost)[1];

function startLeader(seat: LeaderSeat, done: () => void, lost: (reason: Error) => void): Leader {
  const [worker, { stop }] = start(leading, seat, 'oxbow learner', lost, done);
  return { run: (program, forks) => worker.postMessage([program, forks]), stop };
}

const noFile = (names: string, instead: string) => async () => {
  throw new Error(`a browser has no files by path, so ${names} work in Node only; ${instead}.`);
};

const noFolder = noFile(
  'openRunFolder and loadNewest',
  'encodeCheckpoint and decodeCheckpoint give and take the bytes of one file',
);

export const host: Host = {
  processors: () => navigator.hardwareConcurrency || 1,
  environment: () => undefined,
  addressSpaceLeft: () => Number.POSITIVE_INFINITY,
  // Without the engine's flag, which a page cannot set, wide is slower than fma.
  prepareTier: (tier) => tier !== 'wide',
  warn: (message, code) => console.warn(`${code}: ${message}`),
  startMember,
  startLeader,
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
