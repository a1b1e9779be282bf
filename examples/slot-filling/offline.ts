/** Learning from a folder, several times over: the epoch is chosen on `--valid`, and `--test` is looked at once. */
import { fitTagger, type SlotScores, scoreTagger, type Tagger, tagger } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { clock } from '../shared/course.js';
import { count } from '../shared/numbers.js';
import { keeping, sayWhere } from '../shared/run.js';
import { weightsIn } from '../shared/weights.js';
import { everyNth, namesOf, type Sets } from './data.js';
import { netOf, type Options } from './options.js';
import { offline } from './recipe.js';
import { confusionTable, percent, showSpread, slotTable, spreadOf, summary } from './report.js';
import type { KeptEpoch, SlotsAbout } from './saved.js';
import { aboutOf, type Session } from './session.js';

export interface OfflineRun {
  readonly seed: number;
  /** Epochs that were finished. */
  readonly epochs: number;
  /** The epoch whose weights were tested; 0 where none was finished. */
  readonly chosen: number;
  readonly valid: SlotScores | undefined;
  readonly test: SlotScores | undefined;
  /** Of training and of choosing. */
  readonly seconds: number;
}

function fresh(sets: Sets, options: Options, seed: number): Tagger {
  return tagger({ ...namesOf(sets.train), ...offline.model, ...netOf(options), seed });
}

const keptOf = ({ epoch, loss, best, seconds, validation }: KeptEpoch): KeptEpoch => ({
  ...{ epoch, loss, best, seconds, validation },
});

/** One run, to the end or until it is interrupted. */
async function trainOnce(session: Session, sets: Sets, seed: number): Promise<OfflineRun> {
  const { options, screen, interrupt, kept, loaded } = session;
  const { epochs } = options;
  const model = kept?.model ?? loaded ?? fresh(sets, options, seed);
  // It may not know all of what is said here.
  if (loaded) model.grow(sets.train);
  if (seed === options.seed) screen.say(`${count(weightsIn(model.params))} weights`);
  const { valid = everyNth(sets.train, offline.chooseOn) } = sets;
  const train = sets.valid === undefined ? sets.train.filter((utterance) => !valid.includes(utterance)) : sets.train;
  const time = clock(kept?.about.seconds);
  let { last, best } = kept?.about.epochs ?? {};
  if (kept) sayWhere(screen, kept, `epoch ${(last?.epoch ?? 0) + 1} of ${epochs}`);
  const about = (): SlotsAbout => ({
    ...aboutOf(session),
    seconds: time.seconds(),
    epochs: { ...(last && { last }), ...(best && { best }) },
  });
  const learning$ = fitTagger(model, { train, valid, epochs, ...offline.training, seed, from: kept?.snapshot }).pipe(
    takeUntil(interrupt.requested$),
    tap((result) => {
      const { epoch, loss, validation, seconds } = result;
      last = keptOf(result);
      if (result.best) best = last;
      screen.live(
        () =>
          `seed ${seed} · epoch ${epoch} of ${epochs} · loss ${loss.toFixed(4)} · valid F1 ${percent(validation.f1)}` +
          `${Number.isNaN(validation.intentAccuracy) ? '' : `, intents ${percent(validation.intentAccuracy)}`}` +
          ` · ${count((seconds / epoch) * (epochs - epoch))} s left`,
        epoch === epochs,
      );
    }),
    keeping(options, screen, model, about),
  );
  if (last?.epoch === epochs) screen.note(`it has learnt for all of its ${epochs} epochs already`);
  else await lastValueFrom(learning$, { defaultValue: undefined });
  const seconds = last !== undefined && last.epoch === epochs ? last.seconds : time.seconds();
  const test = sets.test && last && scoreTagger(model, sets.test);
  return { seed, epochs: last?.epoch ?? 0, chosen: best?.epoch ?? 0, valid: best?.validation, test, seconds };
}

/** What the runs say together. */
function sayAll({ screen }: Session, runs: readonly OfflineRun[]): void {
  const tested = runs.flatMap(({ test }) => test ?? []);
  const last = tested.at(-1);
  if (last !== undefined) {
    screen.say(['', ...slotTable(last)].join('\n'));
    const mistakes = confusionTable(last);
    if (mistakes.length > 0) screen.say(['', 'what was taken for what, most often', ...mistakes].join('\n'));
    screen.say('');
  }
  for (const { seed, chosen, valid, test, seconds } of runs) {
    const scores = test ?? valid;
    const of = test === undefined ? 'valid' : 'test';
    if (scores) screen.say(`seed ${seed}, epoch ${chosen}: ${of} ${summary(scores)} · ${seconds.toFixed(1)} s`);
    else screen.say(`seed ${seed}: nothing learnt in ${seconds.toFixed(1)} s`);
  }
  if (tested.length < 2) return;
  const of = (name: 'f1' | 'intentAccuracy') => showSpread(spreadOf(tested.map((scores) => scores[name])));
  screen.say(`${tested.length} seeds, mean ± deviation: F1 ${of('f1')} · intents ${of('intentAccuracy')}`);
}

/** A run for each seed. An interrupt ends the run, which is then tested as it is, and there is no further one. */
export async function trainOffline(session: Session, sets: Sets): Promise<void> {
  const { options, screen, interrupt, machine } = session;
  const counts = (['train', 'valid', 'test'] as const).map((name) => `${name} ${count(sets[name]?.length ?? 0)}`);
  screen.say(`utterances: ${counts.join(', ')}; ${machine}`);
  const runs: OfflineRun[] = [];
  for (let k = 0; k < options.seeds && !interrupt.requested(); k += 1) {
    const run = await trainOnce(session, sets, options.seed + k);
    screen.record(run);
    runs.push(run);
  }
  sayAll(session, runs);
}
