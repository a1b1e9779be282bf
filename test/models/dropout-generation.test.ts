import { lastValueFrom, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { gpt } from '../../src/models/gpt.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stepper } from '../../src/stepper.js';
import { generateFrom } from '../../src/streams/generate.js';
import { ids } from '../../src/tensor.js';
import { draw } from '../backprop/differences.js';

it('a model with dropout speaks as one without it, step by step', async () => {
  const said = await Promise.all(
    [0, 0.3].map(async (dropout) => {
      const model = gpt({ symbols: 5, context: 8, features: 8, heads: 2, blocks: 2, dropout, seed: 1 });
      for (const [path, parameter] of parametersOf(model.params)) {
        parameter.assign(draw(parameter.shape, path, 0.5).data);
      }
      const speaker = stepper(model);
      const logits = Array.from({ length: 5 }, (_, k) => Array.from(speaker.step(ids([1, 1], [k])).data));
      const symbols = await lastValueFrom(
        generateFrom(model, ids([2, 1], [0, 1]), { length: 30, topK: 1, context: 8 }).pipe(toArray()),
      );
      return { logits, symbols: symbols.map(({ data }) => data[0]) };
    }),
  );
  expect(said[1]).toEqual(said[0]);
});
