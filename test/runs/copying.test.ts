/** What a run keeps is copied while it goes on learning: each file is what a copy on the calling thread at that update would have been. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adadelta,
  adam,
  checkpointed,
  configure,
  decodeCheckpoint,
  dense,
  finish,
  keyedTbptt,
  loadWeights,
  machine,
  momentum,
  nadam,
  nesterov,
  resume,
  saveRuns,
  sgd,
  stack,
  tbptt,
  tensor,
  trainer,
  trainingCheckpoint,
  vsgd,
  weightsOf,
} from 'oxbow';
import { from, lastValueFrom, Subject, take, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { releaseAll } from '../../src/parameters/parameter.js';
import { copying } from '../../src/runs/copying.js';
import { nextTurn } from '../../src/streams/event-loop.js';
import {
  type Any,
  fileOf,
  lanes,
  make,
  numbersOf,
  plain,
  remembering,
  stepsIn,
  symbols,
  windowOf,
  windowsIn,
} from './kept-runs.js';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'oxbow-copying-'));
  path = join(base, 'run');
});
afterEach(() => rmSync(base, { recursive: true }));

const ways = { 'at once': {}, 'in slices': { slice: 0 }, 'on a learner': { thread: 'learner' } } as const;
const optimizers = {
  adam: adam(0.02),
  sgd: sgd(0.1),
  momentum: momentum(0.05),
  nesterov: nesterov(0.05),
  nadam: nadam(0.01),
  adadelta: adadelta(),
  vsgd: vsgd(),
};
const rows = Object.keys(ways).flatMap((way) => Object.keys(optimizers).map((optimizer) => [way, optimizer] as const));

describe('a file', () => {
  it.each(rows)('is as if copied on the calling thread: learning %s by %s', async (way, optimizer) => {
    const model = make();
    const expected = new Map<number, Uint8Array>();
    const options = { ...plain, ...ways[way as 'at once'], optimizer: optimizers[optimizer as 'adam'] };
    await lastValueFrom(
      from(windowsIn(8)).pipe(
        tbptt(model, options),
        remembering(model, expected),
        checkpointed(path, { model, everySteps: 1, keep: 100 }),
      ),
    );
    const files = stepsIn(path);
    expect(files).toEqual(expect.arrayContaining([1, 8]));
    for (const step of files) {
      expect(numbersOf(readFileSync(fileOf(path, step)))).toEqual(numbersOf(expected.get(step) as Uint8Array));
    }
  });

  it.each(Object.keys(ways))('of keyed streams is, too: %s', async (way) => {
    const model = make();
    const expected = new Map<number, Uint8Array>();
    async function* events() {
      for (let k = 0; k < 90; k += 1) {
        if (k % 6 === 0) await nextTurn();
        yield { key: `k${(k * 7) % 5}`, value: (k * k) % symbols };
      }
    }
    await lastValueFrom(
      from(events()).pipe(
        keyedTbptt(model, { ...plain, ...ways[way as 'at once'], length: 6, batch: 3 }),
        remembering(model, expected),
        checkpointed(path, { model, everySteps: 1, keep: 100 }),
      ),
    );
    const last = Math.max(...expected.keys());
    // Values that came after the last outcome may not be taken any more: then the file before it is the last one.
    expect(stepsIn(path).length).toBeGreaterThan(0);
    for (const step of stepsIn(path)) {
      expect(step).toBeLessThanOrEqual(last);
      expect(numbersOf(readFileSync(fileOf(path, step)))).toEqual(numbersOf(expected.get(step) as Uint8Array));
    }
  });
});

/** The least that `configure` takes. */
const LEAST_LIMIT = 1 << 26;
/** A model of 12 MB. */
const largeOf = (seed: number) => stack({ wide: dense(1024, 3072) }, { seed });

const bits = (tensors: Readonly<Record<string, { readonly data: ArrayLike<number> }>>) =>
  JSON.stringify(
    Object.entries(tensors)
      .filter(([name]) => !name.startsWith('run'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { data }]) => [name, Array.from(data)]),
  );
const bitsIn = (folder: string, step: number) => bits(decodeCheckpoint(readFileSync(fileOf(folder, step))).tensors);

