/** The server of `bench:serve` and `soak:serve`, in a process of its own: it says its port, and learns while it is told to. */
import { generator, type LanguageModelOptions } from '../src/index.js';
import { liveLanguageModel } from '../src/serve/live-language-model.js';
import { serve } from '../src/serve/serve.js';
import { keptMemory } from './kept-memory.js';

const [units, layers, requestsPerSecond] = process.argv.slice(2).map(Number) as [number, number, number];
const [LANES, STEPS] = [32, 32];

const alice = await liveLanguageModel({
  model: { units, layers, embed: units } satisfies Omit<LanguageModelOptions, 'symbols'>,
  learningRate: 1e-4,
  batch: LANES,
  length: STEPS,
});
const server = await serve({
  models: { alice },
  port: 0,
  limits: { requestsPerSecond, sessions: 2000, stallMs: 3000, pingMs: 5000, headersMs: 3000, requestMs: 6000 },
});
const random = generator(1, 'text');
/** Made beforehand: what clients send costs a server nothing to make. */
const texts = Array.from({ length: 2 * LANES }, () =>
  Array.from({ length: 4096 }, () => alice.vocab.decode([random.below(alice.vocab.size)])).join(''),
);
let learns = false;

/** Text without end, as fast as it is learnt. */
async function learn(): Promise<void> {
  const sources = Array.from({ length: LANES }, () => alice.source());
  await Promise.all(
    sources.map(async (source) => {
      while (learns) {
        await source.room();
        if (learns) source.push(texts[random.below(texts.length)] as string);
        await new Promise(setImmediate);
      }
      source.end();
    }),
  );
}

process.on('message', (message) => {
  if (message === 'memory') {
    process.send?.(keptMemory());
    return;
  }
  if (message === 'close') void server.close().then(() => process.exit(0));
  const before = learns;
  learns = message === 'learn';
  if (learns && !before) void learn();
});
process.send?.({ port: server.port });
