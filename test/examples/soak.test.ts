/** A minute's part of what `npm run soak` does for half an hour: real processes, really killed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
beforeAll(() => void execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]), 120_000);

test('the soak loses nothing, and reports', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  const report = join(folder, 'soak.md');
  const args = ['--minutes', '0.2', '--seed', '1', '--report', report];
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'build/bench/soak.js'), ...args], {
    encoding: 'utf8',
  });
  expect({ status, wrong: stderr.match(/^soak: (?!for |\d).*$/gm) }).toEqual({ status: 0, wrong: null });
  expect(stdout).toMatch(/\*\*nothing lost\*\*/);
  expect(readFileSync(report, 'utf8').trimEnd()).toBe(stdout.trimEnd());
  rmSync(folder, { recursive: true });
});
