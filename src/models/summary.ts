import { parametersOf } from '../parameters/parameter.js';
import { type Shape, sizeOf } from '../tensor.js';
import type { Data } from './examples.js';
import { inputsOf } from './prepared.js';
import type { Subject } from './subject.js';

/** A table of the layers: names, what they give, and how many numbers they learn. */
export function summary(model: Subject, x: Data | undefined): string {
  const traced = x === undefined ? undefined : inputsOf('summary', model, x).rehearsal.shapes;
  const counts = new Set<unknown>();
  let width: number | 'inputs' | undefined = model.core.inputs ?? 'inputs';
  let total = 0;
  const rows = model.layers.map(([name, layer], k) => {
    if (layer.outputs !== 'inputs') width = layer.outputs;
    let own = 0;
    for (const [, parameter] of parametersOf(layer.params)) {
      // Tied weights are learnt once.
      if (!counts.has(parameter)) own += sizeOf(parameter.shape);
      counts.add(parameter);
    }
    total += own;
    return [name, layer.kind, traced ? shapeOf(traced[k] as Shape) : widthOf(width), own.toLocaleString('en-US')];
  });
  return table([
    ['layer', 'kind', traced ? 'gives' : 'features', 'parameters'],
    ...rows,
    ['all', '', '', total.toLocaleString('en-US')],
  ]);
}

const shapeOf = ([steps, , ...features]: Shape): string => `[${[steps, 'B', ...features].join(', ')}]`;
const widthOf = (width: number | 'inputs' | undefined): string => (typeof width === 'number' ? `${width}` : '…');

/** Columns side by side, the last one to the right; a rule below the first row and above the last. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] as readonly string[]).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const last = widths.length - 1;
  const lines = rows.map((row) =>
    row.map((cell, at) => (at === last ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))).join('  '),
  );
  const rule = '─'.repeat((lines[0] as string).length);
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join('\n');
}
