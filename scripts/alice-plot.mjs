// Draws the loss curves of docs/alice.md from the figures of the runs, docs/alice.jsonl: `node scripts/alice-plot.mjs`. Each line is an
// epoch of a run: the model, whose it is, its seed, the loss as it was learnt and, of words, on what was held out.
import { readFileSync, writeFileSync } from 'node:fs';
import { logPlot } from '../dist/index.js';

const place = (name) => new URL(`../docs/${name}`, import.meta.url);
const lines = readFileSync(place('alice.jsonl'), 'utf8').trim().split('\n');
const runs = lines.map((line) => JSON.parse(line));

/** The mean over seeds, epoch by epoch, as far as all of them went. */
function curve(model, of, figure) {
  const own = runs.filter((run) => run.model === model && run.of === of);
  const seeds = new Set(own.map(({ seed }) => seed)).size;
  const values = [];
  for (let epoch = 1; ; epoch += 1) {
    const losses = own.filter((run) => run.epoch === epoch).map((run) => run[figure]);
    if (losses.length < seeds) return values;
    values.push(losses.reduce((a, b) => a + b) / seeds);
  }
}

function draw(model, title, unit, figures) {
  const curves = Object.entries(figures).flatMap(([figure, name]) => [
    { name: `ours, ${name}`, values: curve(model, 'ours', figure) },
    { name: `PyTorch, ${name}`, values: curve(model, 'pytorch', figure), dashed: true },
  ]);
  writeFileSync(place(`alice-${model}.svg`), logPlot(curves, { title, x: 'epoch', y: `loss, nats per ${unit}` }));
}

draw('characters', 'The model of characters', 'character', { loss: 'learning' });
draw('words', 'The model of words', 'word', { loss: 'learning', heldOut: 'held out' });
