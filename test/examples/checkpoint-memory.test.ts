/** What `npm run bench:checkpoint` measures, on a file that is smaller. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
beforeAll(() => void execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]), 120_000);

test.runIf(process.platform === 'linux')(
  'a checkpoint takes its size once while it is saved, and once while it is loaded',
  { timeout: 120_000 },
  () => {
    const args = [join(root, 'build/bench/checkpoint.js'), '--megabytes', '400'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr, stdout }).toMatchObject({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^saving 400 MB: .*\nloading 400 MB: /);
  },
);
