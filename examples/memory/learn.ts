/** One model learns one task, until it passes the exam or its updates are used up. */
import { adam, evaluate, fromAsync, generator, type Padded, type SignalWindow, tbptt } from 'oxbow';
import { filter, last, lastValueFrom, map, type Observable, takeUntil, takeWhile, tap } from 'rxjs';
import { type Model, modelOf } from './model.js';
import { type ModelName, recipe } from './recipe.js';
import type { Grade, Task } from './tasks/task.js';

export interface Result extends Grade {
  readonly task: Task['name'];
  readonly model: ModelName;
  readonly seed: number;
  readonly updates: number;
  readonly seconds: number;
}

/** Windows one after another, each drawn when the one before has been learnt from. */
async function* windowsOf(task: Task, seed: number): AsyncGenerator<SignalWindow<Padded>> {
  const random = generator(seed, `${task.name} windows`);
  for (let update = 0; update < task.updates; update += 1) yield task.window(random);
}

export interface Seen {
  readonly updates: number;
  readonly loss: number;
}

export interface Learnt {
  readonly model: Model;
  readonly result: Result;
}

export async function learn(
  task: Task,
  name: ModelName,
  seed: number,
  stop$: Observable<unknown>,
  seen: (progress: Seen) => void,
): Promise<Learnt | undefined> {
  const started = performance.now();
  const model = modelOf(task, name, seed);
  const exam = task.exam(generator(seed, `${task.name} exam`));
  const lanes = exam.input.shape[1] as number;

  const examined$ = fromAsync(windowsOf(task, seed)).pipe(
    takeUntil(stop$),
    tbptt(model, { loss: task.loss, optimizer: adam(task.learningRates[name]), clipNorm: recipe.clipNorm }),
    tap(({ step, loss }) => seen({ updates: step, loss })),
    filter(({ step }) => step % recipe.examEvery === 0),
    map(({ step }) => ({ updates: step, ...exam.grade(evaluate(model, model.initial(lanes), exam.input)[0]) })),
    takeWhile(({ passed }) => !passed, true),
    last(null, undefined),
  );
  const outcome = await lastValueFrom(examined$, { defaultValue: undefined });
  // Stopped before it was through.
  if (outcome === undefined || (!outcome.passed && outcome.updates < task.updates)) return undefined;
  const seconds = (performance.now() - started) / 1000;
  return { model, result: { task: task.name, model: name, seed, ...outcome, seconds } };
}
