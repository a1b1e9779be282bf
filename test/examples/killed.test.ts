/** Real processes that learn, are killed at any moment, and go on: each loss is, bit for bit, that of a run without a break. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toJsonLine } from '../../src/formats/utterances/json-lines.js';
import { generator } from '../../src/random.js';
import { programOf, start } from '../kernels/processes.js';

/** More of them: `OXBOW_TEST_EXAMPLES=1 OXBOW_TEST_KILLS=50 npx vitest run test/examples/killed.test.ts`. */
const KILLS = Number(process.env.OXBOW_TEST_KILLS || 3);
const random = generator(Date.now(), 'kills');

let base: string;
let learner: string;
let teacher: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'oxbow-killed-'));
  const text = Array.from({ length: 4000 }, (_, k) => 'the river bends, é水'[(k * k + 7 * k) % 19]).join('');
  writeFileSync(join(base, 'text'), text);
  learner = await programOf(`
    import { Subject } from 'rxjs';
    import { adam, checkpointed, crossEntropy, dense, embedding, fromFile, holdSource, lanes, lstm, positioned, resume, stack, tagger, tbptt,
      tokens, vocabulary, windows, learnTags } from '../../src/index.js';
    import { from, map, tap } from 'rxjs';
    const { FOLDER, BASE, KIND } = process.env;
    const text = readFileSync(BASE + '/text', 'utf8');
    const vocab = vocabulary('the river bends, é水');
    const kept = await resume(FOLDER);
    say({ from: kept?.step ?? 0 });
    const model = kept?.model ?? stack(
      { embed: embedding(vocab.size, 6), rnn: lstm(6, 12), head: dense(12, vocab.size) }, { seed: 5 });
    const options = { loss: crossEntropy(), optimizer: adam(0.01), clipNorm: 1, from: kept?.snapshot,
      thread: KIND === 'learner' ? 'learner' : 'caller' };
    const at = kept?.position;
    // A pipe has no places: the source counts its lines, and passes over those that are behind.
    async function* lines() {
      let rest = '';
      let count = 0;
      for await (const piece of process.stdin.setEncoding('utf8')) {
        const all = (rest + piece).split('\\n');
        rest = all.pop();
        for (const line of all) {
          count += 1;
          if (count > (at?.source?.line ?? 0)) yield [line, count];
        }
      }
    }
    const windows$ = KIND === 'stdin'
      ? (await import('../../src/index.js')).fromAsync(lines).pipe(
          positioned(([, line]) => ({ line })),
          map(([line]) => line),
          tokens(vocab),
          windows({ length: 12, from: at }),
        )
      : KIND === 'file'
        ? fromFile(BASE + '/text', { chunk: 97, from: at?.source }).pipe(tokens(vocab), windows({ length: 16, from: at }))
        : lanes(vocab.encode(text), { batch: 4, length: 16, epochs: 2, ...(at && { from: at }) });
    windows$.pipe(tbptt(model, options), tap({ complete: () => say({ learnt: true }) }), checkpointed(FOLDER, { model, everySteps: 3, signals: KIND === 'signal', saved: { next: ({ step }) => say({ saved: step }) } }))
      .subscribe({ next: ({ step, loss }) => say({ step, loss }), complete: () => say({ end: true }), error: (e) => say({ error: String(e) }) });
  `);
});
beforeAll(async () => {
  writeFileSync(
    join(base, 'utterances'),
    journeys()
      .map((each) => toJsonLine(each))
      .join('\n'),
  );
  teacher = await programOf(`
    import { adam, checkpointed, embedding, fitTagger, fromJsonLines, lastStep, learnTags, lstm, dense, crossEntropy, pending, positioned, resume,
      sequential, tagger } from '../../src/index.js';
    import { concatMap, from, lastValueFrom, map, mergeMap, skip, toArray } from 'rxjs';
    const { FOLDER, BASE, KIND } = process.env;
    const kept = await resume(FOLDER);
    say({ from: kept?.step ?? 0 });
    const utterance$ = fromJsonLines(BASE + '/utterances');
    const keeping = (model) => checkpointed(FOLDER, { model, everySteps: 2, signals: false, saved: { next: ({ step }) => say({ saved: step }) } });
    const names = { features: 8, units: 8, characters: { features: 3, maps: 4 }, seed: 5 };
    function slots() {
      const model = kept?.model ?? tagger({ ...names, words: [], tags: ['O'], intents: ['none'], bidirectional: false });
      const first = kept?.position ?? 0;
      // Each utterance is said first, and taught afterwards.
      return utterance$.pipe(
        concatMap(({ words, tags, intent }, k) => [{ id: 'u' + k, words }, { id: 'u' + k, tags, intent }]),
        skip(first),
        positioned((_, index) => first + index + 1),
        learnTags(model, { optimizer: adam(0.01), clipNorm: 5, replay: { size: 5, per: 2, seed: 3 }, pending: pending({ capacity: 4 }),
          from: kept?.snapshot, ...(KIND === 'slots, on a learner' && { thread: 'learner' }) }),
        keeping(model),
        mergeMap((event) => (event.outcome === 'learned' ? [{ step: event.step, loss: event.loss }] : [])),
      );
    }
    async function whole() {
      const all = await lastValueFrom(utterance$.pipe(toArray()));
      if (KIND === 'fitTagger') {
        const model = kept?.model ?? tagger({ ...names, words: all.flatMap(({ words }) => words), tags: new Set(all.flatMap(({ tags }) => tags)),
          intents: new Set(all.map(({ intent }) => intent)) });
        return fitTagger(model, { train: all, valid: all.slice(0, 9), epochs: 8, batch: 8, seed: 4, from: kept?.snapshot, slice: 0 })
          .pipe(keeping(model));
      }
      const ids = [...new Set(all.flatMap(({ words }) => words))];
      const model = kept?.model ?? sequential([embedding(ids.length, 6), lstm(6, 8), lastStep(), dense(8, 2)], { seed: 2 })
        .compile({ loss: crossEntropy(), optimizer: adam(0.01), metrics: ['accuracy'] });
      const [x, y] = [all.map(({ words }) => Int32Array.from(words.slice(0, 2), (word) => ids.indexOf(word))), all.map(({ intent }) => (intent === 'leaving' ? 1 : 0))];
      return model.fit(x, y, { epochs: 8, batch: 8, slice: 0, from: kept?.snapshot }).pipe(
        keeping(model),
        mergeMap((event) => (event.kind === 'batch' ? [{ step: event.step, loss: event.batchLoss }] : [])),
      );
    }
    (KIND.startsWith('slots') ? slots() : await whole())
      .subscribe({ next: ({ step, loss }) => say({ step, loss }), complete: () => say({ end: true }), error: (e) => say({ error: String(e) }) });
  `);
});
afterAll(() => rmSync(base, { recursive: true }));

