import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
writeFileSync(join(folder, 'seq.in'), '');
writeFileSync(join(folder, 'seq.out'), '');
beforeAll(() => void execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]), 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const run = (name: string, args: readonly string[]) => {
  const file = join(root, `build/bench/${name}.js`);
  return spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', timeout: 20_000 });
};

test.each(['main', 'soak', 'checkpoint', 'tagging', 'online'])('%s --help is shown, and nothing is started', (name) => {
  const { status, stdout, stderr } = run(name, ['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^Usage: npm run /);
});

test.each([
  ['main', ['--threads', '65'], /^bench: --threads, --tier: threads is a whole number from 1 to 64, not 65\.\n$/],
  ['soak', ['--minutes', 'many'], /^soak: option '--minutes <n>' argument 'many' is invalid\. .*\n$/],
  ['online', ['none'], /^online: none cannot be read: .*\n$/],
  ['online', ['--lr', '0'], /^online: option '--lr <n>' argument '0' is invalid\. .*\n$/],
  ['tagging', [], /^tagging: missing required argument 'folder' Try --help\.\n$/],
  ['tagging', ['none'], /^tagging: fromSequenceFiles: none\/seq\.in cannot be read: .*\n$/],
  ['tagging', [folder], /^tagging: .* has no utterance with tags; give a folder .*\n$/],
  ['tagging', [folder, '10', '8', '-1'], /^tagging: .*'-1'.*\n$/],
])('%s %j: one line on stderr, exit code 2', (name, args, message) => {
  const { status, stdout, stderr } = run(name, args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
});
