/**
 * `npm run soak:serve`: connections that push, generate, read nothing, send garbage and every malformed frame, and vanish, for as
 * long as one likes. Fails where the server's process ends, an error comes that the protocol does not say, one that is the server's own fault,
 * or memory grew after the first quarter of ten minutes or more: what is alive after a whole collection, or the resident set by far more.
 */
import { connect as connectSocket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { asAnswer } from '../src/protocol/check.js';
import { requests } from '../src/protocol/messages.js';
import { aboveZero, argumentsOf, command, wholeNumber } from './arguments.js';
import { growthOf, type KeptMemory, mebibytes, percent } from './kept-memory.js';
import { quantile, serverProcess } from './serve-process.js';

const program = command('npm run soak:serve --')
  .description('Connections that do all that they should and should not, at once, for so long.')
  .option('--minutes <n>', 'that it goes on', aboveZero('minutes'), 10)
  .option('--connections <n>', 'at a time', wholeNumber, 500)
  .option('--units <n>', 'of the model that learns meanwhile', wholeNumber, 128);
argumentsOf<[]>('soak:serve', program, process.argv.slice(2));
const { minutes, connections, units } = program.opts<{
  readonly minutes: number;
  readonly connections: number;
  readonly units: number;
}>();

const [SAMPLES, NEIGHBOURS, WARM] = [60, 5, 10];
const { child, url, figure, memory } = await serverProcess(units, 1, 1e6);
const end = performance.now() + minutes * 60_000;
const goesOn = () => performance.now() < end;
const wrong = new Set<string>();
const errors = new Map<string, number>();
const closes = new Map<number, number>();
const waits: number[] = [];
let closing = false;
child.on('exit', (code, signal) => {
  if (!closing) wrong.add(`the server ended, with code ${code} by ${signal}`);
});

const count = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);
const some = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T;
const types = Object.keys(requests);
const garbage = (): string | Buffer =>
  some<() => string | Buffer>([
    () => '',
    () => '{',
    () => 'null',
    () => '['.repeat(30_000),
    () => Buffer.from(Array.from({ length: 50 }, () => Math.floor(Math.random() * 256))),
    () => JSON.stringify({ type: some(types) }),
    () =>
      JSON.stringify({
        type: some(types),
        id: 'a',
        text: some([1, null, {}, [], 'x']),
        prompt: some([1, 'x']),
        model: some(['bob', 3]),
      }),
    () =>
      JSON.stringify({
        type: 'generate',
        id: 'a',
        prompt: '',
        length: some([-1, 0.5, 1e9]),
        temperature: some([-1, 'x']),
      }),
    () => JSON.stringify({ type: some(types), id: 'x'.repeat(1000) }),
    () => JSON.stringify({ type: 'tag', id: 'a', words: ['x'] }),
  ])();

function open(): Promise<WebSocket | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['oxbow.1']);
    socket.setMaxListeners(100);
    socket.on('open', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
    socket.on('close', (code) => count(closes, code));
    socket.on('message', (data) => {
      try {
        const message = asAnswer(JSON.parse(String(data)));
        if (message.type !== 'error') return;
        count(errors, message.code);
        if (message.code === 'failed') wrong.add(`failed: ${message.message}`);
      } catch (error) {
        wrong.add(`no answer of the protocol: ${(error as Error).message}: ${String(data).slice(0, 200)}`);
      }
    });
  });
}

const say = (socket: WebSocket, message: object) =>
  socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));

