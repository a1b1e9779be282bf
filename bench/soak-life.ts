/**
 * One life of what `npm run soak` keeps going: a net learns on the learner's threads from a live source and is kept in a folder, a tagger learns
 * and is saved, 1,000 keys are scored, and texts are generated, all at once, until the process is killed or is told to stop. It says
 * to its parent what it has learnt.
 */
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { lastValueFrom, tap } from 'rxjs';
import {
  adam,
  checkpointed,
  crossEntropy,
  dense,
  embedding,
  fromAsync,
  generateIterable,
  generator,
  ids,
  type KeyedState,
  keyed,
  learnTags,
  loadCheckpoint,
  lstm,
  positioned,
  restoreTagger,
  resume,
  saveCheckpoint,
  stack,
  tagger,
  taggerCheckpoint,
  tbptt,
  type Utterance,
} from '../src/index.js';
import { type KeptMemory, keptMemory } from './kept-memory.js';

/** What a life says. */
export type Said =
  /** It goes on after that window and that lesson; the run's folder has these files. */
  | { readonly begun: number; readonly step: number; readonly lesson: number; readonly names: readonly string[] }
  | { readonly of: 'windows' | 'lessons'; readonly number: number; readonly loss: number }
  | { readonly saved: number }
  | { readonly wrong: string }
  | {
      readonly memory: KeptMemory;
      /** Milliseconds by which the event loop was late, hundred quantiles of the last second. */
      readonly delays: readonly number[];
      readonly answered: number;
      readonly symbols: number;
    };

const [SYMBOLS, STEPS, LANES, UNITS] = [65, 32, 8, 64];
const [KEYS, RESIDENT, SPEAKERS] = [1000, 250, 10];
/** Milliseconds between two windows, two lessons, two bursts of values, and two symbols of a speaker. */
const [WINDOW_GAP, LESSON_GAP, BURST_GAP, SYMBOL_GAP] = [20, 50, 20, 50];
const [BURST, SPEECH, LESSONS_BETWEEN] = [20, 400, 20];

const run = `${process.env.OXBOW_FOLDER}/run`;
const slots = `${process.env.OXBOW_FOLDER}/tagger.safetensors`;
const say = (said: Said) => void process.send?.(said);
const wrong = (what: string) => say({ wrong: what });

let goesOn = true;
process.once('message', () => {
  goesOn = false;
});
// The parent is gone: nobody hears.
process.once('disconnect', () => goesOn && process.exit(1));

const kept = await resume<ReturnType<typeof made>>(run);
const made = () =>
  stack({ embed: embedding(SYMBOLS, 32), rnn: lstm(32, UNITS), head: dense(UNITS, SYMBOLS) }, { seed: 1 });
const model = kept?.model ?? made();
const reader = tagger({ words: [], tags: ['O'], units: 16, features: 8, bidirectional: false, seed: 2 });
const before = await loadCheckpoint(slots).catch(() => undefined);
const state = before && restoreTagger(reader, before);
const [begun, lesson] = [kept?.position ?? 0, Number(before?.metadata.lesson ?? 0)];
say({ begun, step: kept?.step ?? 0, lesson, names: readdirSync(run) });

/** A live source, whose windows follow from their numbers: those that come again are the same. */
async function* windows() {
  for (let number = begun + 1; goesOn; number += 1) {
    const random = generator(1, `window ${number}`);
    const draw = () =>
      ids(
        [STEPS, LANES],
        Int32Array.from({ length: STEPS * LANES }, () => random.below(SYMBOLS)),
      );
    yield { input: draw(), target: draw(), number };
    await pause(WINDOW_GAP);
  }
}

const learning = lastValueFrom(
  fromAsync(windows()).pipe(
    positioned(({ number }) => number),
    tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-4), clipNorm: 5, thread: 'learner', from: kept?.snapshot }),
    tap(({ window, step, loss }) => {
      if (step !== window.number) wrong(`window ${window.number} was learnt in step ${step}`);
      say({ of: 'windows', number: window.number, loss });
    }),
    checkpointed(run, { model, everyMs: 1000, saved: { next: ({ step }) => say({ saved: step }) } }),
  ),
  { defaultValue: undefined },
);

async function* lessons() {
  for (let number = lesson + 1; goesOn; number += 1) {
    const random = generator(2, `lesson ${number}`);
    const words = Array.from({ length: 2 + random.below(8) }, () => `w${random.below(200)}`);
    const tags = words.map((word) => (word.length % 2 === 0 ? 'B-even' : 'O'));
    yield { id: String(number), words, tags } satisfies Utterance;
    await pause(LESSON_GAP);
  }
}

/** The tagger as a file of its own, with the number of its last lesson. */
let writing: Promise<void> | undefined;
function saveTagger(number: number, now: NonNullable<typeof state>): void {
  if (writing !== undefined) return;
  const { tensors, metadata } = taggerCheckpoint(reader, now);
  writing = saveCheckpoint(slots, { tensors, metadata: { ...metadata, lesson: String(number) } }).finally(() => {
    writing = undefined;
  });
}

const reading = lastValueFrom(
  fromAsync(lessons()).pipe(
    learnTags(reader, { optimizer: adam(1e-3), replay: { size: 32, per: 3, seed: 3 }, state }),
    tap((outcome) => {
      if (outcome.outcome !== 'learned') return wrong(`a lesson was ${outcome.outcome}`);
      const number = Number(outcome.id);
      say({ of: 'lessons', number, loss: outcome.loss });
      if (number % LESSONS_BETWEEN === 0) saveTagger(number, outcome.state());
    }),
  ),
  { defaultValue: undefined },
);

async function* values() {
  const random = generator(process.pid, 'values');
  const numbers = new Int32Array(KEYS);
  while (goesOn) {
    for (let k = 0; k < BURST; k += 1) {
      const key = random.below(KEYS);
      numbers[key] = (numbers[key] as number) + 1;
      yield { key, value: random.below(SYMBOLS), number: numbers[key] as number };
    }
    await pause(BURST_GAP);
  }
}

const away = new Map<number, KeyedState<unknown>>();
const answers = new Int32Array(KEYS);
let [answered, symbols] = [0, 0];
const scoring = lastValueFrom(
  fromAsync(values()).pipe(
    keyed(model, {
      output: 'surprisal',
      maxKeys: RESIDENT,
      maxBatch: 64,
      store: { get: (key: number) => away.get(key), put: (key: number, carry) => void away.set(key, carry) },
    }),
    tap(({ key, input }) => {
      answered += 1;
      answers[key] = (answers[key] as number) + 1;
      if (input.number !== answers[key]) wrong(`value ${input.number} of key ${key} was answer ${answers[key]}`);
    }),
  ),
  { defaultValue: undefined },
);

async function speak(speaker: number): Promise<void> {
  for (let speech = 0; goesOn; speech += 1) {
    const seed = speaker + SPEAKERS * speech;
    for await (const symbol of generateIterable(model, ids([1, 1], [seed % SYMBOLS]), { length: SPEECH, seed })) {
      symbols += symbol.data.length;
      if (!goesOn) break;
      await pause(SYMBOL_GAP);
    }
  }
}
const speaking = Promise.all(Array.from({ length: SPEAKERS }, (_, k) => speak(k)));

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const sampling = setInterval(() => {
  say({
    memory: keptMemory(),
    delays: Array.from({ length: 100 }, (_, k) => delay.percentile(k + 0.5) / 1e6),
    answered,
    symbols,
  });
  delay.reset();
}, 1000);

await Promise.all([learning, reading, scoring, speaking]);
await writing;
clearInterval(sampling);
process.disconnect();
