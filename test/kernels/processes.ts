/** Programs that look inside the machine, as processes of their own: limits, signals and threads belong to a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, vi } from 'vitest';
import { nodeWithin } from '../reachable-node.js';

const folder = mkdtempSync(join(tmpdir(), 'machine-'));
// Programs of other users read them.
chmodSync(folder, 0o755);

/** What every program may use: the machine's parts, what a kernel gives, how many threads there are, and the end. */
const common = `
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { configure, createMachine, machine } from '../../src/kernels/machine.js';
import { fork } from '../../src/kernels/fork.js';
import { Unary } from '../../src/kernels/jobs.js';
import { unary } from '../../src/kernels/kernels.js';

const warnings = [];
process.on('warning', ({ code, message }) => code?.startsWith('OXBOW') && warnings.push({ code, message }));
const say = (what) => writeSync(1, JSON.stringify(what) + '\\n');
const turns = (milliseconds = 0) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const tasks = () => readdirSync('/proc/self/task').length;
/** Waits until as many threads as are wanted are left; how many there are. */
async function tasksSettled(wanted) {
  for (let tries = 0; tries < 100 && tasks() !== wanted; tries += 1) await turns(10);
  return tasks();
}
/** The bits of a kernel that is worth sharing. */
function bitsOf(m) {
  const mark = m.arena.mark();
  const [from, to] = [m.arena.allocate(400_000), m.arena.allocate(400_000)];
  for (let k = 0; k < 100_000; k += 1) m.floats[from / 4 + k] = (k % 1000) / 300 - 1.5;
  unary(m, Unary.tanh, from, to, 100_000);
  const bits = createHash('sha256').update(m.floats.slice(to / 4, to / 4 + 100_000)).digest('hex');
  m.arena.release(mark);
  return bits;
}
`;

let programs = 0;

/** Bundles a program; the file's name. */
export async function programOf(body: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: common + body, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  programs += 1;
  const file = join(folder, `${programs}.mjs`);
  writeFileSync(file, outputFiles[0]?.text ?? '');
  return file;
}

export interface Ended {
  /** What it said, line by line. */
  readonly said: readonly unknown[];
  readonly err: string;
  readonly code: number | null;
}

export interface Started {
  readonly child: ChildProcess;
  /** Settles when it has said something more. */
  next(): Promise<unknown>;
  readonly ended: Promise<Ended>;
}

export interface Setting {
  /** Node's options. */
  readonly options?: readonly string[];
  /** A shell's commands before it: \`ulimit\`. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

export function start(file: string, { options = [], shell, env = {}, uid }: Setting = {}): Started {
  const node = uid === undefined ? process.execPath : nodeWithin(folder);
  const command = [node, ...options, file];
  const [name, ...args] = shell === undefined ? command : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...command];
  const child = spawn(name as string, args, {
    cwd: folder,
    // A setting of this process is none of the other's.
    env: { ...process.env, OXBOW_THREADS: '', OXBOW_TIER: '', NODE_OPTIONS: '', ...env },
    stdio: 'pipe',
    ...(uid !== undefined && { uid, gid: uid }),
  });
  let [out, err, taken] = ['', '', 0];
  const lines = () => out.split('\n').slice(0, -1);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ said: lines().map((line) => JSON.parse(line) as unknown), err, code }));
  });
  async function next(): Promise<unknown> {
    let over = false;
    void ended.then(() => {
      over = true;
    });
    while (lines().length <= taken && !over) await new Promise((resolve) => setTimeout(resolve, 5));
    if (lines().length <= taken) throw new Error(`it ended without a word more: ${err}`);
    taken += 1;
    return JSON.parse(lines()[taken - 1] as string);
  }
  return { child, next, ended };
}

/** Runs a program to its end. */
export const run = (file: string, setting?: Setting): Promise<Ended> => start(file, setting).ended;

// Processes take their time where others are at work too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export const linux = process.platform === 'linux';
