/** Runs an example as a process of its own, as its users do. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCheckpoint } from 'oxbow';
import { afterEach, beforeAll, beforeEach, vi } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** What on stderr is no progress: what is wrong, and what Node says by itself. */
  readonly wrong: string;
}

/** What may end it before its time, and the exit code then. */
export const endings = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, 'closed pipe': 0 } as const;
export type Ending = keyof typeof endings;

const wrongIn = (name: string, err: string): string =>
  err
    .split('\n')
    .filter((line) => line.startsWith(`${name}: `) || /^\(node:|^ +at |Error\b/.test(line))
    .join('\n');

/** char-rnn is made of the package's sources, apart from the others. */
const builtOf = (name: string) => (name === 'char-rnn' ? 'build/char-rnn/main.js' : `build/examples/${name}.js`);

/** Builds the examples, and gives each test a folder of its own to run one of them in, or what else is in that file. */
export function program(name: string, built = builtOf(name)) {
  let folder: string;
  // Processes take their time where others are at work too.
  vi.setConfig({ testTimeout: 60_000 });
  beforeAll(() => void execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]), 120_000);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `${name}-`));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function start(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const child = spawn(process.execPath, [join(root, built), ...args], { cwd: folder, env });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err += chunk;
    });
    child.stdin.on('error', () => undefined);
    const ended = new Promise<Ended>((resolve) =>
      child.on('close', (code) => resolve({ code, out, err, wrong: wrongIn(name, err) })),
    );
    return { child, ended, out: () => out, err: () => err };
  }

  function run(args: readonly string[], input?: string): Promise<Ended> {
    const { child, ended } = start(args);
    child.stdin.end(input);
    return ended;
  }

  /** Runs it until something is on its screen, then sends it a signal, or closes the pipe that it writes to. */
  function interrupt(args: readonly string[], shown: string, by: Ending = 'SIGINT'): Promise<Ended> {
    const { child, ended, out } = start(args);
    const press = () => {
      if (!out().includes(shown)) return;
      child.stdout.off('data', press);
      if (by === 'closed pipe') child.stdout.destroy();
      else child.kill(by);
    };
    child.stdout.on('data', press);
    return ended;
  }

  return { start, run, interrupt, inFolder: (file = '') => join(folder, file) };
}

/** The files of a run, the newest last. */
export const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^step-\d+\.safetensors$/.test(name))
    .sort()
    .map((name) => join(folder, name));

/** All numbers that a run has kept last, weights and what learning needs besides, as one hash. */
export async function numbersOf(folder: string): Promise<string> {
  const { tensors } = await loadCheckpoint(filesOf(folder).at(-1) as string);
  const hash = createHash('sha256');
  for (const [name, { data }] of Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** What `--json` writes. */
export const records = ({ out }: Ended): readonly Record<string, unknown>[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
