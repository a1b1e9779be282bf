/** What the image and the unit do, by their own command lines: the packed package, by a user who may write to one folder. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadNewest } from 'oxbow';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nodeWithin } from '../reachable-node.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const unit = readFileSync(join(root, 'deploy/oxbow.service'), 'utf8');

const listOf = (instruction: string) =>
  JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(dockerfile)?.[1] ?? '[]') as string[];

/** Command lines, as they are where they are installed. */
const lines = {
  image: [...listOf('ENTRYPOINT'), ...listOf('CMD')],
  unit: (/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').split(' '),
};

const TOKEN = 'a-token-of-good-length';
const isRoot = process.getuid?.() === 0;
/** That of the image; whoever is not root tests as who they are. */
const user = isRoot ? { uid: 10_001, gid: 10_001 } : {};
const home = mkdtempSync(join(tmpdir(), 'deployment-'));
const installed = join(home, 'opt');

beforeAll(() => {
  vi.setConfig({ testTimeout: 60_000 });
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]);
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', home], {
    cwd: root,
  });
  const modules = join(installed, 'node_modules');
  mkdirSync(join(modules, 'oxbow'), { recursive: true });
  execFileSync('tar', [
    '-xzf',
    join(home, String(packed).trim()),
    '-C',
    join(modules, 'oxbow'),
    '--strip-components=1',
  ]);
  // What `npm install --omit=dev` would bring, from the lock file.
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev }] of [...Object.entries(packages), ['node_modules/rxjs', {}] as const]) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || dev === true || existsSync(join(modules, name))) continue;
    mkdirSync(join(modules, name, '..'), { recursive: true });
    // Copies: a clone may be in a folder that the other user cannot reach.
    cpSync(join(root, path), join(modules, name), { recursive: true });
  }
  // Nobody but its owner may write there, and the user is another.
  chmodSync(home, 0o755);
}, 300_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

const modulesAre = (path: string) => existsSync(join(installed, 'node_modules', path));

describe.each(Object.entries(lines))('the command line of the %s', (name, line) => {
  const data = join(home, `data-${name}`);
  const tokens = join(home, `tokens-${name}`);

  /** With the places of this test for those of the installation, and any port. */
  const placed = line.map((word) =>
    word
      .replace('/opt/oxbow', installed)
      .replace('/var/lib/oxbow', data)
      .replace(/^.*\/tokens$/, tokens)
      .replace(/^7070$/, '0')
      .replace(/^0\.0\.0\.0$/, '127.0.0.1'),
  );

  function start() {
    const [program, ...args] = placed[0] === '/usr/bin/env' ? placed.slice(1) : placed;
    expect(program).toBe('node');
    const child = spawn(nodeWithin(home), args, {
      ...user,
      cwd: data,
      env: { PATH: process.env.PATH, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = once(child, 'exit');
    const url = Promise.race([
      once(createInterface(child.stdout), 'line').then(([first]) => first as string),
      ended.then(() => {
        throw new Error(said);
      }),
    ]);
    return { child, ended, url, said: () => said };
  }

  it('serves, learns, saves at SIGTERM, exits with 0, goes on, and writes nowhere else', async () => {
    mkdirSync(data, { mode: 0o750 });
    writeFileSync(tokens, `${TOKEN}\n`, { mode: 0o640 });
    if (isRoot) for (const path of [data, tokens]) chownSync(path, 10_001, 10_001);
    expect(modulesAre('oxbow/dist/cli.js')).toBe(true);
    expect(modulesAre('typescript')).toBe(false);
    const first = start();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const url = await first.url;
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(`${url}/model`)).status).toBe(401);
    const learnt = await fetch(`${url}/learn`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ text: 'the river bends. '.repeat(99) }),
    });
    expect(learnt.status).toBe(202);
    const model = async (at: string) => (await fetch(`${at}/model?name=default`, { headers })).json();
    while ((await model(url)).step === 0);
    first.child.kill('SIGTERM');
    expect(await first.ended).toEqual([0, null]);
    const step = (await loadNewest(join(data, 'default'))).found?.step as number;
    expect(step).toBeGreaterThan(0);
    expect(readdirSync(data)).toEqual(['default']);
    const again = start();
    expect(await model(await again.url)).toMatchObject({ step });
    again.child.kill('SIGTERM');
    expect(await again.ended).toEqual([0, null]);
    expect(again.said()).not.toMatch(/Error/);
  });
});

it('the image looks whether it lives by what there is', async () => {
  const [program, flag, script] = JSON.parse(/CMD (\["node", "-e".*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  expect([program, flag]).toEqual(['node', '-e']);
  // Nothing listens there.
  const elsewhere = (script as string).replace('7070', '9');
  expect(spawnSync(process.execPath, ['-e', elsewhere]).status).toBe(1);
});

it('the image is sent all files that what it is built of names', () => {
  const sent = [...readFileSync(join(root, '.dockerignore'), 'utf8').matchAll(/^!(.*)$/gm)].map(
    ([, path]) => path as string,
  );
  expect(sent).toEqual(expect.arrayContaining(['src', 'page', 'scripts', 'examples', 'bench', 'fuzz']));
  const lacking = sent.flatMap((path) => {
    if (!statSync(join(root, path)).isDirectory()) return [];
    const files = readdirSync(join(root, path), { recursive: true, encoding: 'utf8' });
    return files
      .filter((file) => /\.tsx?$/.test(file))
      .flatMap((file) => {
        const from = join(path, file);
        const named = readFileSync(join(root, from), 'utf8').matchAll(/^(?:import|export|\}) .*?from '(\.[^']*)'/gm);
        return Array.from(named, ([, to]) => join(from, '..', to as string));
      })
      .filter((to) => !sent.some((place) => to === place || to.startsWith(`${place}/`)));
  });
  expect(lacking).toEqual([]);
});

const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;
it.skipIf(!systemd)(`the unit is one, and is guarded${systemd ? '' : ' (skipped: no systemd-analyze)'}`, () => {
  const file = join(root, 'deploy/oxbow.service');
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  const guarded = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', file]);
  expect(guarded.status).toBe(0);
});
