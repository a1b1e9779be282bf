import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
beforeAll(() => void execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]), 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(root, 'build/fuzz/main.js'), ...args], { encoding: 'utf8', timeout: 60_000 });

const names = ['checkpoints', 'runs', 'utterances', 'tokenizers', 'frames', 'pytorch', 'onnx', 'keras', 'tfjs'];

it('reads some of each kind, the same ones for the same seed, and reports that as tests', () => {
  const report = join(folder, 'report.json');
  const { status, stdout, stderr } = run('60', '--seed', '3', '--report', report);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const name of names) {
    expect(stdout).toMatch(new RegExp(`^${name}: 60 cases in .* s, \\d+ a second, seed 3: ok$`, 'm'));
  }
  expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual({
    numPassedTests: names.length,
    numFailedTests: 0,
    testResults: [],
  });
});

it('reads a single case again', () => {
  const { status, stdout } = run('--only', 'frames', '--seed', '-5', '--path', '17');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^frames: 1 cases .* seed -5: ok$/m);
});

it.each([
  ['none', /^fuzz: .*'none'.*cases.*\n$/],
  ['--only=files', new RegExp(`^fuzz: .*'files'.*It is one of ${names.join(', ')}\\. .*\n$`)],
  ['--seed=1.5', /^fuzz: .*'1\.5'.*a whole number of 32 bits\. .*\n$/],
  ['--path=a', /^fuzz: .*'a'.*as a failure prints it\. .*\n$/],
])('refuses %s in one line', (argument, line) => {
  const { status, stdout, stderr } = run(argument);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(line);
});