/** What a connection does, once; then it ends in one way or another. */
const behaviours: readonly ((socket: WebSocket) => Promise<void>)[] = [
  async function pushes(socket) {
    for (let k = 0; k < 20 && goesOn(); k += 1) {
      say(socket, {
        type: 'learn',
        id: `${k}`,
        text: `line ${k} ${Math.random()}\n`.repeat(20),
        source: some(['a', 'b']),
      });
      await pause(500);
    }
  },
  async function generates(socket) {
    for (let k = 0; k < 5 && goesOn(); k += 1) {
      say(socket, {
        type: 'generate',
        id: `${k}`,
        prompt: 'the ',
        length: 100,
        rate: 20,
        stop: some([undefined, ['zz']]),
      });
      await pause(3000);
      if (Math.random() < 0.3) say(socket, { type: 'cancel', id: `${k}` });
    }
  },
  async function asks(socket) {
    for (let k = 0; k < 20 && goesOn(); k += 1) {
      const asked = performance.now();
      const heard = new Promise<void>((resolve) => {
        const look = (data: unknown) => {
          if (!String(data).includes(`"id":"s${k}"`)) return;
          socket.off('message', look);
          resolve();
        };
        socket.on('message', look);
        socket.once('close', () => resolve());
      });
      say(socket, { type: 'score', id: `s${k}`, text: 'the river bends' });
      await heard;
      waits.push(performance.now() - asked);
      await pause(500);
    }
  },
  async function stalls(socket) {
    socket.pause();
    say(socket, { type: 'generate', id: 'a', prompt: '', length: 10_000 });
    say(socket, { type: 'metrics', id: 'm', everyMs: 100 });
    await pause(8000);
    socket.resume();
  },
  async function talksNonsense(socket) {
    for (let k = 0; k < 50 && goesOn() && socket.readyState === WebSocket.OPEN; k += 1) {
      socket.send(garbage());
      await pause(50);
    }
    if (Math.random() < 0.2) socket.send('x'.repeat(70_000));
  },
  async function vanishes(socket) {
    for (const id of ['a', 'b']) say(socket, { type: 'generate', id, prompt: 'x', length: 10_000, rate: 50 });
    say(socket, { type: 'learn', text: 'something' });
    await pause(Math.random() * 2000);
    socket.terminate();
  },
];

/** A connection that says no HTTP, or half of it. */
async function nonsense(): Promise<void> {
  const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(
    some([
      'garbage\r\n\r\n',
      'GET /livez HTTP/1.1\r\n',
      'POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{',
    ]),
  );
  await pause(2000);
  socket.destroy();
}

async function connection(): Promise<void> {
  while (goesOn()) {
    if (Math.random() < 0.05) await nonsense();
    const socket = await open();
    if (socket === undefined) await pause(500);
    else {
      await some(behaviours)(socket);
      if (Math.random() < 0.5) socket.terminate();
      else socket.close();
    }
  }
}

child.send('learn');
const samples: KeptMemory[] = [];
const sampling = setInterval(() => void memory().then((kept) => samples.push(kept)), (minutes * 60_000) / SAMPLES);
const all = Array.from({ length: connections }, connection);
const saying = setInterval(
  () =>
    console.log(
      `${((end - performance.now()) / 60_000).toFixed(1)} min left; ${waits.length} scores, p99 ${quantile(waits, 0.99).toFixed(1)} ms; live heap ${mebibytes(samples.at(-1)?.['live heap'] ?? 0)}`,
    ),
  60_000,
);
await Promise.all(all);
clearInterval(sampling);
clearInterval(saying);
// All of them have gone.
for (let k = 0; k < 100 && (await figure('oxbow_sessions')) > 0; k += 1) await pause(100);
const left = {
  sessions: await figure('oxbow_sessions'),
  active: await figure('oxbow_active'),
  queued: await figure('oxbow_queued'),
};
for (const [what, number] of Object.entries(left)) if (number !== 0) wrong.add(`${number} ${what} are left over`);

console.log(
  `errors: ${JSON.stringify(Object.fromEntries(errors))}; closed by: ${JSON.stringify(Object.fromEntries(closes))}`,
);
console.log(
  `scores: ${waits.length}, p50 ${quantile(waits, 0.5).toFixed(1)}, p99 ${quantile(waits, 0.99).toFixed(1)} ms`,
);
for (const { kind, grown, last, tooMuch } of growthOf(samples, NEIGHBOURS)) {
  console.log(`${kind}: growth after the first quarter ${percent(grown)}; at the end ${mebibytes(last)}`);
  if (minutes >= WARM && tooMuch) wrong.add(`the ${kind} grew by ${percent(grown)}`);
}
closing = true;
child.send('close');
for (const each of [...wrong].slice(0, 20)) console.error(`soak:serve: ${each}`);
process.exitCode = wrong.size === 0 ? 0 : 1;
