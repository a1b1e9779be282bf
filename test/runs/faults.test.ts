/** What goes wrong around a run that is kept in a folder: it is said, the last sound update stays, and the run goes on from there, bit for bit. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import {
  adam,
  checkpointed,
  crossEntropy,
  dense,
  embedding,
  fromFile,
  lanes,
  loadCheckpoint,
  lstm,
  openRunFolder,
  positioned,
  resume,
  saveRuns,
  stack,
  type TbpttOptions,
  tbptt,
  tensor,
  tokens,
  vocabulary,
  weightsOf,
  windows,
} from 'oxbow';
import { concat, from, lastValueFrom, map, type Observable, Subject, take, tap, throwError, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { host } from '../../src/host/node.js';

// biome-ignore lint/suspicious/noExplicitAny: windows and positions of several sources.
type Any = any;

let base: string;
let path: string;
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'oxbow-faults-'));
  path = join(base, 'run');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  syncBuiltinESMExports();
  fs.rmSync(base, { recursive: true });
});

const text = Array.from({ length: 230 }, (_, k) => 'abcdefg'[(k * k + 3 * k) % 7]).join('');
const vocab = vocabulary('abcdefg');
const make = (units = 9) => stack({ embed: embedding(7, 5), rnn: lstm(5, units), head: dense(units, 7) }, { seed: 3 });
const plain = () => ({ loss: crossEntropy(), optimizer: adam(0.02), clipNorm: 1 });
const bits = (model: Any) =>
  Object.entries(weightsOf(model.params)).map(([name, { data }]) => `${name} ${data.join(' ')}`);
const checkpoints = () => fs.readdirSync(path).filter((name) => !name.startsWith('.lock-'));
const warnings = () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  return () => warned.mock.calls.map(([message, options]) => `${(options as Any).code}: ${message}`);
};

/** Windows of a text that comes in chunks, from where a run was. */
const chunks = text.match(/.{1,7}/g) as string[];
const chunked = (position: Any, until = chunks.length): Observable<string> => {
  const first = position?.source ?? 0;
  return from(chunks.slice(first, until)).pipe(positioned((_, index) => first + index + 1));
};
const windowed = (source: Observable<string>, position: Any): Observable<Any> =>
  source.pipe(tokens(vocab), windows({ length: 9, from: position }));

describe('a run whose stream fails', () => {
  const mine = new Error('the source is gone');
  /** The loss is not a number from that call on. */
  const bad = (call: number): TbpttOptions<Any>['loss'] => {
    let count = 0;
    return (ops, prediction, target) => {
      count += 1;
      return ops.affine(crossEntropy()(ops, prediction as Any, target as Any), count >= call ? Number.NaN : 1, 0);
    };
  };

  it.each<readonly [string, () => Observable<string>, Partial<TbpttOptions<Any>>, number, RegExp]>([
    [
      'its source, in mid-window',
      () =>
        concat(
          chunked(undefined, 6),
          throwError(() => mine),
        ),
      {},
      4,
      /^the source is gone$/,
    ],
    [
      'a loss that is not finite',
      () => chunked(undefined),
      { loss: bad(6) },
      5,
      /^tbptt: window 6 cannot be learnt from: trainer: at step 5 the loss of stack is NaN .* the weights were left as they are/,
    ],
    ['a symbol that is none', () => concat(chunked(undefined, 6), from(['!'])), {}, 4, /^encode: "!"/],
  ])(
    'by %s: the last sound update is kept, and the run goes on from there',
    async (_, source, options, step, message) => {
      const whole = make();
      const losses = (
        await lastValueFrom(windowed(chunked(undefined), undefined).pipe(tbptt(whole, plain()), toArray()))
      ).map(({ loss }) => loss);
      const model = make();
      const heard: number[] = [];
      const failing$ = windowed(source(), undefined).pipe(
        tbptt(model, { ...plain(), ...options }),
        tap(({ loss }) => heard.push(loss)),
        checkpointed(path, { model }),
      );
      await expect(lastValueFrom(failing$)).rejects.toThrow(message);
      const kept = await resume(path);
      expect([kept?.step, heard.length]).toEqual([step, step]);
      const again = kept?.model as Any;
      const rest$ = windowed(chunked(kept?.position), kept?.position).pipe(
        tbptt(again, { ...plain(), from: kept?.snapshot as Any }),
        toArray(),
      );
      expect([...heard, ...(await lastValueFrom(rest$)).map(({ loss }) => loss)]).toEqual(losses);
      expect(bits(again)).toEqual(bits(whole));
    },
  );

  it('by a thread of its learner that is lost in a kernel: the last whole update is kept, and the run goes on from there', async () => {
    const corpus = vocab.encode(text);
    const source = (position?: Any) =>
      lanes(corpus, { batch: 3, length: 10, epochs: 30, ...(position && { from: position }) });
    const count = 60;
    const losses = (await lastValueFrom(source().pipe(take(count), tbptt(make(64), plain()), toArray()))).map(
      ({ loss }) => loss,
    );
    const heard: number[] = [];
    const workers: Worker[] = [];
    const started = (worker: Worker) => void workers.push(worker);
    process.on('worker', started);
    const model = make(64);
    const outcome = lastValueFrom(
      source().pipe(
        tbptt(model, { ...plain(), thread: 'learner' }),
        tap(({ loss }) => heard.push(loss)),
        tap(() => void workers.at(-1)?.terminate()),
        checkpointed(path, { model, everySteps: 1 }),
      ),
    ).catch((error: Error) => error);
    expect(((await outcome) as Error).message).toMatch(/^learner: the thread that leads it is gone/);
    process.off('worker', started);
    const kept = await resume(path);
    expect(kept?.step).toBe(heard.length);
    const rest$ = source(kept?.position).pipe(
      take(Math.max(0, count - heard.length)),
      tbptt(kept?.model as Any, { ...plain(), from: kept?.snapshot as Any }),
      toArray(),
    );
    expect([...heard, ...(await lastValueFrom(rest$)).map(({ loss }) => loss)].slice(0, count)).toEqual(losses);
  });
});

