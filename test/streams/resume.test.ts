import * as E from 'fp-ts/lib/Either.js';
import { lastValueFrom, map, type Observable, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { packed, unpacked } from '../../src/formats/packed.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import type { PastSteps } from '../../src/streams/history.js';
import { type LaneWindow, lanes } from '../../src/streams/lanes.js';
import { tbptt } from '../../src/streams/tbptt.js';
import { ids, tensor } from '../../src/tensor.js';
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

type Past = PastSteps<unknown>;

function throughFile<T>(value: T): T {
  const { json, tensors } = packed(value, 'run');
  const read = decodeCheckpoint(encodeCheckpoint({ tensors, metadata: { json } }));
  const back = unpacked({ json: read.metadata.json as string, tensors: read.tensors });
  if (E.isLeft(back)) throw back.left;
  return back.right as T;
}

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

  it.each([8, 10, 14, 21, 100])('the same where gradients flow back through %i steps', async (k2) => {
    const whole = newModel();
    const through = { ...options, k2 };
    const losses = (await lastValueFrom(windowsFrom().pipe(tbptt(whole, through), toArray()))).map(({ loss }) => loss);
    for (let cut = 1; cut < losses.length; cut += 1) {
      const model = newModel();
      const { window, snapshot } = await lastValueFrom(
        windowsFrom().pipe(
          tbptt(model, through),
          take(cut),
          map((step) => ({ window: step.window, snapshot: throughFile(step.snapshot()) })),
        ),
      );
      const rest$ = windowsFrom({ epoch: window.epoch, index: window.index + 1 });
      const rest = await lastValueFrom(rest$.pipe(tbptt(model, { ...through, from: snapshot }), toArray()));
      expect(rest.map(({ loss }) => loss)).toEqual(losses.slice(cut));
      expect(weightsOf(model)).toEqual(weightsOf(whole));
    }
  });

  it.each([
    ['no lanes', (past: Past) => ({ ...past, input: tensor([1], [1]) })],
    ['other lanes', (past: Past) => ({ ...past, input: ids([2, 1], [1, 2]) })],
    ['no carries', (past: Past) => ({ ...past, carries: [] })],
    ['carries out of order', (past: Past) => ({ ...past, carries: [...past.carries].reverse() })],
    ['carries beyond its end', (past: Past) => ({ ...past, carries: [{ ...past.carries[0], step: 99 }] })],
    ['a carry of another model', (past: Past) => ({ ...past, carries: [{ step: 0, carry: {} }] })],
    ['a number', () => 3],
  ])('refuses a past of %s', async (_, change) => {
    const model = newModel();
    const through = { ...options, k2: 10 };
    const snapshot = await lastValueFrom(
      windowsFrom().pipe(
        tbptt(model, through),
        take(2),
        map((step) => step.snapshot()),
      ),
    );
    const before = weightsOf(model);
    const past = change(snapshot.past as Past);
    const wrong$ = windowsFrom({ epoch: 1, index: 2 }).pipe(
      tbptt(model, { ...through, from: { ...snapshot, past } } as never),
    );
    await expect(lastValueFrom(wrong$)).rejects.toThrow(/^tbptt: the (past|carry)/);
    expect(weightsOf(model)).toEqual(before);
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
