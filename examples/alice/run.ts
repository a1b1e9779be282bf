/** Iterations of one epoch, each followed by what the model says then. */
import * as E from 'fp-ts/lib/Either.js';
import { type EpochProgress, type Figures, type FitProgress, generator } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { type Failure, failure } from '../shared/failure.js';
import { onInterrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { screen } from '../shared/screen.js';
import type { Task } from './models.js';
import type { Options } from './options.js';

export async function run(options: Options, task: Task, machine: string): Promise<E.Either<Failure, void>> {
  const { iterations, seed, load, save, json } = options;
  const { model, data, batch, heldOut, unit, length } = task;
  const [shown, interrupt] = [screen(), onInterrupt()];
  const examples = data.x.shape[0] as number;
  if (load !== undefined) {
    const loaded = await model.load(load)();
    if (E.isLeft(loaded)) return E.left(failure(`--load: ${loaded.left.message}`));
  }
  if (!json) {
    shown.say(`${count(examples)} windows of ${length} ${unit}, ${count(task.symbols)} different ones; ${machine}`);
    shown.say(model.summary(data.x));
  }

  const random = generator(seed, 'alice');
  for (let iteration = 1; iteration <= iterations && !interrupt.requested(); iteration += 1) {
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
    const end = await lastValueFrom(
      model.fit(data.x, data.y, { batch, seed, ...(heldOut !== undefined && { validationSplit: heldOut }) }).pipe(
        takeUntil(interrupt.requested$),
        tap((progress) => !json && shown.live(() => line(progress))),
      ),
      { defaultValue: undefined },
    );
    if (end?.kind !== 'epoch') break;
    const said = await task.say(random.below(examples));
    const symbolsPerSecond = (end.samples * length) / (end.history.epochs[0]?.seconds ?? 1);
    if (json) shown.say(JSON.stringify({ iteration, ...figures(end), symbolsPerSecond, said }));
    else shown.say(`iteration ${iteration} · ${figuresOf(end)}\n${shown.dim(`» ${said}`)}`);
    const saved = save === undefined ? E.right(undefined) : await model.save(save)();
    if (E.isLeft(saved)) return E.left(failure(`--save: ${saved.left.message}`));
  }
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
