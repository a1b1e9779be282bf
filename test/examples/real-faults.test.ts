/** Real processes that learn and are kept in a folder, and what happens to them: full and read-only disks, too few files, signals, pipes. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { resume } from 'oxbow';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { programOf, run, type Setting, start } from '../kernels/processes.js';

/** For how many seconds a process is stopped: `OXBOW_TEST_STOP=60 npx vitest run test/examples/real-faults.test.ts`. */
const STOP = Number(process.env.OXBOW_TEST_STOP || 1);
/** Whether file systems can be mounted that only the program sees: as root, or where users may be so within. */
const mounts = spawnSync('unshare', ['-rm', 'true']).status === 0;

let base: string;
let path: string;
let learner: string;

beforeAll(async () => {
  learner = await programOf(`
    import { closeSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
    import { execFileSync } from 'node:child_process';
    import { Subject, tap } from 'rxjs';
    import { adam, checkpointed, crossEntropy, dense, embedding, lanes, lstm, resume, saveRuns, stack, tbptt } from '../../src/index.js';
    const { BASE, FAULT } = process.env;
    const folder = BASE + '/run';
    const corpus = Int32Array.from({ length: 1200 }, (_, k) => (k * k + 3 * k) % 7);
    const said = ({ _tag, message, cause, step }) => ({ _tag, message, code: cause?.code, step });
    const kept = await resume(folder).catch((error) => { say(said(error)); process.exit(); });
    const model = kept?.model ?? stack({ embed: embedding(7, 5), rnn: lstm(5, 24), head: dense(24, 7) }, { seed: 3 });
    const files = () => readdirSync(folder).filter((name) => !name.startsWith('.lock-'));

    /** A run that learns from so many windows, one at a time. */
    function manual() {
      const windows = [];
      const windows$ = new Subject();
      lanes(corpus, { batch: 4, length: 16, epochs: 4 }).subscribe((window) => windows.push(window));
      const ended = new Promise((resolve) => windows$.pipe(
        tbptt(model, { loss: crossEntropy(), optimizer: adam(0.01) }), checkpointed(folder, { model, everySteps: 1 }),
      ).subscribe({ error: (error) => resolve(said(error)), complete: () => resolve('complete') }));
      return {
        async learn() {
          while (windows.length === 0) await turns();
          windows$.next(windows.shift());
          // What was begun is written, or has failed.
          await saveRuns().catch(() => undefined);
          await turns();
        },
        end() { windows$.complete(); return ended; },
      };
    }

    /** Hinders what is written, and lets it go on. */
    const hindrances = {
      full: [() => { try { for (let k = 0; ; k += 1) writeFileSync(BASE + '/filler-' + k, Buffer.alloc(4096)); } catch {} },
        () => { for (const name of readdirSync(BASE)) if (name.startsWith('filler')) rmSync(BASE + '/' + name); }],
      readonly: [() => execFileSync('mount', ['-o', 'remount,ro', BASE]), () => execFileSync('mount', ['-o', 'remount,rw', BASE])],
      files: [() => { globalThis.open = []; try { for (;;) open.push(openSync('/dev/null')); } catch {} }, () => open.splice(0).forEach(closeSync)],
    };

    if (FAULT in hindrances) {
      const [hinder, free] = hindrances[FAULT];
      const { learn, end } = manual();
      await learn();
      const first = files();
      hinder();
      await learn();
      const second = warnings.splice(0);
      free();
      const left = files();
      await learn();
      const third = files();
      hinder();
      await learn();
      const outcome = await end();
      free();
      const again = await resume(folder);
      say({ first, second, left, third, outcome, last: files(), step: again?.step });
      process.exit();
    }
    if (FAULT === 'opened') {
      const [hinder, free] = hindrances.full;
      hinder();
      const refused = await resume(BASE + '/other').then(() => 'opened', said);
      free();
      const after = await resume(BASE + '/other').then(() => 'opened', said);
      say({ refused, after });
      process.exit();
    }

    // Goes on by itself, and prints each update, as much as a pipe does not take.
    const print = (what) => FAULT === 'pipe' ? process.stdout.write(JSON.stringify({ ...what, more: 'x'.repeat(40_000) }) + '\\n') : say(what);
    const at = kept?.position;
    say({ from: kept?.step ?? 0 });
    lanes(corpus, { batch: 4, length: 16, epochs: 4, ...(at && { from: at }) }).pipe(
      tbptt(model, { loss: crossEntropy(), optimizer: adam(0.01), from: kept?.snapshot, thread: FAULT === 'stopped' ? 'learner' : 'caller' }),
      tap(({ step, loss }) => print({ step, loss })),
      checkpointed(folder, { model, everySteps: 1, saved: { next({ step }) {
        if (step < 6) return;
        if (FAULT === 'rejection') Promise.reject(new Error('nobody hears this'));
        if (FAULT === 'exception') setImmediate(() => { throw new Error('nobody catches this'); });
      } } }),
    ).subscribe({ complete: () => print({ end: true }), error: (error) => print({ error: String(error) }) });
  `);
});
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'oxbow-real-'));
  chmodSync(base, 0o777);
  path = join(base, 'run');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const setting = (fault: string, more: Setting = {}): Setting => ({
  env: { BASE: base, FAULT: fault, OXBOW_THREADS: '2' },
  ...more,
});
/** On a file system of its own of that size, in memory. */
const onDisk = (size: string) =>
  `exec unshare -rm sh -c 'mount -t tmpfs -o size=${size} tmpfs "$BASE" && exec "$@"' sh "$@"`;