describe('weights that somebody else changes while they are copied', () => {
  it.each(Object.keys(ways))('are those of one moment: %s', async (way) => {
    const model = make();
    const moments = new Set<string>();
    const seen = () => moments.add(bits(weightsOf(model.params)));
    let count = 0;
    await lastValueFrom(
      from(windowsIn(6)).pipe(
        tbptt(model, { ...plain, ...ways[way as 'at once'] }),
        tap(seen),
        checkpointed(path, { model, everySteps: 1, keep: 100 }),
        tap(() => {
          count += 1;
          for (const [, layer] of Object.entries(model.params)) {
            for (const each of Object.values(layer as Any) as Any[]) each.assign(each.data.map((x: number) => x / 2));
          }
          seen();
        }),
      ),
    );
    expect(count).toBe(6);
    expect(stepsIn(path)).toContain(1);
    for (const step of stepsIn(path)) expect(moments).toContain(bitsIn(path, step));
  });

  it.each(['in slices', 'on a learner'])('are those of one moment where two learn: %s', async (way) => {
    const model = make();
    const moments = new Set<string>();
    const folders = [join(base, 'a'), join(base, 'b')];
    await Promise.all(
      folders.map((folder) =>
        lastValueFrom(
          from(windowsIn(8)).pipe(
            tbptt(model, { ...plain, ...ways[way as 'at once'] }),
            tap(() => moments.add(bits(weightsOf(model.params)))),
            checkpointed(folder, { model, everySteps: 1, keep: 100 }),
          ),
        ),
      ),
    );
    for (const folder of folders) {
      expect(stepsIn(folder)).toContain(8);
      for (const step of stepsIn(folder)) expect(moments).toContain(bitsIn(folder, step));
    }
  });

  it.each(Object.keys(ways))('may grow: %s', async (way) => {
    const model = make();
    const options = { ...plain, ...ways[way as 'at once'] };
    await lastValueFrom(
      from(windowsIn(6)).pipe(
        tbptt(model, options),
        checkpointed(path, { model, everySteps: 1, keep: 100 }),
        tap(({ step }) => {
          if (step < 4) model.params.embed.table.grow(0, symbols + step);
        }),
      ),
    );
    for (const step of stepsIn(path)) {
      const { tensors } = decodeCheckpoint(readFileSync(fileOf(path, step)));
      const shape = tensors['embed.table']?.shape;
      const slots = Object.entries(tensors).filter(([name]) => name.includes('embed.table.'));
      expect(slots.length).toBeGreaterThan(0);
      for (const [, slot] of slots) expect(slot.shape).toEqual(shape);
      loadWeights(
        make().params,
        Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith('run'))),
      );
    }
    expect((await resume<Any>(path, { model: make() }))?.step).toBe(6);
  });
});

/** A learner's threads end in their own time, and other tests' models are collected; neither makes up for blocks that are lost. */
const givenBack = (before: number) =>
  vi.waitFor(() => expect(machine().memory.used).toBeLessThanOrEqual(before), { timeout: 20_000 });

describe('memory', () => {
  it.each(Object.keys(ways))('is flat over many files, and given back at the end: %s', async (way) => {
    const model = make();
    const options = { ...plain, ...ways[way as 'at once'] };
    const run = async (count: number, used: number[] = []) => {
      const heard = new Subject<Any>();
      heard.subscribe(() => used.push(machine().memory.used));
      await lastValueFrom(
        from(windowsIn(count)).pipe(
          tbptt(model, options),
          checkpointed(join(base, `run-${count}`), { model, everySteps: 1, saved: heard }),
          toArray(),
        ),
      );
      return used;
    };
    // Arenas and the learner's program are there then.
    await run(5);
    const before = machine().memory.used;
    const used = await run(40);
    await givenBack(before);
    // What one file takes comes and goes.
    expect(Math.max(...used)).toBeLessThanOrEqual(Math.max(...used.slice(0, 3)));
  });

  it.each(Object.keys(ways))('is given back where the run ends while its numbers are copied: %s', async (way) => {
    const model = make();
    const options = { ...plain, ...ways[way as 'at once'] };
    const used: number[] = [];
    for (let k = 0; k < 6; k += 1) {
      const folder = join(base, `run-${k}`);
      // In the same turn in which the copy was begun.
      await lastValueFrom(
        from(windowsIn(50)).pipe(tbptt(model, options), checkpointed(folder, { model, everySteps: 1 }), take(1)),
      );
      await saveRuns();
      used.push(machine().memory.used);
      expect(stepsIn(folder)).toEqual([1]);
      expect(bitsIn(folder, 1)).toBe(bits(weightsOf(model.params)));
    }
    await givenBack(used[0] as number);
  });
});

