import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseOptions } from '../../examples/gpt/options.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpt-'));
  writeFileSync(join(folder, 'verse.txt'), 'The ship sails on the sea.\n'.repeat(40));
  writeFileSync(join(folder, 'short.txt'), 'The ship');
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (name: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [join(root, `build/examples/${name}.js`), ...args], { cwd: folder, encoding: 'utf8' });
const tiny = ['--steps', '30', '--features', '16', '--heads', '2', '--blocks', '1', '--context', '8'];

describe('the gpt example', () => {
  it('learns, reports what it makes of unseen text, and speaks', () => {
    const { status, stdout, stderr } = run('gpt', '--file', 'verse.txt', ...tiny);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(Number(/held out: ([\d.]+) nats/.exec(stdout)?.[1])).toBeLessThan(Math.log(15));
    expect(stdout.split('bits per character\n')[1]?.length).toBeGreaterThan(400);
  });

  it('tells in one line what does not go, and ends with code 2', () => {
    const { status, stderr } = run('gpt', '--file', 'short.txt', ...tiny);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^gpt: the text has 8 symbols; give at least 90, or a smaller --context\.\n$/);
    expect(parseOptions(['--heads', '3'])).toMatchObject(E.left({ message: expect.stringMatching(/cannot be cut/) }));
    expect(parseOptions(['--steps', '0'])).toMatchObject(E.left({ message: expect.stringMatching(/at least 1/) }));
  });
});

describe('the seq2seq example', () => {
  it('learns what it is asked to, and counts what it gets right', () => {
    const { status, stdout } = run('seq2seq', '--task', 'sort', '--steps', '3');
    expect(status).toBe(0);
    expect(stdout).toMatch(/sort: \d+ of 1024 unseen sequences right to the last symbol/);
    expect(stdout).not.toContain('reverse');
  });
});
