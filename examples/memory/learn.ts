/** One model learns one task, until it passes the exam or its updates are used up. */
import { join } from 'node:path';
import {
  adam,
  evaluate,
  fromAsync,
  type GeneratorState,
  generator,
  loadRun,
  type Padded,
  positioned,
  type RandomGenerator,
  restoreGenerator,
  resume,
  type SignalWindow,
  tbptt,
} from 'oxbow';
import { lastValueFrom, map, takeUntil, takeWhile, tap } from 'rxjs';
import { clock } from '../shared/course.js';
import type { Interrupt } from '../shared/interrupt.js';
import { type About, type Kept, keeping, sayWhere } from '../shared/run.js';
import type { Screen } from '../shared/screen.js';
import { type Model, modelOf } from './model.js';
import type { Options } from './options.js';
import { type ModelName, recipe } from './recipe.js';
import type { Grade, Task, TaskName } from './tasks/task.js';

export interface Result extends Grade {
  readonly task: TaskName;
  readonly model: ModelName;
  readonly seed: number;
  readonly updates: number;
  readonly seconds: number;
}

/** Who learns what, and by which numbers. */
export interface Plan {
  readonly task: readonly TaskName[];
  readonly model: readonly ModelName[];
  readonly seed: number;
}

/** What a run of one model and one task says of itself. */
export interface MemoryAbout extends About {
  readonly task: 'memory';
  readonly recipe: { readonly task: TaskName; readonly model: ModelName; readonly seed: number };
  /** All that was asked for. */
  readonly plan: Plan;
  readonly seconds: number;
  /** Undefined until it is through. */
  readonly result?: Result;
}

/** The folder of one of the runs that a folder is for. */
export const folderOf = (folder: string, task: TaskName, model: ModelName): string => join(folder, `${task}-${model}`);

/** Windows one after another, each drawn when the one before has been learnt from. */
async function* windowsOf(task: Task, random: RandomGenerator, drawn: number): AsyncGenerator<SignalWindow<Padded>> {
  for (let update = drawn; update < task.updates; update += 1) yield task.window(random);
}

export interface Seen {
  readonly updates: number;
  readonly loss: number;
}

export interface Learnt {
  readonly model: Model;
  readonly result: Result;
}

type KeptMemory = Kept<Model, MemoryAbout, never> & { readonly position: { readonly random: GeneratorState } };

/** Undefined where it was interrupted before it was through. */
export async function learn(
  task: Task,
  name: ModelName,
  plan: Plan,
  { save: all, load, saveEvery }: Options,
  interrupt: Interrupt,
  out: Screen,
  seen: (progress: Seen) => void,
): Promise<Learnt | undefined> {
  const save = all && folderOf(all, task.name, name);
  const kept = save === undefined ? undefined : ((await resume<Model>(save)) as KeptMemory | undefined);
  if (kept) sayWhere(out, kept, `${task.name} by ${name}`);
  const time = clock(kept?.about.seconds);
  const { seed } = plan;
  const model = kept?.model ?? modelOf(task, name, seed);
  if (load !== undefined) await loadRun(folderOf(load, task.name, name), { model });
  const random = kept ? restoreGenerator(kept.position.random) : generator(seed, `${task.name} windows`);
  const exam = task.exam(generator(seed, `${task.name} exam`));
  const lanes = exam.input.shape[1] as number;
  const optimizer = adam(task.learningRates[name]);
  let result: Result | undefined;
  const about = (): MemoryAbout => ({
    example: 'memory',
    task: 'memory',
    recipe: { task: task.name, model: name, seed },
    plan,
    seconds: time.seconds(),
    ...(result && { result }),
  });

  const learning$ = fromAsync(windowsOf(task, random, kept?.step ?? 0)).pipe(
    positioned(() => ({ random: random.state() })),
    takeUntil(interrupt.requested$),
    tbptt(model, { loss: task.loss, optimizer, clipNorm: recipe.clipNorm, from: kept?.snapshot }),
    tap(({ step, loss }) => seen({ updates: step, loss })),
    map((update) => {
      const { step } = update;
      if (step % recipe.examEvery !== 0) return update;
      const grade = exam.grade(evaluate(model, model.initial(lanes), exam.input)[0]);
      if (grade.passed || step === task.updates) {
        result = { task: task.name, model: name, seed, updates: step, ...grade, seconds: time.seconds() };
      }
      return update;
    }),
    takeWhile(() => result === undefined, true),
    keeping({ save, saveEvery }, out, model, about),
  );
  await lastValueFrom(learning$, { defaultValue: undefined });
  return result && { model, result };
}
