/** Waiting for weights that are met for the first time: they are drawn in turns with others, once for all who wait. */
import { type Parameter, type Params, parametersOf } from '../parameters/parameter.js';
import { timeSlice } from './event-loop.js';
import { SLICE } from './updates.js';

const underWay = new WeakMap<Parameter, Promise<void>>();

/** Resolves when all parameters have their numbers. @throws (as a rejection) whatever keeps one from being drawn. */
export async function drawn(params: Params): Promise<void> {
  for (const [, parameter] of parametersOf(params)) {
    while (!parameter.isDrawn) {
      const drawing = underWay.get(parameter) ?? draw(parameter).finally(() => underWay.delete(parameter));
      underWay.set(parameter, drawing);
      await drawing;
    }
  }
}

async function draw(parameter: Parameter): Promise<void> {
  const slice = timeSlice(SLICE);
  for (const _ of parameter.drawing()) await slice();
}
