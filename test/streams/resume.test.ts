import { lastValueFrom, map, type Observable, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { type LaneWindow, lanes } from '../../src/streams/lanes.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { adam } from '../../src/training/optimizers/adam.js';
import type { TrainerState } from '../../src/training/trainer-state.js';

const corpus = Int32Array.from({ length: 61 }, (_, k) => (k * k + 3 * k) % 7);
const windowsFrom = (from?: { epoch: number; index: number }): Observable<LaneWindow> =>
  lanes(corpus, { batch: 2, length: 7, epochs: 2, ...(from && { from }) });

const newModel = () => stack({ embed: embedding(7, 5), rnn: lstm(5, 9), head: dense(9, 7) }, { seed: 3 });
const options = { loss: crossEntropy(), optimizer: adam(0.05), clipNorm: 1 };
const weightsOf = (model: ReturnType<typeof newModel>) =>
  parametersOf(model.params).map(([path, { data }]) => `${path} ${Array.from(data).join(' ')}`);

describe('training that was cut and goes on', () => {
  it('gives bit for bit what the uninterrupted run gives, cut after any window', async () => {
    const whole = newModel();
    const steps = await lastValueFrom(windowsFrom().pipe(tbptt(whole, options), toArray()));
    const losses = steps.map(({ loss }) => loss);
    const counts = steps.map(({ tokens }) => tokens);
    expect(losses).toHaveLength(10);
    for (let cut = 1; cut < losses.length; cut += 1) {
      const model = newModel();
      const ended = await lastValueFrom(
        windowsFrom().pipe(
          tbptt(model, options),
          take(cut),
          map((step) => ({ step, state: step.state() })),
        ),
      );
      const { carry, window } = ended.step;
      const rest$ = windowsFrom({ epoch: window.epoch, index: window.index + 1 });
      const rest = await lastValueFrom(rest$.pipe(tbptt(model, { ...options, state: ended.state, carry }), toArray()));
      expect(rest.map(({ loss }) => loss)).toEqual(losses.slice(cut));
      expect(rest.at(-1)?.step).toBe(losses.length);
      expect(ended.state.tokens).toBe(counts[cut - 1]);
      expect(rest.map(({ tokens }) => tokens)).toEqual(counts.slice(cut));
      expect(weightsOf(model)).toEqual(weightsOf(whole));
    }
  });

  it('counts on from a state that has counted, and from 0 where one has not', async () => {
    const model = newModel();
    const state = (await lastValueFrom(
      windowsFrom().pipe(
        tbptt(model, options),
        take(1),
        map((step) => step.state()),
      ),
    )) as TrainerState;
    const firstOf = async (from: TrainerState) =>
      (await lastValueFrom(windowsFrom().pipe(tbptt(model, { ...options, state: from }), take(1)))).tokens;
    expect(await firstOf(state)).toBe(28);
    const { tokens, ...uncounted } = state;
    expect(tokens).toBe(14);
    expect(await firstOf(uncounted)).toBe(14);
    for (const wrong of [-1, 1.5, Number.NaN, null, '14']) {
      await expect(firstOf({ ...state, tokens: wrong as never })).rejects.toThrow(
        /^trainer: the state's tokens is a whole/,
      );
    }
  });

  it('cannot be had from a state that is gone, and says so', async () => {
    const [first] = await lastValueFrom(windowsFrom().pipe(tbptt(newModel(), options), toArray()));
    expect(() => first?.state()).toThrow(/state/);
    expect(() => windowsFrom({ epoch: 3, index: 0 })).toThrow('there is no window 0 of epoch 3');
  });
});
