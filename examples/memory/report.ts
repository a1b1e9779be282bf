/** The table at the end. */
import type { Result } from './learn.js';
import { type ModelName, modelNames } from './recipe.js';
import { tasks } from './tasks/index.js';
import type { Task } from './tasks/task.js';

export const titles: Readonly<Record<ModelName, string>> = {
  mlp: 'no memory',
  rnn: 'simple RNN',
  lstm: 'LSTM',
  gru: 'GRU',
  minGru: 'minGRU',
  minLstm: 'minLSTM',
  griffin: 'RG-LRU block',
  gatedDeltaNet: 'Gated DeltaNet',
};

/** `✓ 99.9 %, 300` updates. */
const cell = (task: Task, result: Result | undefined): string =>
  result === undefined ? '' : `${result.passed ? '✓' : '✗'} ${task.show(result.figure)} (${result.updates})`;

/** A row for each task, a column for each model: success or not, the figure, and after how many updates. */
export function tableOf(results: readonly Result[]): readonly string[] {
  const shown = modelNames.filter((name) => results.some(({ model }) => model === name));
  const rows = tasks
    .filter((task) => results.some((result) => result.task === task.name))
    .map((task) => [
      task.name,
      ...shown.map((name) =>
        cell(
          task,
          results.find(({ task: of, model }) => of === task.name && model === name),
        ),
      ),
    ]);
  const lines = [['task', ...shown.map((name) => titles[name])], ...rows];
  const widths = (lines[0] as string[]).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] as string).length)),
  );
  return lines.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] as number))
      .join('   ')
      .trimEnd(),
  );
}