describe('the clock', () => {
  it.each<readonly [string, (update: number) => number]>([
    ['goes back an hour at each update', (update) => -3_600_000 * update],
    ['jumps ahead an hour at each update', (update) => 3_600_000 * update],
    ['jumps to and fro by years', (update) => (update % 2 === 0 ? 1 : -1) * 1e11],
  ])('%s: the newest file is that of the last update, and none is written for the time', async (_, shift) => {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now });
    const model = make();
    const saved: number[] = [];
    const learn = (everyMs: number | undefined, everySteps: number | undefined, from?: Any) =>
      lanes(vocab.encode(text), { batch: 3, length: 10, epochs: 2, ...(from && { from: from.position }) }).pipe(
        take(6),
        tap(() => void vi.setSystemTime(now + shift(saved.length + 1))),
        tbptt(from?.model ?? model, { ...plain(), from: from?.snapshot }),
        checkpointed(path, {
          model: from?.model ?? model,
          everyMs,
          everySteps,
          keep: 2,
          saved: { next: ({ step }) => saved.push(step) },
        }),
      );
    await lastValueFrom(learn(undefined, 1));
    expect(saved.at(-1)).toBe(6);
    expect(saved).toEqual([...saved].sort((a, b) => a - b));
    const kept = await resume(path);
    expect(kept?.step).toBe(6);
    saved.splice(0);
    // An hour is none that has gone by.
    await lastValueFrom(learn(3_000_000, undefined, kept));
    expect(saved).toEqual([12]);
    expect((await resume(path))?.step).toBe(12);
  });
});

