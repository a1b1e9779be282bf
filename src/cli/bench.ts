/** `oxbow bench`: how fast this machine does what the command is for. */
import type { Command } from 'commander';
import { choice, type MachineChoice, positive } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { count } from './shared/numbers.js';
import { measure, workloads } from './shared/workloads.js';

interface BenchOptions extends MachineChoice {
  readonly seconds: number;
  readonly only?: string;
  readonly json?: true;
}

export function benchCommand(): Command {
  const made = command('bench', 'How fast this machine learns, generates and scores.', [
    ['oxbow bench', 'all of it, in some seconds'],
    ['oxbow bench --only train --threads 1 --json', 'one workload on one thread, for a program'],
  ])
    .option('--seconds <n>', 'how long each is timed', positive(), 3)
    .addOption(
      choice(
        '--only <name>',
        'one of them',
        workloads.map(({ name }) => name),
      ),
    );
  return withJson(withMachine(made), 'each figure').action((options: BenchOptions) =>
    inContext(options, (context) => bench(options, context)),
  );
}

async function bench(options: BenchOptions, { screen, ending }: Context): Promise<void> {
  const machine = chooseMachine(options);
  screen.note(`${machine}; figures count where nothing else runs`);
  for (const workload of workloads) {
    if (ending.requested() || (options.only ?? workload.name) !== workload.name) continue;
    const { name, what, unit, perSecond, stepsPerSecond } = await measure(workload, options.seconds, ending.requested);
    if (ending.requested()) return;
    screen.say(
      `${name.padEnd(9)} ${`${count(perSecond)} ${unit}/s`.padStart(22)}  ${count(stepsPerSecond)} steps/s  ${what}`,
    );
    screen.record({ name, perSecond, unit, stepsPerSecond, machine, what });
  }
}
