/** What this machine can do of what the command is for, in figures. */
import { setTimeout as delay } from 'node:timers/promises';
import { languageModel } from '../../models/language-model.js';
import { generator } from '../../random.js';
import { stepper } from '../../stepper.js';
import { ids } from '../../tensor.js';
import { crossEntropy } from '../../training/losses/cross-entropy.js';
import { adam } from '../../training/optimizers/adam.js';
import { trainer } from '../../training/trainer.js';
import { recipe as scoring } from '../scoring/recipe.js';
import { languageOf } from '../training/language.js';
import { quick as training } from '../training/recipes.js';
import type { LanguageCore } from './kept.js';

export interface Figure {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  readonly perSecond: number;
  readonly stepsPerSecond: number;
}

interface Workload {
  readonly name: string;
  readonly what: string;
  readonly unit: string;
  /** What one step does, in units. */
  readonly work: number;
  begin(): { step(): void; release(): void };
}

const SYMBOLS = 98;

function learning(model: LanguageCore, length: number, batch: number) {
  const random = generator(1);
  const draw = () =>
    ids(
      [length, batch],
      Int32Array.from({ length: length * batch }, () => random.below(SYMBOLS)),
    );
  const [input, target] = [draw(), draw()];
  const { learn, release } = trainer(model, { loss: crossEntropy(), optimizer: adam(1e-3), clipNorm: 5 });
  const carry = model.initial(batch);
  return { step: () => void learn({ carry, input, target }), release };
}

const { cell, units } = training;
const LINE = 128;

export const workloads: readonly Workload[] = [
  {
    name: 'train',
    what: `oxbow train: ${cell} ${units}, ${training.batch} lanes of ${training.length} steps`,
    unit: 'characters',
    work: training.length * training.batch,
    begin: () => learning(languageOf(training, { size: SYMBOLS }, training.seed), training.length, training.batch),
  },
  {
    name: 'generate',
    what: `oxbow generate: ${cell} ${units}, one symbol after the other`,
    unit: 'symbols',
    work: 1,
    begin() {
      const { step, release } = stepper(languageOf(training, { size: SYMBOLS }, training.seed), {
        finish: (ops, y) => ops.softmax(y),
      });
      const symbol = ids([1, 1], [1]);
      return { step: () => void step(symbol), release };
    },
  },
  {
    name: 'score',
    what: `oxbow score --learn: ${scoring.model.cell} ${scoring.model.units}, ${scoring.batch.most} lines of ${LINE} characters`,
    unit: 'lines',
    work: scoring.batch.most,
    begin: () => learning(languageModel({ symbols: SYMBOLS, ...scoring.model }), LINE, scoring.batch.most),
  },
];

/** Steps that are done before any is timed: kernels reach their full speed by then. */
const WARM_SECONDS = 0.2;

/** Does steps for so long, with turns of the event loop in between, so that signals are heard. */
export async function measure(workload: Workload, seconds: number, isOver: () => boolean): Promise<Figure> {
  const { step, release } = workload.begin();
  const during = async (span: number) => {
    const from = performance.now();
    let steps = 0;
    let elapsed = 0;
    while (elapsed < span && !isOver()) {
      const turn = performance.now() + 50;
      do {
        step();
        steps += 1;
      } while (performance.now() < turn);
      elapsed = (performance.now() - from) / 1000;
      await delay(0);
    }
    return steps / elapsed;
  };
  try {
    await during(Math.min(WARM_SECONDS, seconds));
    const stepsPerSecond = await during(seconds);
    const { name, what, unit, work } = workload;
    return { name, what, unit, perSecond: stepsPerSecond * work, stepsPerSecond };
  } finally {
    release();
  }
}