const name = (step: number) => `step-${String(step).padStart(12, '0')}.safetensors`;

interface Said {
  readonly from?: number;
  readonly step?: number;
  readonly loss?: number;
  readonly end?: boolean;
  readonly error?: string;
}
const lossesOf = (said: readonly unknown[]) =>
  (said as readonly Said[]).flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]]));

/** The losses of a run to which nothing happens. */
let whole: readonly unknown[] = [];
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-whole-'));
  const { said, code } = await run(learner, setting('none', { env: { BASE: folder, FAULT: 'none' } }));
  rmSync(folder, { recursive: true });
  expect([code, said.at(-1)]).toEqual([0, { end: true }]);
  whole = lossesOf(said);
});

describe('a file that cannot be written while the run learns is a warning, and at its end an error', () => {
  it.each<readonly [string, string, Setting, string]>([
    ...(mounts
      ? ([
          ['the disk is full', 'full', { shell: onDisk('200k') }, 'ENOSPC'],
          ['the disk is full of files', 'full', { shell: onDisk('1m,nr_inodes=16') }, 'ENOSPC'],
          ['the folder becomes read-only', 'readonly', { shell: onDisk('1m') }, 'EROFS'],
        ] as const)
      : []),
    ['no more files may be open', 'files', { shell: 'ulimit -n 64' }, 'EMFILE'],
  ])('where %s; the last one stays, and the next is written once it can be', async (_, fault, more, code) => {
    const { said, err } = await run(learner, setting(fault, more));
    expect(err).not.toMatch(/^OxbowError|^Error/m);
    const [{ first, second, left, third, outcome, last, step }] = said as [Record<string, unknown>];
    expect([first, left]).toEqual([[name(1)], [name(1)]]);
    expect(second).toEqual([
      {
        code: 'OXBOW_NOT_SAVED',
        message: expect.stringMatching(new RegExp(`^checkpointed: write: .*${code}.*The run goes on`)),
      },
    ]);
    expect([third, last, step]).toEqual([[name(1), name(3)], [name(1), name(3)], 3]);
    expect(outcome).toMatchObject({ _tag: 'FileError', code });
  });

  it.runIf(mounts)('and a folder cannot be opened on a full disk, and can once there is room', async () => {
    const { said } = await run(learner, setting('opened', { shell: onDisk('100k') }));
    expect(said).toEqual([
      {
        refused: expect.objectContaining({
          _tag: 'FileError',
          code: 'ENOSPC',
          message: expect.stringMatching(/^openRunFolder: /),
        }),
        after: 'opened',
      },
    ]);
  });
});

describe('a process', () => {
  it.each(['rejection', 'exception'])(
    'that ends by an %s that nobody handles has code 1, and its run goes on from the last file',
    async (fault) => {
      const { said, code, err } = await run(learner, setting(fault));
      expect(code).toBe(1);
      expect(err).toMatch(/nobody (hears|catches) this/);
      expect(lossesOf(said)).toEqual(whole.slice(0, lossesOf(said).length));
      const rest = await run(learner, setting('none'));
      const from = (rest.said[0] as Said).from as number;
      expect(from).toBeGreaterThanOrEqual(6);
      expect(lossesOf(rest.said)).toEqual(whole.slice(from));
    },
  );

  it(`that is stopped for ${STOP} s, twice, goes on as if it had not been`, {
    timeout: 60_000 + 4000 * STOP,
  }, async () => {
    const { child, next, ended } = start(learner, setting('stopped'));
    for (let k = 0; k < 10; k += 1) {
      await next();
      if (k % 5 !== 4) continue;
      child.kill('SIGSTOP');
      await delay(1000 * STOP);
      child.kill('SIGCONT');
    }
    const { said, err, code } = await ended;
    expect({ err, code, last: said.at(-1) }).toEqual({ err: '', code: 0, last: { end: true } });
    expect(lossesOf(said)).toEqual(whole);
    expect(readdirSync(path).filter((each) => each.endsWith('.tmp'))).toEqual([]);
  });

  it('whose pipe is full stands still until somebody reads, and loses nothing', async () => {
    const { child, ended } = start(learner, setting('pipe'));
    child.stdout?.pause();
    // More than any pipe holds is to be said before it ends, so it has to wait for this.
    const over = await Promise.race([ended.then(() => true), delay(300).then(() => false)]);
    expect(over).toBe(false);
    child.stdout?.resume();
    const { said, code } = await ended;
    expect([code, (said.at(-1) as Said).end]).toEqual([0, true]);
    expect(lossesOf(said)).toEqual(whole);
  });

  it('whose pipe is closed ends by EPIPE, unless it handles that, and its run goes on from the last file', async () => {
    const { child, ended } = start(learner, setting('pipe'));
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, err } = await ended;
    expect(code).toBe(1);
    expect(err).toMatch(/EPIPE|ECONNRESET/);
    const rest = await run(learner, setting('none'));
    expect(lossesOf(rest.said)).toEqual(whole.slice((rest.said[0] as Said).from));
    expect((await resume(path))?.step).toBe(whole.length);
  });
});
