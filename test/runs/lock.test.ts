import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { removeUnheld } from '../../src/host/node/hold-folder.js';
import { host } from '../../src/host/node.js';
import { openRunFolder } from '../../src/runs/folder.js';
import { tensor } from '../../src/tensor.js';
import { linux, programOf, type Started, start } from '../kernels/processes.js';

const statOf = (pid: number): readonly string[] => {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};
const self = {
  pid: process.pid,
  started: linux ? Number(statOf(process.pid)[19]) : 0,
  host: hostname(),
  boot: linux ? readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() : '',
};
/** A number that no process has: beyond the highest that Linux gives. */
const NOBODY = 2 ** 22 + 1;

let path: string;
let program: string;
const children: Started[] = [];
const locks = () =>
  readdirSync(path)
    .filter((name) => name.startsWith('.lock-'))
    .sort();
const lock = (number: number, holder: unknown) =>
  writeFileSync(join(path, `.lock-${number}`), typeof holder === 'string' ? holder : JSON.stringify(holder));

/** Opens the folder, says how that went, and goes on until it is killed, or told to end. */
beforeAll(async () => {
  program = await programOf(`
    import { openRunFolder } from '../../src/runs/folder.js';
    const { FOLDER } = process.env;
    const opened = await openRunFolder(FOLDER).then(
      () => ({ pid: process.pid }),
      ({ _tag, pid, host, message }) => ({ _tag, pid, host, message }),
    );
    say(opened);
    if (!opened._tag) process.stdin.resume();
  `);
});
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'oxbow-lock-'));
});
afterEach(async () => {
  for (const { child, ended } of children.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(path, { recursive: true, force: true });
});

function opening(): Started {
  const started = start(program, { env: { FOLDER: path } });
  children.push(started);
  return started;
}

describe('two processes on one folder', () => {
  it.each<readonly [string, readonly unknown[]]>([
    ['that is new', []],
    ['whose last one is dead', [{ ...self, pid: NOBODY }]],
  ])('%s: one has it, and the others say which', async (_, before) => {
    for (const holder of before) lock(1, holder);
    const all = Array.from({ length: 3 }, opening);
    const said = (await Promise.all(all.map(({ next }) => next()))) as {
      _tag?: string;
      pid: number;
      message: string;
    }[];
    const [winner, ...more] = said.filter(({ _tag }) => _tag === undefined);
    expect(more).toEqual([]);
    const others = said.filter((each) => each !== winner);
    expect(others).toHaveLength(2);
    for (const { message, ...facts } of others) {
      expect(facts).toEqual({ _tag: 'FolderHeld', pid: winner?.pid, host: hostname() });
      expect(message).toContain(`${path} is held by process ${winner?.pid} of ${hostname()}, which lives`);
    }
    expect(locks()).toHaveLength(1);
  });

  it('do not wait for one that was killed', async () => {
    const first = opening();
    await first.next();
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const folder = await openRunFolder(path);
    expect(locks()).toEqual(['.lock-2']);
    await folder.close();
  });

  it('see at once that one has ended, from wherever they are', async () => {
    const first = opening();
    await first.next();
    first.child.stdin?.end();
    expect((await first.ended).code).toBe(0);
    expect(readFileSync(join(path, '.lock-1'), 'utf8')).toBe('{"free":true}\n');
  });
});

it('of many at once that find the lock of a dead process, one has the folder', async () => {
  for (let round = 1; round <= 20; round += 1) {
    lock(3 * round, { ...self, pid: NOBODY });
    const tries = await Promise.all(Array.from({ length: 8 }, () => host.holdFolder(path, false)));
    const holders = tries.filter((each) => 'lost' in each);
    expect(holders).toHaveLength(1);
    for (const each of tries) if (!('lost' in each)) expect(each.pid).toBe(process.pid);
    expect(holders[0]?.lost()).toBeUndefined();
    expect(locks()).toEqual([`.lock-${3 * round + 1}`]);
    holders[0]?.release();
  }
});

describe('a lock', () => {
  it.each<readonly [string, unknown]>([
    ['of a process that is dead', { ...self, pid: NOBODY }],
    [
      'of a process whose number another has now',
      { ...self, started: linux ? self.started + 1 : 0, pid: linux ? self.pid : NOBODY },
    ],
    ['of an earlier start of the host', { ...self, boot: linux ? 'another' : '', pid: linux ? self.pid : NOBODY }],
    ['that was let go', '{"free":true}\n'],
  ])('%s holds nothing', async (_, holder) => {
    lock(7, holder);
    lock(3, { ...self });
    const folder = await openRunFolder(path);
    expect(locks()).toEqual(['.lock-8']);
    await folder.close();
    await (await openRunFolder(path)).close();
    expect(locks()).toEqual(['.lock-9']);
  });

  it.each<readonly [string, unknown, RegExp]>([
    ['of this process', self, /is held by this process, \d+ of .*, which lives; end it, or give another folder\.$/],
    [
      'of another host',
      { ...self, pid: 17, host: 'elsewhere' },
      /process 17 of another host, elsewhere, .* give takeOver: true, or remove \.lock-7\.$/,
    ],
    ['that is empty', '', /a process whose lock cannot be read; .*remove \.lock-7\.$/],
    ['that is no record', '[1, 2]', /cannot be read/],
    ['that lacks the host', '{"pid":1,"started":1,"boot":""}', /cannot be read/],
  ])('%s is an error that names it, and stays', async (_, holder, message) => {
    lock(7, holder);
    await expect(openRunFolder(path)).rejects.toMatchObject({
      _tag: 'FolderHeld',
      path,
      message: expect.stringMatching(message),
    });
    await expect(openRunFolder(path)).rejects.toThrow(path);
    expect(locks()).toEqual(['.lock-7']);
  });

  it.each<readonly [string, unknown, boolean]>([
    ['of another host', { ...self, host: 'elsewhere' }, true],
    ['that cannot be read', '', true],
    ['of a process that lives', self, false],
  ])('%s: takeOver takes it: %s', async (_, holder, isTaken) => {
    lock(7, holder);
    const opened = await openRunFolder(path, { takeOver: true }).catch(({ _tag }) => _tag);
    if (isTaken) await opened.close();
    else expect(opened).toBe('FolderHeld');
    expect(locks()).toEqual([isTaken ? '.lock-8' : '.lock-7']);
  });

  it('of a process that is stopped holds', async () => {
    const first = opening();
    await first.next();
    first.child.kill('SIGSTOP');
    await expect(openRunFolder(path)).rejects.toMatchObject({ _tag: 'FolderHeld', pid: first.child.pid });
  });

  it('that another process took over lets nothing more be written', async () => {
    const step = (k: number) => ({ tensors: { w: tensor([k], new Float32Array(k)) }, metadata: {} });
    const folder = await openRunFolder(path);
    await folder.write(step(1), { step: 1 });
    const before = await readdir(path);
    // While it writes, and before.
    const writing = folder.write(step(1 << 16), { step: 2 });
    lock(2, { ...self, pid: 17, host: 'elsewhere' });
    const lost = {
      _tag: 'FolderLost',
      path: folder.path,
      pid: 17,
      host: 'elsewhere',
      message: expect.stringMatching(/is not held .*process 17 of elsewhere has taken it over; open it anew\.$/),
    };
    await expect(writing).rejects.toMatchObject(lost);
    await expect(folder.write(step(1), { step: 3 })).rejects.toMatchObject(lost);
    await folder.close();
    expect((await readdir(path)).sort()).toEqual([...before, '.lock-2'].sort());
    expect(readFileSync(join(path, '.lock-2'), 'utf8')).toContain('elsewhere');
  });

  it('is of the folder itself, however it is called', async () => {
    await mkdir(join(path, 'a'));
    const folder = await openRunFolder(join(path, 'a', '..'));
    await expect(openRunFolder(path)).rejects.toMatchObject({ _tag: 'FolderHeld' });
    await folder.close();
  });
});

describe('removing a folder that came to nothing', () => {
  const free = '{"free":true}\n';
  it.each<[string, Record<string, unknown>, boolean]>([
    ['it is empty', {}, true],
    ['its lock was let go', { '.lock-2': free }, true],
    ['its lock is that of this process', { '.lock-1': self }, true],
    ['another process holds it', { '.lock-1': { ...self, pid: process.ppid } }, false],
    [
      'another process has taken it after this one',
      { '.lock-1': self, '.lock-2': { ...self, pid: process.ppid } },
      false,
    ],
    ['its lock cannot be read', { '.lock-1': 'what' }, false],
    ['a lock is under way', { '.lock-1': free, '.lock-2.1234.tmp': free }, false],
    ['it has a checkpoint', { '.lock-1': free, 'step-000000000001.safetensors': 'x' }, false],
  ])('where %s', (_, files, removed) => {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(path, name), typeof text === 'string' ? text : JSON.stringify(text));
    }
    expect(removeUnheld(path)).toBe(removed);
    expect(existsSync(path)).toBe(!removed);
    if (!removed) expect(readdirSync(path).sort()).toEqual(Object.keys(files));
  });
});
