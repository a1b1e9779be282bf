/** A generation that has a stepper to itself: each symbol is one call of the kernels, step, draw and feedback together. */
import { sample, sampleScratch } from '../../kernels/kernels.js';
import { machine } from '../../kernels/machine.js';
import type { Core } from '../../layer.js';
import { steppedTo } from '../../stepper.js';
import { type Ids, ids, type Numbers, type Tensor } from '../../tensor.js';
import type { SymbolDrawing } from './drawing.js';

export interface Alone<S> {
  /** The symbol that follows the given one, or, without one, the symbol said last; the drawing is ready. */
  next(after?: number): number;
  /** What the last symbol was drawn from; to be read before the next one. */
  readonly logits: Numbers;
  /** A copy of what has been seen. */
  readonly carry: S;
  /** Gives its memory back; it is of no use afterwards. */
  release(): void;
}

/** @throws RangeError, of `next`, where the model has diverged, or says a symbol that it does not take. */
export function alone<S>(model: Core<S, Ids, Tensor>, carry: S, drawing: SymbolDrawing): Alone<S> {
  const home = machine();
  let said = 0;
  let logits: Numbers = new Float32Array();
  const stepper = steppedTo<S, Ids>(model, { carry }, () => (output, input, allocate) => {
    const symbols = output.shape.at(-1) as number;
    said = input.address;
    sample(home, output.address, drawing.address, said, allocate(sampleScratch(1, symbols)), 1, symbols);
  });
  return {
    next(after) {
      logits = (after === undefined ? stepper.again() : stepper.step(ids([1, 1], [after]))).data;
      const id = home.ints[said / 4] as number;
      if (id < 0) drawing.refuse(logits);
      return id;
    },
    get logits() {
      return logits;
    },
    get carry() {
      return stepper.carry;
    },
    release: () => stepper.release(),
  };
}
