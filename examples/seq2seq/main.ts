/** `npm run example:seq2seq`: a Transformer that learns to reverse sequences, and another that learns to sort them. */
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  adam,
  cosine,
  crossEntropy,
  decodeGreedy,
  encoderDecoder,
  type Generator,
  generator,
  type Ids,
  ids,
  trainer,
  warmup,
} from 'oxbow';
import { screen } from '../shared/screen.js';

const [symbols, shortest, longest, batch] = [10, 4, 10, 64];
/** Of the source; of the target the symbol that starts it and the one that ends it. */
const [padding, start, end] = [symbols, symbols, symbols + 1];

const tasks = {
  reverse: (sequence: readonly number[]) => sequence.toReversed(),
  sort: (sequence: readonly number[]) => sequence.toSorted((a, b) => a - b),
};

interface Options {
  readonly task?: keyof typeof tasks;
  readonly steps: number;
  readonly seed: number;
}

/** Lanes side by side, filled up to the same length. */
function timeMajor(lanes: readonly (readonly number[])[], length: number, filler: number): Ids {
  return ids(
    [length, lanes.length],
    Int32Array.from(
      { length: length * lanes.length },
      (_, k) => lanes[k % lanes.length]?.[Math.floor(k / lanes.length)] ?? filler,
    ),
  );
}

/** Random sequences of random lengths and what is to be written about them. */
function draw(random: Generator, image: (sequence: readonly number[]) => readonly number[]) {
  const lanes = Array.from({ length: batch }, () =>
    Array.from({ length: shortest + random.below(longest - shortest + 1) }, () => random.below(symbols)),
  );
  const written = lanes.map((lane) => [...image(lane), end]);
  return {
    source: timeMajor(lanes, longest, padding),
    before: timeMajor(
      written.map((lane) => [start, ...lane.slice(0, -1)]),
      longest + 1,
      end,
    ),
    // What comes after the end is not learnt from.
    target: timeMajor(written, longest + 1, -1),
  };
}

function run(name: keyof typeof tasks, { steps, seed }: Options): void {
  const out = screen();
  const model = encoderDecoder({
    source: symbols + 1,
    target: symbols + 2,
    length: longest + 1,
    features: 64,
    heads: 4,
    blocks: 2,
    padding,
    seed,
  });
  const rate = warmup(100, cosine({ rate: 2e-3, steps: Math.max(1, steps - 100), floor: 1e-5 }));
  const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: adam(rate), clipNorm: 1 });
  const random = generator(seed, name);
  const carry = model.initial(batch);
  const started = performance.now();
  let mean = Math.log(symbols);
  for (let step = 1; step <= steps; step += 1) {
    const { source, before, target } = draw(random, tasks[name]);
    const { loss } = learn({ carry, input: { source, target: before }, target, alone: true });
    mean = 0.95 * mean + 0.05 * loss;
    out.live(() => `${name}: step ${step} of ${steps} · loss ${mean.toFixed(4)}`, step === steps);
  }
  release();
  const seconds = (performance.now() - started) / 1000;
  const [right, all] = exactMatches(random);
  out.say(
    `${name}: ${right} of ${all} unseen sequences right to the last symbol (${((100 * right) / all).toFixed(2)} %), learnt in ${seconds.toFixed(1)} s`,
  );

  function exactMatches(fresh: Generator): readonly [right: number, all: number] {
    let exact = 0;
    const rounds = 16;
    for (let round = 0; round < rounds; round += 1) {
      const { source, target } = draw(fresh, tasks[name]);
      const written = decodeGreedy(model, source, { start, steps: longest + 1 });
      for (let lane = 0; lane < batch; lane += 1) {
        const at = Array.from({ length: longest + 1 }, (_, t) => t * batch + lane);
        if (at.every((k) => target.data[k] === -1 || written.data[k] === target.data[k])) exact += 1;
      }
    }
    return [exact, rounds * batch];
  }
}

const whole = (text: string) => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
};

const command = new Command('seq2seq')
  .description(`Transformers that read ${shortest} to ${longest} random digits and write them reversed, or sorted.`)
  .usage('[options]        (npm run example:seq2seq -- [options])')
  .addOption(new Option('--task <name>', 'what to learn (default: both)').choices(Object.keys(tasks)))
  .option('--steps <n>', 'batches to learn from', whole, 700)
  .option('--seed <n>', 'of weights and sequences', whole, 1)
  .allowExcessArguments(false);

const options = command.parse().opts<Options>();
for (const name of Object.keys(tasks) as (keyof typeof tasks)[]) {
  if (options.task === undefined || options.task === name) run(name, options);
}
