/** Iterations of one epoch, each followed by what the model says then. */
import * as E from 'fp-ts/lib/Either.js';
import { type EpochProgress, type Figures, type FitProgress, generator } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { type Failure, refused } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { screen } from '../shared/screen.js';
import type { Task } from './models.js';
import type { Options } from './options.js';

export async function run(
  options: Options,
  interrupt: Interrupt,
  task: Task,
  machine: string,
): Promise<E.Either<Failure, void>> {
  const { iterations, seed, load, save } = options;
  const { model, data, batch, heldOut, unit, length } = task;
  const shown = screen(options.json);
  const examples = data.x.shape[0] as number;
  const loaded = load === undefined ? E.right(undefined) : await model.loadEither(load)();
  if (E.isLeft(loaded)) return E.left(refused('--load')(loaded.left));
  shown.say(`${count(examples)} windows of ${length} ${unit}, ${count(task.symbols)} different ones; ${machine}`);
  shown.say(model.summary(data.x));
  shown.record({ model: options.model, windows: examples, symbols: task.symbols, iterations, machine });

  /** Of the latest iteration's training. */
  let seconds = 0;

  /** One epoch: what came out, or how far it came before it was interrupted. */
  function learn(iteration: number): Promise<FitProgress | undefined> {
    const started = performance.now();
    const left = (progress: FitProgress): number =>
      progress.secondsLeft + ((iterations - iteration) * (performance.now() - started)) / 1000 / partOf(progress);
    const line = (progress: FitProgress): string =>
      [
        `iteration ${iteration} of ${iterations}`,
        figuresOf(progress),
        `${count(progress.samplesPerSecond * length)} ${unit}/s`,
        `${count(left(progress))} s left`,
      ].join(' · ');
    const fit = model.fit(data.x, data.y, { batch, seed, ...(heldOut !== undefined && { validationSplit: heldOut }) });
    const seen$ = fit.pipe(
      takeUntil(interrupt.requested$),
      tap((progress) => {
        // What is held out is looked at after the last batch, which is no training.
        if (progress.kind === 'batch') seconds = (performance.now() - started) / 1000;
        shown.live(() => line(progress));
      }),
    );
    return lastValueFrom(seen$, { defaultValue: undefined });
  }

  async function keep(): Promise<E.Either<Failure, void>> {
    const saved = save === undefined ? E.right(undefined) : await model.saveEither(save)();
    return E.isLeft(saved) ? E.left(refused('--save')(saved.left)) : saved;
  }

  const random = generator(seed, 'alice');
  let learnt = false;
  for (let iteration = 1; iteration <= iterations; iteration += 1) {
    const end = await learn(iteration);
    learnt ||= end !== undefined;
    if (end?.kind === 'epoch') {
      const said = await task.say(random.below(examples));
      const symbolsPerSecond = (end.samples * length) / seconds;
      shown.say(`iteration ${iteration} · ${figuresOf(end)}\n${shown.dim(`» ${said}`)}`);
      shown.record({ iteration, ...figures(end), symbolsPerSecond, said });
    }
    const kept = learnt ? await keep() : E.right(undefined);
    if (E.isLeft(kept)) return kept;
    if (!interrupt.requested()) continue;
    const reached = end === undefined ? 'before its first batch' : `with ${figuresOf(end)}`;
    shown.note(`stopped in iteration ${count(iteration)} of ${count(iterations)}, ${reached}`);
    break;
  }
  if (save !== undefined) shown.note(learnt ? `saved ${save}` : 'nothing learnt, nothing saved');
  shown.record({ saved: learnt ? save : undefined, interrupted: interrupt.requested() });
  return E.right(undefined);
}

/** How much of the epoch is done. */
const partOf = (progress: FitProgress): number => (progress.kind === 'epoch' ? 1 : progress.batch / progress.batches);

const figures = ({ loss, metrics, validation }: EpochProgress) => ({ loss, metrics, validation });

function figuresOf(progress: FitProgress): string {
  const show = (loss: number, metrics: Figures) =>
    [`loss ${loss.toFixed(3)}`, ...Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(3)}`)].join(
      ' · ',
    );
  const own = show(progress.loss, progress.metrics);
  if (progress.kind === 'batch' || !progress.validation) return own;
  return `${own} · held out: ${show(progress.validation.loss, progress.validation.metrics)}`;
}