describe('what the disk does', () => {
  /** Notes what is asked of the disk, in its order. */
  async function noted(run: () => Promise<unknown>): Promise<readonly string[]> {
    const notes: string[] = [];
    const probe = await fs.promises.open(base, 'r');
    const handles = Object.getPrototypeOf(probe);
    await probe.close();
    const opened = new WeakMap<object, string>();
    const [open, rename, rm, { sync, write }] = [fs.promises.open, fs.promises.rename, fs.promises.rm, handles];
    const short = (name: Any) =>
      basename(String(name))
        .replace(/^\.step.*\.tmp$/, 'temporary')
        .replace(/^\.lock.*/, 'lock');
    vi.spyOn(fs.promises, 'open').mockImplementation(async (...given) => {
      const handle = await open(...given);
      opened.set(handle, short(given[0]));
      return handle;
    });
    const note = (what: string) => notes.at(-1) === what || notes.push(what);
    vi.spyOn(fs.promises, 'rename').mockImplementation((from, to) => {
      note(`${short(from)} becomes ${short(to)}`);
      return rename(from, to);
    });
    vi.spyOn(fs.promises, 'rm').mockImplementation((name, options) => {
      note(`remove ${short(name)}`);
      return rm(name, options);
    });
    vi.spyOn(handles, 'sync').mockImplementation(function (this: object) {
      note(`sync ${opened.get(this)}`);
      return sync.call(this);
    });
    vi.spyOn(handles, 'write').mockImplementation(function (this: object, ...given: unknown[]) {
      note(`write ${opened.get(this)}`);
      return write.apply(this, given);
    });
    syncBuiltinESMExports();
    await run();
    return notes;
  }
  const checkpoint = { tensors: { w: tensor([2], [1, 2]) }, metadata: {} };
  const name = (step: number) => `step-${String(step).padStart(12, '0')}.safetensors`;

  it('a power cut finds a whole file under each name: bytes reach the disk before the name, and that before older ones go', async () => {
    const folder = await openRunFolder(path, { keep: 1 });
    await folder.write(checkpoint, { step: 1 });
    const notes = await noted(() => folder.write(checkpoint, { step: 2 }));
    await folder.close();
    expect(notes).toEqual([
      'write temporary',
      'sync temporary',
      `temporary becomes ${name(2)}`,
      'sync run',
      `remove ${name(1)}`,
    ]);
  });

  it.each(['ENOSPC', 'EIO', 'EDQUOT'])(
    '%s as the file takes its name is an error that names it, and leaves the one before',
    async (code) => {
      const folder = await openRunFolder(path);
      await folder.write(checkpoint, { step: 1 });
      vi.spyOn(fs.promises, 'rename').mockRejectedValueOnce(Object.assign(new Error(`${code}: no`), { code }));
      syncBuiltinESMExports();
      const wrong = { _tag: 'FileError', path: join(folder.path, name(2)), cause: expect.objectContaining({ code }) };
      await expect(folder.write(checkpoint, { step: 2 })).rejects.toMatchObject(wrong);
      expect(checkpoints()).toEqual([name(1)]);
      await folder.write(checkpoint, { step: 3 });
      expect(checkpoints()).toEqual([name(1), name(3)]);
      await folder.close();
    },
  );

  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])(
    'a file system without links (%s) has one holder all the same',
    async (code) => {
      vi.spyOn(fs.promises, 'link').mockImplementation(() => Promise.reject(Object.assign(new Error(code), { code })));
      syncBuiltinESMExports();
      const tries = await Promise.all(Array.from({ length: 6 }, () => host.holdFolder(path, false)));
      const holders = tries.filter((each) => 'lost' in each);
      expect(holders).toHaveLength(1);
      for (const each of holders) each.release();
      await (await openRunFolder(path)).close();
    },
  );

  it('a folder that is removed under a run is said at each file, and at the end', async () => {
    const said = warnings();
    const source$ = new Subject<Any>();
    const model = make();
    const given = await lastValueFrom(lanes(vocab.encode(text), { batch: 3, length: 10 }).pipe(take(3), toArray()));
    const ended = lastValueFrom(source$.pipe(tbptt(model, plain()), checkpointed(path, { model, everySteps: 1 })));
    source$.next(given[0]);
    await saveRuns();
    fs.rmSync(path, { recursive: true });
    source$.next(given[1]);
    await saveRuns().catch(() => undefined);
    source$.next(given[2]);
    source$.complete();
    await expect(ended).rejects.toMatchObject({
      _tag: 'FileError',
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
    expect(said().join()).toMatch(/^OXBOW_NOT_SAVED: checkpointed: .*The run goes on; the next file is tried in time/);
    expect(fs.existsSync(path)).toBe(false);
  });
});

describe('a file of 5 GiB', () => {
  const size = 5 * 2 ** 30;
  const sparse = (header: string) => {
    const file = join(base, 'large');
    const bytes = Buffer.alloc(8 + 200, ' ');
    bytes.writeBigUInt64LE(200n);
    bytes.write(header, 8);
    fs.writeFileSync(file, bytes);
    fs.truncateSync(file, size);
    return file;
  };

  it.each<readonly [string, number, RegExp]>([
    ['more than it says', size - 208 - 4096, /4096 bytes at the end belong to no tensor/],
    ['less than it says', size - 208 + 4096, /only \d+ follow the header: it was cut/],
  ])('with %s is refused before it is read', async (_, bytes, message) => {
    const file = sparse(JSON.stringify({ w: { dtype: 'F32', shape: [bytes / 4], data_offsets: [0, bytes] } }));
    const before = process.memoryUsage().arrayBuffers;
    await expect(loadCheckpoint(file)).rejects.toThrow(message);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });

  it('of text is read on from beyond 4 GiB', async () => {
    const file = sparse('');
    const at = size - 40;
    const handle = fs.openSync(file, 'r+');
    fs.writeSync(handle, text.slice(0, 40), at);
    fs.closeSync(handle);
    const read = await lastValueFrom(
      fromFile(file, { from: { bytes: at } }).pipe(
        toArray(),
        map((all) => all.join('')),
      ),
    );
    expect(read).toBe(text.slice(0, 40));
  });
});
