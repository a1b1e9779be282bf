/** Speakers: a model's next symbols, one after the other, each drawn in the kernels and fed back. */
import { sample, sampleScratch } from '../kernels/kernels.js';
import { machine } from '../kernels/machine.js';
import type { Core } from '../layer.js';
import type { RandomGenerator } from '../random.js';
import { steppedTo } from '../stepper.js';
import type { Ids, Tensor } from '../tensor.js';
import { largestLogit } from './logits.js';
import type { SamplingOptions } from './sample.js';

export interface SamplingStepper {
  /** The symbol that follows the given one, or, without one, the symbol said last. */
  next(after?: Ids): number;
  /** Gives its memory back; it is of no use afterwards. */
  release(): void;
}

/**
 * A speaker of a model from a carry on. Each symbol is one call of the kernels: step, draw and feedback together.
 *
 * @throws RangeError where the model has diverged, or says a symbol that it does not take.
 */
export function samplingStepper<S>(
  model: Core<S, Ids, Tensor>,
  { temperature = 1, topK = Number.POSITIVE_INFINITY, topP = 1, greedy = false }: SamplingOptions,
  draws: RandomGenerator,
  carry?: S,
): SamplingStepper {
  const home = machine();
  const drawing = { temperature, topK: Number.isFinite(topK) ? topK : 0, topP, greedy };
  let uniform = 0;
  let said = 0;
  const stepper = steppedTo<S, Ids>(model, carry === undefined ? {} : { carry }, (hold) => {
    uniform = hold(8);
    return (output, input, allocate) => {
      const symbols = output.shape.at(-1) as number;
      said = input.address;
      sample(home, output.address, uniform, said, allocate(sampleScratch(1, symbols)), 1, symbols, drawing);
    };
  });
  return {
    next(after) {
      if (!greedy) home.doubles[uniform / 8] = draws.uniform();
      const logits = after === undefined ? stepper.again() : stepper.step(after);
      const id = home.ints[said / 4] as number;
      if (id < 0) largestLogit('sampler', logits.data);
      return id;
    },
    release: () => stepper.release(),
  };
}