/** Utterances whose slots only their first word tells apart; new words come all the time. */
function journeys() {
  const said = generator(7, 'journeys');
  return Array.from({ length: 34 }, (_, k) => {
    const leaves = said.below(2) === 0;
    const city = `city${said.below(4 + k)}`;
    const slot = leaves ? 'B-fromloc' : 'B-toloc';
    return {
      words: [leaves ? 'leave' : 'arrive', city, 'on', `day${k % 7}`],
      tags: ['O', slot, 'O', 'B-date'],
      intent: leaves ? 'leaving' : 'arriving',
    };
  });
}

interface Said {
  readonly from?: number;
  readonly step?: number;
  readonly saved?: number;
  /** The source is at its end; the last file is not written yet. */
  readonly learnt?: boolean;
  readonly loss?: number;
  readonly end?: boolean;
  readonly error?: string;
}

const lines = () =>
  Array.from({ length: 300 }, (_, k) => 'the river bends, é水'.slice(k % 7, 6 + ((k * 3) % 13))).join('\n');

/** One life of a process: what it said, until it was killed so many lines after its first file, or had come to its end. */
async function live(
  kind: string,
  folder: string,
  until: number | 'learnt',
  signal: NodeJS.Signals,
): Promise<readonly Said[]> {
  const { child, next, ended } = start(/slots|fit/.test(kind) ? teacher : learner, {
    env: { FOLDER: folder, BASE: base, KIND: kind, OXBOW_THREADS: '1' },
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(kind === 'stdin' ? `${lines()}\n` : '');
  let isSaved = false;
  for (let k = 0; until === 'learnt' || k < until; ) {
    const said = (await next()) as Said | undefined;
    if (said === undefined || said.end || said.error !== undefined) break;
    if (until === 'learnt' && said.learnt) break;
    isSaved ||= said.saved !== undefined;
    if (isSaved) k += 1;
  }
  if (until !== 'learnt') await delay(random.below(5));
  child.kill(signal);
  return (await ended).said as readonly Said[];
}

/** Teaching on a learner takes long in many short lives, and is left within lessons in taggers.test.ts: it comes with more kills. */
const kinds = ['lanes', 'file', 'stdin', 'learner', 'slots', 'fit', ...(KILLS > 3 ? ['slots, on a learner'] : [])];

it.each(kinds)(
  `${KILLS} kills at random moments change no loss, leave out none and repeat none: %s`,
  { timeout: 600_000 },
  async (kind) => {
    const whole = await live(kind, join(base, `${kind}-whole`), Number.POSITIVE_INFINITY, 'SIGKILL');
    expect(whole.at(-1)).toEqual({ end: true });
    const losses = new Map(whole.map(({ step, loss }) => [step, loss]));
    const count = whole.filter(({ step }) => step !== undefined).length;
    expect(count).toBeGreaterThan(30);
    const folder = join(base, kind);
    let last = 0;
    let kills = 0;
    for (;;) {
      const said = await live(kind, folder, 1 + random.below(Math.ceil(count / KILLS)), 'SIGKILL');
      const begun = said[0]?.from as number;
      // It goes on from a file that was whole, no further than what was learnt.
      expect(begun).toBeLessThanOrEqual(last + 1);
      for (const [k, { step, loss }] of said.filter((one) => one.step !== undefined).entries()) {
        expect(step).toBe(begun + k + 1);
        expect(loss).toBe(losses.get(step));
        last = Math.max(last, step as number);
      }
      if (said.at(-1)?.end) break;
      expect(said.at(-1)?.error).toBeUndefined();
      kills += 1;
      expect(kills).toBeLessThan(20 * KILLS);
    }
    expect(last).toBe(count);
  },
);

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s saves the last update before it ends the process',
  { timeout: 60_000 },
  async (signal) => {
    const folder = join(base, signal);
    const said = await live('signal', folder, 12, signal);
    const last = said.findLast(({ step }) => step !== undefined)?.step as number;
    expect(said.at(-1)?.end ?? said.at(-2)?.end).toBe(true);
    const [first] = await live('signal', folder, 1, 'SIGKILL');
    expect(first?.from).toBe(last);
  },
);

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s waits for the last file of a run that has come to its end',
  { timeout: 60_000 },
  async (signal) => {
    const folder = join(base, `${signal}-last`);
    const said = await live('signal', folder, 'learnt', signal);
    const last = said.findLast(({ step }) => step !== undefined)?.step as number;
    expect(said.at(-1)?.end ?? said.at(-2)?.end).toBe(true);
    const [first] = await live('signal', folder, 1, 'SIGKILL');
    expect(first?.from).toBe(last);
  },
);

it(`${KILLS} kills at random moments change no epoch of a tagger, and leave out no update`, {
  timeout: 600_000,
}, async () => {
  const whole = await live('fitTagger', join(base, 'tagger-whole'), Number.POSITIVE_INFINITY, 'SIGKILL');
  expect(whole.at(-1)).toEqual({ end: true });
  const losses = new Map(whole.map(({ step, loss }) => [step, loss]));
  let [last, saved] = [0, 0];
  for (let kills = 0; ; kills += 1) {
    expect(kills).toBeLessThan(20 * KILLS);
    const said = await live('fitTagger', join(base, 'tagger'), 1 + random.below(Math.ceil(60 / KILLS)), 'SIGKILL');
    expect(said[0]?.from).toBeGreaterThanOrEqual(saved);
    saved = Math.max(saved, ...said.flatMap((one) => one.saved ?? []));
    for (const { step, loss } of said.filter((one) => one.step !== undefined)) {
      expect(loss).toBe(losses.get(step));
      last = Math.max(last, step as number);
    }
    if (said.at(-1)?.end) break;
    expect(said.at(-1)?.error).toBeUndefined();
  }
  expect(last).toBe(40);
});
