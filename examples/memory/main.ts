/** `npm run example:memory`: which nets can remember, shown on tasks that need it. */
import * as E from 'fp-ts/lib/Either.js';
import { evaluate } from 'oxbow';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { several } from '../shared/numbers.js';
import { prepare, runProgram } from '../shared/program.js';
import { type Screen, screen } from '../shared/screen.js';
import { drawFlow } from './flow.js';
import { type Learnt, learn, type Result } from './learn.js';
import { type Options, parseOptions } from './options.js';
import { tableOf, titles } from './report.js';
import { type Begun, begin } from './saved.js';
import { tasks } from './tasks/index.js';
import type { Task } from './tasks/task.js';

function sayResult(out: Screen, task: Task, { model, result }: Learnt): void {
  const { passed, figure, updates, seconds } = result;
  out.say(
    `  ${passed ? '✓' : '✗'} ${titles[result.model]}: ${task.show(figure)} after ${updates} updates, ${seconds.toFixed(1)} s`,
  );
  const predict: Parameters<NonNullable<Task['examples']>>[0] = (input) => evaluate(model, model.initial(1), input)[0];
  for (const line of task.examples?.(predict) ?? []) out.say(out.dim(`      ${line}`));
}

async function runAll(
  options: Options,
  { plan, results: known }: Begun,
  out: Screen,
  interrupt: Interrupt,
): Promise<readonly Result[]> {
  const results = [...known];
  for (const task of tasks.filter(({ name }) => plan.task.includes(name))) {
    out.say(`${task.name}: ${task.about}\n  ${task.measure}`);
    for (const name of plan.model) {
      if (known.some((result) => result.task === task.name && result.model === name)) continue;
      const line = ({ updates, loss }: { updates: number; loss: number }) =>
        out.live(() => `  ${titles[name]} · update ${updates} of ${task.updates} · loss ${loss.toFixed(4)}`);
      const learnt = await learn(task, name, plan, options, interrupt, out, line);
      if (learnt !== undefined) {
        sayResult(out, task, learnt);
        out.record(learnt.result);
        results.push(learnt.result);
      }
      if (interrupt.requested()) return results;
    }
  }
  return results;
}

async function run(options: Options, interrupt: Interrupt): Promise<E.Either<Failure, void>> {
  const prepared = await prepare(options)();
  if (E.isLeft(prepared)) return prepared;
  const out = screen(options.json);
  if (options.flow !== undefined) return drawFlow(options.flow, out);
  const begun = await begin(options)();
  if (E.isLeft(begun)) return begun;
  const { task, model } = begun.right.plan;
  out.say(`${several(task.length, 'task')}, ${several(model.length, 'model')}; ${prepared.right.machine}`);
  const results = await runAll(options, begun.right, out, interrupt);
  out.say(`\n${tableOf(results).join('\n')}`);
  return E.right(undefined);
}

await runProgram('memory', parseOptions(process.argv.slice(2)), run);
