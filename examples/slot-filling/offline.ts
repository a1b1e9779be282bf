/** Learning from a folder, several times over: the epoch is chosen on `--valid`, and `--test` is looked at once. */
import {
  adam,
  cosine,
  fromAsync,
  loadWeights,
  type SlotScores,
  type TaggedUtterance,
  type Tagger,
  tagger,
  taggerTrainer,
  weightsOf,
} from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { count } from '../shared/numbers.js';
import { chunked, namesOf, type Sets, shuffled } from './data.js';
import { evaluation } from './evaluation.js';
import { offline } from './recipe.js';
import { confusionTable, percent, showSpread, slotTable, spreadOf, summary } from './report.js';
import type { Session } from './session.js';

export interface OfflineRun {
  readonly seed: number;
  /** Epochs that were finished. */
  readonly epochs: number;
  /** The epoch whose weights were tested. */
  readonly chosen: number;
  readonly valid: SlotScores | undefined;
  readonly test: SlotScores | undefined;
  /** Of training and of choosing. */
  readonly seconds: number;
}

interface Batch {
  readonly examples: readonly TaggedUtterance[];
  readonly epoch: number;
  readonly last: boolean;
}

async function* batches(utterances: readonly TaggedUtterance[], epochs: number, seed: number): AsyncGenerator<Batch> {
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    const all = chunked(shuffled(utterances, seed, `epoch ${epoch}`), offline.batch);
    for (const [k, examples] of all.entries()) yield { examples, epoch, last: k === all.length - 1 };
  }
}

/** The best weights so far, and what they were good for. */
interface Best {
  readonly epoch: number;
  readonly scores: SlotScores;
  readonly weights: ReturnType<typeof weightsOf>;
}

/** Slots and intents count alike; an utterance's intent is a word to slots' many, so both are shares. */
const worthOf = ({ f1, intentAccuracy }: SlotScores): number =>
  f1 + (Number.isNaN(intentAccuracy) ? 0 : intentAccuracy);

const modelOf = (train: readonly TaggedUtterance[], units: number | undefined, seed: number): Tagger =>
  tagger({ ...namesOf(train), ...offline.model, ...(units !== undefined && { units }), seed });

/** One run, to the end or to Ctrl-C. */
export async function trainOnce(
  { options, screen, interrupt }: Session,
  sets: Sets,
  seed: number,
): Promise<OfflineRun> {
  const { train, valid, test } = sets;
  const { epochs } = options;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const model = modelOf(train, options.units, seed);
  const updates = epochs * Math.ceil(train.length / offline.batch);
  const { learningRate: rate, floor, clipNorm } = offline;
  const learner = taggerTrainer(model, {
    optimizer: adam(cosine({ rate, steps: updates, floor: floor * rate })),
    clipNorm,
  });
  let best: Best | undefined;
  let finished = 0;
  let [loss, seen] = [0, 0];

  function endOfEpoch(epoch: number): void {
    finished = epoch;
    const parts = [`seed ${seed} · epoch ${epoch} of ${epochs}: loss ${(loss / seen).toFixed(4)}`];
    [loss, seen] = [0, 0];
    if (valid !== undefined) {
      const scores = evaluation(model, valid);
      if (best === undefined || worthOf(scores) > worthOf(best.scores)) {
        best = { epoch, scores, weights: weightsOf(model.params) };
      }
      parts.push(`valid F1 ${percent(scores.f1)}, intents ${percent(scores.intentAccuracy)}`);
    }
    screen.say(`${parts.join(' · ')} · ${elapsed().toFixed(1)} s`);
  }

  const learning$ = fromAsync(batches(train, epochs, seed)).pipe(
    takeUntil(interrupt.requested$),
    tap(({ examples, epoch, last }) => {
      loss += learner.learn(examples).loss * examples.length;
      seen += examples.length;
      screen.live(() => {
        const left = (elapsed() / learner.steps) * (updates - learner.steps);
        return [
          `seed ${seed} · epoch ${((epochs * learner.steps) / updates).toFixed(2)} of ${epochs}`,
          `loss ${(loss / Math.max(1, seen)).toFixed(4)}`,
          `${count((learner.steps * offline.batch) / elapsed())} utterances/s`,
          `${count(left)} s left`,
        ].join(' · ');
      });
      if (last) endOfEpoch(epoch);
    }),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });
  learner.release();
  const seconds = elapsed();
  if (best !== undefined) loadWeights(model.params, best.weights);
  return {
    seed,
    epochs: finished,
    chosen: best?.epoch ?? finished,
    valid: best?.scores,
    test: test && evaluation(model, test),
    seconds,
  };
}

/** What the runs say together. */
function sayAll({ screen }: Session, runs: readonly OfflineRun[]): void {
  const tested = runs.flatMap(({ test }) => test ?? []);
  const last = tested.at(-1);
  if (last === undefined) return;
  screen.say(['', ...slotTable(last)].join('\n'));
  const mistakes = confusionTable(last);
  if (mistakes.length > 0) screen.say(['', 'what was taken for what, the most frequent first', ...mistakes].join('\n'));
  screen.say('');
  for (const { seed, chosen, test, seconds } of runs) {
    if (test) screen.say(`seed ${seed}, epoch ${chosen}: test ${summary(test)} · ${seconds.toFixed(1)} s of training`);
  }
  if (tested.length < 2) return;
  const of = (name: 'f1' | 'intentAccuracy') => showSpread(spreadOf(tested.map((scores) => scores[name])));
  screen.say(`${tested.length} seeds, mean ± deviation: F1 ${of('f1')} · intents ${of('intentAccuracy')}`);
}

/** A run for each seed. Ctrl-C ends the run, which is then tested as it is, and there is no further one. */
export async function trainOffline(session: Session, sets: Sets): Promise<readonly OfflineRun[]> {
  const { options, screen, interrupt, machine } = session;
  const counts = (['train', 'valid', 'test'] as const).map((name) => `${name} ${count(sets[name]?.length ?? 0)}`);
  screen.say(`utterances: ${counts.join(', ')}; ${machine}`);
  const runs: OfflineRun[] = [];
  for (let k = 0; k < options.seeds && !interrupt.requested(); k += 1) {
    runs.push(await trainOnce(session, sets, options.seed + k));
  }
  sayAll(session, runs);
  return runs;
}
