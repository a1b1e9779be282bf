import { parametersOf } from '../parameters/parameter.js';
import { type Shape, sizeOf, tensor } from '../tensor.js';
import { type Data, exampleLayoutOf, examplesOf } from './examples.js';
import type { LayeredModel } from './layered-model.js';
import { inputsOf } from './prepared.js';

/** A table of the layers: names, what they give, and how many numbers they learn. */
export function summary(model: LayeredModel, x: Data | undefined): string {
  const traced = x === undefined ? undefined : dryRunShapes(model, x);
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

/** What each layer gives for an example; how much of it is real does not matter, but a masked layer needs to know. */
function dryRunShapes(model: LayeredModel, x: Data): readonly Shape[] {
  const { count, shape, ...examples } = examplesOf('summary: x', x);
  const layout = model.input ?? exampleLayoutOf({ count, shape, ...examples });
  const real = [count, shape[0] ?? 1];
  const mask = layout === 'sequence' ? tensor(real, new Float32Array(sizeOf(real)).fill(1)) : undefined;
  return inputsOf('summary', model, x, mask).dryRun.shapes;
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
