/** What comes and goes, thousands of times, leaves nothing behind: on the heap, in the kernels' memory, of handles, listeners and files. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  adam,
  checkpointed,
  configure,
  crossEntropy,
  dense,
  embedding,
  fromAsync,
  generateIterable,
  ids,
  type KeyedState,
  keyed,
  learnTags,
  lstm,
  machine,
  saveRuns,
  stack,
  tagger,
  tbptt,
} from 'oxbow';
import { from, lastValueFrom, Subject, take } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { connect } from '../src/client/client.js';
import { endAll, served, until } from './serve/servers.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
configure({ threads: 1, learnerThreads: 1 });

// Where files are in memory they are on their disk at once.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'oxbow-steady-'));
afterAll(async () => {
  expect(await endAll()).toEqual([]);
  rmSync(folder, { recursive: true });
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const modelOf = () => stack({ embed: embedding(9, 4), rnn: lstm(4, 8), head: dense(8, 9) }, { seed: 1 });
const windowOf = (k: number) => ({ input: ids([3, 1], [k % 9, 1, 2]), target: ids([3, 1], [1, 2, k % 9]) });

/** What the process has, once what nobody holds is gone. */
async function had() {
  collect();
  // What was to be given back when it was collected.
  for (let turns = 0; turns < 10; turns += 1) await turn();
  return {
    /** Of any kind: functions and arrays are objects too. Counting them collects. */
    objects: queryObjects(Object, { format: 'count' }),
    outside: process.memoryUsage().external,
    kernels: machine().memory.used,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    resources: process.getActiveResourcesInfo().filter((name) => !/^(Immediate|FSReq|Timeout)/.test(name)).length,
    files: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
  };
}

type Had = Awaited<ReturnType<typeof had>>;
const names = ['objects', 'outside', 'kernels', 'listeners', 'resources', 'files'] as const;
const ROUNDS = 3;

/**
 * Does it so many times a round. What leaks leaks each time, an object at least: so the round counts after which least was left,
 * since others come and go meanwhile.
 */
async function expectSteady(times: number, work: (times: number) => Promise<unknown>): Promise<void> {
  const seen: Had[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    await work(times);
    seen.push(await had());
  }
  const left = (name: keyof Had) =>
    Math.min(...seen.slice(1).map((after, round) => after[name] - (seen[round] as Had)[name]));
  // Half of what it would be at least.
  const most: Had = { objects: times / 2, outside: 32 * times, kernels: 0, listeners: 0, resources: 0, files: 0 };
  const tooMany = names.filter((name) => left(name) > most[name]);
  expect(tooMany, JSON.stringify(seen)).toEqual([]);
}

describe('nothing is left of', () => {
  it.each(['caller', 'learner'] as const)('checkpoints of a run that goes on, learnt by the %s', async (thread) => {
    const model = modelOf();
    const windows$ = new Subject<ReturnType<typeof windowOf>>();
    let learnt = () => {};
    let files = 0;
    const saved = {
      next() {
        files += 1;
      },
    };
    const run = windows$
      .pipe(
        tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-3), thread }),
        checkpointed(join(folder, thread), { model, everySteps: 1, keep: 2, signals: false, saved }),
      )
      .subscribe({ next: () => learnt() });
    await expectSteady(50, async (times) => {
      for (const until = files + times; files < until; ) {
        await new Promise<void>((resolve) => {
          learnt = resolve;
          windows$.next(windowOf(files));
        });
        await turn();
      }
      await saveRuns();
    });
    run.unsubscribe();
    await saveRuns();
  });

  it('runs that are kept in a folder, go on, and are ended', async () => {
    const model = modelOf();
    let runs = 0;
    await expectSteady(20, async (times) => {
      for (let k = 0; k < times; k += 1) {
        runs += 1;
        await lastValueFrom(
          from([windowOf(k)]).pipe(
            tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-3), thread: 'learner' }),
            checkpointed(join(folder, `run ${runs}`), { model }),
          ),
        );
      }
    });
  });

  it('generations, alone and in company, to their end and broken off', async () => {
    const model = modelOf();
    const say = async (seed: number, symbols: number) => {
      let said = 0;
      for await (const _ of generateIterable(model, ids([1, 1], [seed % 9]), { length: 4, seed })) {
        said += 1;
        if (said === symbols) break;
      }
    };
    await expectSteady(60, async (times) => {
      for (let k = 0; k < times; k += 3) {
        await Promise.all([say(k, 4), say(k + 1, 2)]);
        await say(k + 2, 3);
      }
    });
  });

  it('keys whose carries go to a store and come back', async () => {
    const model = modelOf();
    const store = new Map<number, KeyedState<unknown>>();
    await expectSteady(200, (times) =>
      lastValueFrom(
        fromAsync(
          (async function* () {
            for (let k = 0; k < times; k += 1) yield { key: (7 * k) % 40, value: k % 9 };
          })(),
        ).pipe(
          keyed(model, {
            output: 'surprisal',
            maxKeys: 10,
            store: { get: (key: number) => store.get(key), put: (key: number, carry) => void store.set(key, carry) },
          }),
        ),
      ),
    );
  });

  it('lessons of a tagger', async () => {
    const reader = tagger({
      words: ['a', 'b'],
      tags: ['O', 'B-x'],
      units: 8,
      features: 4,
      bidirectional: false,
      seed: 1,
    });
    const lesson = (k: number) => ({ id: String(k), words: ['a', 'b'], tags: ['O', 'B-x'] });
    const lessons$ = new Subject<ReturnType<typeof lesson>>();
    const learning = lessons$
      .pipe(learnTags(reader, { optimizer: adam(1e-3), replay: { size: 8, per: 1, seed: 3 } }))
      .subscribe();
    await expectSteady(60, async (times) => {
      for (let k = 0; k < times; k += 1) lessons$.next(lesson(k));
    });
    learning.unsubscribe();
  });

  it('sessions of a server, which learn, generate, score and watch', async () => {
    const server = await served();
    const session = async (seed: number) => {
      const client = connect(server.url);
      await Promise.all([
        lastValueFrom(client.learn('the river bends', { source: 'a', end: true })),
        lastValueFrom(client.generate({ prompt: 'a', length: 2, seed })),
        lastValueFrom(client.score('ab')),
        lastValueFrom(client.metrics({ everyMs: 100 }).pipe(take(1))),
      ]);
      client.close();
    };
    await expectSteady(8, async (times) => {
      for (let k = 0; k < times; k += 4) await Promise.all([0, 1, 2, 3].map((n) => session(k + n)));
      await until(() => server.sessions === 0);
    });
  });
});