describe('a copy', () => {
  /** A trainer that has learnt in pieces, and what there is to copy of it. */
  function learnt() {
    const model = make();
    const learner = trainer(model, plain);
    const learn = (k: number) => learner.learnInPieces({ carry: model.initial(lanes), ...windowOf(k) });
    finish(learn(0));
    const record = () => trainingCheckpoint(model.params, 'training', { state: learner.state() });
    return { model, learner, learn, record };
  }

  it('is over before the next update, which goes on with it', () => {
    const { model, learner, learn, record } = learnt();
    const before = Buffer.from(encodeCheckpoint(record()));
    const { checkpoint, task, free } = copying(model.params, record);
    expect(task.next().done).toBe(false);
    finish(learn(1));
    expect(learner.steps).toBe(2);
    expect(finish(task)).toBe(true);
    expect(before.equals(encodeCheckpoint(checkpoint))).toBe(true);
    expect(before.equals(encodeCheckpoint(record()))).toBe(false);
    free();
    learner.release();
  });

  const changes: Readonly<Record<string, (of: ReturnType<typeof learnt>) => void>> = {
    'other numbers are assigned': ({ model }) => model.params.head.b?.assign(new Float32Array(symbols)),
    'a parameter grows': ({ model }) => model.params.embed.table.grow(0, symbols + 1),
    'an update is done at once': ({ model, learner }) =>
      void learner.learn({ carry: model.initial(lanes), ...windowOf(1) }),
  };
  it.each(Object.keys(changes))('is of no use where %s meanwhile', (name) => {
    const all = learnt();
    const { used } = machine().memory;
    const { task, free } = copying(all.model.params, all.record);
    task.next();
    task.next();
    changes[name]?.(all);
    expect(finish(task)).toBe(false);
    free();
    if (name !== 'a parameter grows') expect(machine().memory.used).toBe(used);
    all.learner.release();
  });

  it('stays what it is whatever else needs memory', () => {
    const { model, learner, learn, record } = learnt();
    const before = Buffer.from(encodeCheckpoint(record()));
    const { limit } = machine().memory;
    const { checkpoint, task, free } = copying(model.params, record);
    expect(finish(task)).toBe(true);
    try {
      configure({ memoryLimit: LEAST_LIMIT });
      // They give way to one another.
      const others = Array.from({ length: 6 }, (_, k) => largeOf(k));
      for (const other of others) weightsOf(other.params);
      finish(learn(1));
      expect(before.equals(encodeCheckpoint(checkpoint))).toBe(true);
      for (const other of others) releaseAll(other.params);
    } finally {
      configure({ memoryLimit: limit });
    }
    free();
    learner.release();
  });

  it('is in arrays where the memory of the kernels has no room for it', () => {
    const { model, learner, record } = learnt();
    const { limit, used } = machine().memory;
    const large = tensor([LEAST_LIMIT / 8], new Float32Array(LEAST_LIMIT / 8));
    try {
      configure({ memoryLimit: LEAST_LIMIT });
      const { checkpoint, task, free } = copying(model.params, () => ({
        tensors: { large, ...record().tensors },
        metadata: {},
      }));
      expect(finish(task)).toBe(true);
      expect(machine().memory.used).toBe(used);
      const { tensors } = record();
      model.params.head.w.assign(new Float32Array(70 * symbols));
      expect(checkpoint.tensors).toEqual({ large, ...tensors });
      free();
    } finally {
      configure({ memoryLimit: limit });
    }
    learner.release();
  });
});
