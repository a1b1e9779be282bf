/** Runs that are kept in a folder, stopped anywhere, and go on: what they learn is, bit for bit, what a run without a break learns. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adam,
  checkpointed,
  crossEntropy,
  dense,
  dropout,
  embedding,
  fromFile,
  fromText,
  gru,
  keyedTbptt,
  lanes,
  layer,
  lstm,
  nesterov,
  positioned,
  randomWindows,
  resume,
  type SavedRun,
  saveRuns,
  stack,
  tbptt,
  tokens,
  vocabulary,
  vsgd,
  weightsOf,
  windows,
} from 'oxbow';
import { concat, from, lastValueFrom, type Observable, Subject, take, throwError, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'oxbow-run-'));
  path = join(base, 'run');
});
afterEach(() => rmSync(base, { recursive: true }));

const text = Array.from({ length: 230 }, (_, k) => 'abcdé🐂水'[(k * k + 3 * k) % 7] ?? 'a')
  .join('')
  .replace(/[\ud800-\udfff]/g, 'b');
const vocab = vocabulary(text);
const corpus = vocab.encode(text);
const make = () => stack({ embed: embedding(vocab.size, 5), rnn: lstm(5, 9), head: dense(9, vocab.size) }, { seed: 3 });
const plain = { loss: crossEntropy(), optimizer: adam(0.02), clipNorm: 1 };

// biome-ignore lint/suspicious/noExplicitAny: sources and models of many types.
type Any = any;

interface Run {
  readonly make: () => Any;
  readonly source: (position: Any) => Observable<Any>;
  readonly options?: Any;
}

const sources: Readonly<Record<string, Run['source']>> = {
  'lanes over two epochs': (position) =>
    lanes(corpus, { batch: 3, length: 10, epochs: 2, ...(position && { from: position }) }),
  'windows of a text': (position) =>
    fromText(text, { chunk: 17, from: position?.source }).pipe(tokens(vocab), windows({ length: 9, from: position })),
  'windows of a file': (position) =>
    fromFile(join(base, 'text'), { chunk: 13, from: position?.source }).pipe(
      tokens(vocab),
      windows({ length: 9, from: position }),
    ),
  'windows of a source that says nothing': (position) =>
    from(text.match(/.{1,7}/gu) ?? []).pipe(tokens(vocab), windows({ length: 9, from: position })),
  'windows of a source with positions of its own': (position) => {
    const chunks = text.match(/.{1,7}/gu) ?? [];
    const first = position?.source?.chunk ?? 0;
    return from(chunks.slice(first)).pipe(
      positioned((_, index) => ({ chunk: first + index + 1 })),
      tokens(vocab),
      windows({ length: 9, from: position }),
    );
  },
  'random windows': (position) => randomWindows(corpus, { length: 8, batch: 3, count: 20, seed: 5, from: position }),
};

const runs: Readonly<Record<string, Run>> = {
  ...Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, { make, source }])),
  'on a learner': { make, source: sources['lanes over two epochs'] as Run['source'], options: { thread: 'learner' } },
  'in slices': { make, source: sources['windows of a file'] as Run['source'], options: { slice: 0 } },
  'gradients through more steps': {
    make,
    source: sources['lanes over two epochs'] as Run['source'],
    options: { k2: 25 },
  },
  dropout: {
    make: () =>
      stack(
        { embed: embedding(vocab.size, 6), rnn: gru(6, 8), drop: dropout(0.3), head: dense(8, vocab.size) },
        { seed: 4 },
      ),
    source: sources['windows of a text'] as Run['source'],
  },
  nesterov: {
    make,
    source: sources['lanes over two epochs'] as Run['source'],
    options: { optimizer: nesterov(0.05), clipNorm: undefined },
  },
  vsgd: {
    make,
    source: sources['lanes over two epochs'] as Run['source'],
    options: { optimizer: vsgd(), clipNorm: undefined },
  },
};

const bits = (model: Any) =>
  Object.entries(weightsOf(model.params)).map(([name, { data }]) => `${name} ${Array.from(data).join(' ')}`);

describe.each(Object.entries(runs))('a run that was stopped: %s', (_, run) => {
  it.each([1, 4, 9])('goes on after update %i as if it had not', async (cut) => {
    writeFileSync(join(base, 'text'), text);
    const options = { ...plain, ...run.options };
    const whole = run.make();
    const losses = (await lastValueFrom(run.source(undefined).pipe(tbptt(whole, options), toArray()))).map(
      ({ loss }: Any) => loss,
    );
    const first = run.make();
    const before = await lastValueFrom(
      run.source(undefined).pipe(tbptt(first, options), checkpointed(path, { model: first }), take(cut), toArray()),
    );
    await saveRuns();
    const kept = await resume(path);
    expect(kept?.step).toBe(cut);
    const model = kept?.model as Any;
    expect(model).not.toBe(first);
    expect(bits(model)).toEqual(bits(first));
    const rest = await lastValueFrom(
      run
        .source(kept?.position)
        .pipe(tbptt(model, { ...options, from: kept?.snapshot }), checkpointed(path, { model }), toArray()),
    );
    const heard = [...before, ...rest].map(({ loss }: Any) => loss);
    expect(heard).toEqual(losses);
    expect(bits(model)).toEqual(bits(whole));
    // At its end there is nothing to go on with, and the last file says so.
    const end = await resume(path);
    expect(end?.step).toBe(losses.length);
    expect(await lastValueFrom(run.source(end?.position), { defaultValue: 'nothing' })).toBe('nothing');
  });
});

describe('keyed streams', () => {
  it('go on with all carries and unfinished windows', async () => {
    const events = Array.from({ length: 300 }, (_, k) => ({
      key: `k${(k * 7) % 5}`,
      value: corpus[k % corpus.length] as number,
    }));
    const options = { ...plain, length: 6, batch: 3 };
    const whole = make();
    const losses = (await lastValueFrom(from(events).pipe(keyedTbptt(whole, options), toArray()))).map(
      ({ loss }) => loss,
    );
    const model = make();
    const heard: number[] = [];
    let kept: Any;
    let first = 0;
    for (const until of [130, 151, 300]) {
      const learner = kept?.model ?? model;
      heard.length = kept?.step ?? 0;
      const source$ = new Subject<(typeof events)[number]>();
      const learning = source$
        .pipe(
          positioned((_, index) => first + index + 1),
          keyedTbptt(learner, { ...options, from: kept?.snapshot }),
          checkpointed(path, { model: learner, everySteps: 1 }),
        )
        .subscribe(({ loss }) => heard.push(loss));
      const begun = first;
      for (const event of events.slice(begun, until)) {
        source$.next(event);
        await saveRuns();
      }
      if (until === 300) source$.complete();
      else learning.unsubscribe();
      await saveRuns();
      kept = await resume(path);
      first = kept.position;
    }
    expect(heard).toEqual(losses);
  });
});

describe('a folder', () => {
  const learn = (options: Any = {}, windowsOf = 6) => {
    const model = make();
    return lanes(corpus, { batch: 3, length: 10, epochs: 2 }).pipe(
      take(windowsOf),
      tbptt(model, plain),
      checkpointed(path, { model, ...options }),
    );
  };
  const files = () => readdirSync(path).filter((name) => name.startsWith('step-'));

  it('gets a file every so many updates, keeps the last ones, and says each', async () => {
    const saved: SavedRun[] = [];
    await lastValueFrom(learn({ everySteps: 1, keep: 2, saved: { next: (one: SavedRun) => saved.push(one) } }, 9));
    expect(files().length).toBeLessThanOrEqual(2);
    expect(saved.at(-1)?.step).toBe(9);
    expect(saved.map(({ step }) => step)).toEqual([...saved.map(({ step }) => step)].sort((a, b) => a - b));
    for (const { file, milliseconds } of saved) {
      expect(file.startsWith(path)).toBe(true);
      expect(milliseconds).toBeGreaterThanOrEqual(0);
    }
  });

  it('has what the run says of itself, as it is by then', async () => {
    let count = 0;
    await lastValueFrom(learn({ about: () => ({ vocab, count: count++, best: Number.NaN }), everyMs: 1e9 }, 3));
    const kept = await resume(path);
    expect(kept?.about).toEqual({ vocab: vocab.toJSON(), count: 0, best: Number.NaN });
    expect(kept?.from).toMatchObject({ step: 3, parent: undefined });
    expect(kept?.skipped).toEqual([]);
  });

  it('that is new has nothing to go on with, and is held from then on', async () => {
    expect(await resume(path)).toBeUndefined();
    await lastValueFrom(learn());
    expect((await resume(path))?.step).toBe(6);
  });

  it('with a run that this one does not go on from is refused, and stays as it is', async () => {
    await lastValueFrom(learn());
    const before = files().map((name) => readFileSync(join(path, name)));
    await expect(lastValueFrom(learn({}, 3))).rejects.toThrow(/step 3 is not after step 6/);
    expect(files().map((name) => readFileSync(join(path, name)))).toEqual(before);
  });

  it('whose newest file is damaged gives the one before, and says so', async () => {
    await lastValueFrom(learn({ everySteps: 1 }));
    const name = files().sort().at(-1) as string;
    const bytes = readFileSync(join(path, name));
    bytes[bytes.length - 5] ^= 16;
    writeFileSync(join(path, name), bytes);
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const kept = await resume(path);
    expect(kept?.step).toBeLessThan(6);
    expect(kept?.skipped).toHaveLength(1);
    expect(warned.mock.calls.join()).toContain('It is skipped');
    warned.mockRestore();
  });

  it('has the last sound update where the stream fails', async () => {
    const model = make();
    const failing$ = concat(
      lanes(corpus, { batch: 3, length: 10 }).pipe(take(4)),
      throwError(() => new Error('the source is gone')),
    ).pipe(tbptt(model, plain), checkpointed(path, { model }));
    await expect(lastValueFrom(failing$)).rejects.toThrow('the source is gone');
    const kept = await resume(path);
    expect(kept?.step).toBe(4);
    expect(bits(kept?.model)).toEqual(bits(model));
  });

  it('cannot have what is no plain value, which is an error of the stream, at its end too', async () => {
    for (const everyMs of [0, 1e9]) {
      const about = { vocab, decode: (ids: Int32Array) => vocab.decode(ids) };
      await expect(lastValueFrom(learn({ about, everyMs }, 3))).rejects.toThrow('run.about.decode is a function');
      await saveRuns().catch(() => undefined);
      expect(files()).toEqual([]);
    }
  });

  it('has the update that it is asked to save', async () => {
    const source$ = new Subject<Any>();
    const model = make();
    const all: Any[] = await lastValueFrom(lanes(corpus, { batch: 3, length: 10 }).pipe(take(3), toArray()));
    const learning = source$.pipe(tbptt(model, plain), checkpointed(path, { model })).subscribe();
    source$.next(all[0]);
    source$.next(all[1]);
    await saveRuns();
    expect(files()).toEqual(['step-000000000002.safetensors']);
    source$.next(all[2]);
    learning.unsubscribe();
    await saveRuns();
    expect((await resume(path))?.step).toBe(3);
  });

  it('of a run of another tier is refused, unless that is asked for', async () => {
    await lastValueFrom(learn());
    const kept = await resume(path);
    const name = files().sort().at(-1) as string;
    expect(kept?.from.tier).toMatch(/wide|fma|simd/);
    expect(name).toContain('6');
    await expect(resume(path, { tier: 'none' as never })).rejects.toThrow("tier is 'same' or 'any'");
  });
});

describe('a model of your own', () => {
  it('is given', async () => {
    const model = stack(
      { embed: embedding(vocab.size, 5), rnn: lstm(5, 9), own: own(), head: dense(9, vocab.size) },
      { seed: 3 },
    );
    await lastValueFrom(
      lanes(corpus, { batch: 3, length: 10 }).pipe(take(2), tbptt(model, plain), checkpointed(path, { model })),
    );
    await expect(resume(path)).rejects.toThrow(/does not say how its model is made.*resume\(folder, \{ model \}\)/);
    const again = stack(
      { embed: embedding(vocab.size, 5), rnn: lstm(5, 9), own: own(), head: dense(9, vocab.size) },
      { seed: 9 },
    );
    const kept = await resume(path, { model: again });
    expect(kept?.model).toBe(again);
    expect(bits(again)).toEqual(bits(model));
  });

  const own = () =>
    layer<Readonly<Record<string, never>>, Any, Any>({
      kind: 'own',
      params: {},
      initial: () => ({}),
      apply: (ops, carry, x) => [ops.tanh(x), carry],
    });
});
