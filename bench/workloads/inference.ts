import { evaluate, generator, ids, reference, stepper } from '../../src/index.js';
import { speaker } from '../../src/streams/generation/speaker.js';
import type { Case, Workload } from '../workload.js';
import { forwardFlop, type LanguageModel, languageModel, stepBytes } from './models.js';

const model = (units: number, layers: 1 | 2): LanguageModel => ({
  cell: 'lstm',
  symbols: 65,
  features: 64,
  units,
  layers,
});

/** The logits of two symbols on the kernels against float64. */
function checkLogits(name: string, net: ReturnType<typeof languageModel>): void {
  const x = ids([2, 1], [3, 7]);
  const [exact] = net.apply(reference(), net.initial(1), x);
  const [got] = evaluate(net, net.initial(1), x);
  got.data.forEach((value, k) => {
    if (!(Math.abs(value - (exact.data[k] as number)) <= 1e-4)) throw new Error(`${name}: logit ${k} is ${value}`);
  });
}

/** W5: one character at a time, sampled and fed back; the time of one, in microseconds. */
function generationCase(units: number, layers: 1 | 2): Case {
  const shape = model(units, layers);
  const net = languageModel(shape);
  const { begin, next, release } = speaker(net, {}, generator(1));
  begin(net.initial(1), 0);
  next();
  const step = () => void next();
  const name = `W5 lstm${units}x${layers}`;
  return {
    name,
    unit: 'us/char',
    flop: forwardFlop(shape),
    bytes: stepBytes(shape),
    work: 1,
    check: () => checkLogits(name, net),
    step,
    release,
    measure(seconds) {
      const times: number[] = [];
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end) {
        const before = performance.now();
        step();
        times.push((performance.now() - before) * 1000);
      }
      times.sort((a, b) => a - b);
      return times[times.length >> 1] as number;
    },
  };
}

/** W8: one step of many streams at once, each with its own carry. */
function streamsCase(count: number): Case {
  const shape = model(128, 1);
  const net = languageModel(shape);
  const random = generator(1);
  const symbols = ids(
    [1, count],
    Int32Array.from({ length: count }, () => random.below(65)),
  );
  const { step } = stepper(net, { finish: (ops, y) => ops.softmax(y) });
  const name = `W8 lstm128 streams${count}`;
  return {
    name,
    unit: 'steps/s',
    flop: forwardFlop(shape),
    work: count,
    check: () => checkLogits(name, net),
    step: () => void step(symbols),
  };
}

export const inference: readonly Workload[] = [
  { id: 'W5', title: 'generation, B 1', cases: () => [generationCase(128, 1), generationCase(512, 2)] },
  { id: 'W8', title: 'many live streams at once', cases: () => [64, 256, 1024].map(streamsCase) },
];
