/** `npm run example:memory`: which nets can remember, shown on tasks that need it. */

import * as E from 'fp-ts/lib/Either.js';
import { configure, evaluate } from 'oxbow';
import { messageOf } from '../shared/failure.js';
import { onInterrupt } from '../shared/interrupt.js';
import { type Screen, screen } from '../shared/screen.js';
import { drawFlow } from './flow.js';
import { type Learnt, learn, type Result } from './learn.js';
import { type Options, parseOptions } from './options.js';
import { tableOf, titles } from './report.js';
import { tasks } from './tasks/index.js';
import type { Task } from './tasks/task.js';

function complain(message: string): void {
  process.stderr.write(`memory: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

const silent: Screen = { live: () => undefined, say: () => undefined, write: () => undefined, dim: (text) => text };

function sayResult(out: Screen, task: Task, { model, result }: Learnt): void {
  const { passed, figure, updates, seconds } = result;
  out.say(
    `  ${passed ? '✓' : '✗'} ${titles[result.model]}: ${task.show(figure)} after ${updates} updates, ${seconds.toFixed(1)} s`,
  );
  const predict: Parameters<NonNullable<Task['examples']>>[0] = (input) => evaluate(model, model.initial(1), input)[0];
  for (const line of task.examples?.(predict) ?? []) out.say(out.dim(`      ${line}`));
}

async function runAll(options: Options): Promise<readonly Result[]> {
  const out = options.json ? silent : screen();
  const interrupt = onInterrupt();
  const results: Result[] = [];
  for (const task of tasks.filter(({ name }) => options.task.includes(name))) {
    out.say(`${task.name}: ${task.about}\n  ${task.measure}`);
    for (const name of options.model) {
      const line = ({ updates, loss }: { updates: number; loss: number }) =>
        out.live(() => `  ${titles[name]} · update ${updates} of ${task.updates} · loss ${loss.toFixed(4)}`);
      const learnt = await learn(task, name, options.seed, interrupt.requested$, line);
      if (learnt !== undefined) {
        sayResult(out, task, learnt);
        results.push(learnt.result);
      }
      if (interrupt.requested()) return results;
    }
  }
  return results;
}

/** The exit code: 0 where all went well, 2 where the user can put it right. */
async function main(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (E.isLeft(parsed)) {
    complain(parsed.left.message);
    return 2;
  }
  if (parsed.right === 'help') return 0;
  const options = parsed.right;
  if (options.threads !== undefined) configure({ threads: options.threads });
  if (options.flow !== undefined) {
    for (const line of drawFlow(options.flow)) process.stdout.write(`${line}\n`);
    return 0;
  }
  const results = await runAll(options);
  if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else process.stdout.write(`\n${tableOf(results).join('\n')}\n`);
  return 0;
}

// Whoever reads the output may have had enough: `npm run example:memory | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(messageOf(error));
  return 1;
});
