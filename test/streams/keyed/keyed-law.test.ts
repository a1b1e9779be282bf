import { from, groupBy, lastValueFrom, map, mergeMap, type OperatorFunction, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { configure } from '../../../src/kernels/machine.js';
import type { Layer } from '../../../src/layer.js';
import { argmax } from '../../../src/streams/argmax.js';
import { keyed } from '../../../src/streams/keyed/keyed.js';
import type { Keyed } from '../../../src/streams/keyed/options.js';
import { surprisal } from '../../../src/streams/surprisal.js';
import type { Ids, Tensor } from '../../../src/tensor.js';
import { featuresOf, idsOf, onFeatures, onIds } from './models.js';

afterEach(() => configure({ threads: 2 }));

type Answer = { readonly key: string; readonly value: unknown };

/** Each key's answers, in their order, tensors as plain values. */
function byKey(answers: readonly Answer[]): Readonly<Record<string, unknown[]>> {
  const result: Record<string, unknown[]> = {};
  for (const { key, value } of answers) {
    result[key] ??= [];
    result[key].push(value);
  }
  return result;
}

async function alone<X>(values: readonly Keyed<X, string>[], operator: OperatorFunction<X, unknown>) {
  const answers = from(values).pipe(
    groupBy(({ key }) => key),
    mergeMap((group$) =>
      group$.pipe(
        map(({ value }) => value),
        operator,
        map((value) => ({ key: group$.key, value })),
      ),
    ),
    toArray(),
  );
  return byKey(await lastValueFrom(answers));
}

const together = async <X>(values: readonly X[], operator: OperatorFunction<X, Answer>) =>
  byKey(await lastValueFrom(from(values).pipe(operator, toArray())));

const settings = [
  { maxBatch: 1, threads: 1, keys: 3 },
  { maxBatch: 3, threads: 2, keys: 5 },
  { maxBatch: 8, threads: 1, keys: 20 },
  { maxBatch: 8, threads: 2, keys: 3 },
  { maxBatch: 64, threads: 2, keys: 40 },
] as const;

type Output = 'step' | 'surprisal' | 'argmax';

const ordinary = (model: Layer<unknown, Ids, Tensor>): Readonly<Record<Output, OperatorFunction<Ids, unknown>>> => ({
  step: model,
  surprisal: surprisal(model),
  argmax: (source) => source.pipe(model, argmax()),
});

describe('keyed gives each key what it gets alone, bit for bit', () => {
  for (const [name, make] of Object.entries(onIds)) {
    it.each(settings)(`ids: ${name}, %j`, async ({ maxBatch, threads, keys }) => {
      configure({ threads });
      const model = make();
      for (const [k, [output, operator]] of Object.entries(ordinary(model)).entries()) {
        const values = idsOf(keys, 60, 7 * maxBatch + k, 1 + k);
        const options = { maxBatch, output: output as Output };
        expect(await together(values, keyed(model, options)), output).toEqual(await alone(values, operator));
      }
      model.release();
    });
  }

  for (const [name, make] of Object.entries(onFeatures)) {
    it.each(settings)(`features: ${name}, %j`, async ({ maxBatch, threads, keys }) => {
      configure({ threads });
      const model = make();
      const values = featuresOf(keys, 60, maxBatch, 3);
      expect(await together(values, keyed(model, { maxBatch }))).toEqual(await alone(values, model));
      model.release();
    });
  }
});
