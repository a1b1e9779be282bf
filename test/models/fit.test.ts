import { lastValueFrom, take, takeWhile, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { weightsOf } from '../../src/formats/weights.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import { lastStep } from '../../src/layers/last-step.js';
import { accuracy } from '../../src/models/metrics/accuracy.js';
import type { FitProgress, History } from '../../src/models/progress.js';
import { sequential } from '../../src/models/sequential.js';
import type { Ops } from '../../src/ops/ops.js';
import { generator } from '../../src/random.js';
import type { Tensor } from '../../src/tensor.js';
import { ids } from '../../src/tensor.js';
import { crossEntropy } from '../../src/training/losses/cross-entropy.js';
import { squaredError } from '../../src/training/losses/squared-error.js';
import { adam } from '../../src/training/optimizers/adam.js';
import { sgd } from '../../src/training/optimizers/sgd.js';

const tanh = (ops: Ops, z: Tensor) => ops.tanh(z);

const xor = {
  x: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  y: [0, 1, 1, 0],
};
const xorModel = (seed = 1) =>
  sequential([dense(2, 8, { activation: tanh }), dense(8, 2)], { seed }).compile({
    loss: crossEntropy(),
    optimizer: adam(0.05),
    metrics: ['accuracy'],
  });

/** Two clouds of points, one class each. */
function clouds(count: number) {
  const random = generator(3, 'clouds');
  const labels = Int32Array.from({ length: count }, (_, k) => k % 2);
  const x = Array.from(labels, (label) => [random.normal() + 2 * label, random.normal() - label]);
  return { x, y: labels };
}

const line = (rate = 0.1) =>
  sequential([dense(1, 1)], { seed: 5 }).compile({ loss: squaredError(), optimizer: sgd(rate) });

describe('fit', () => {
  it('learns exclusive or, from plain arrays, and gives its history', async () => {
    const model = xorModel();
    const { epochs, stoppedEarly } = await model.fit(xor.x, xor.y, { epochs: 200 });
    expect(epochs).toHaveLength(200);
    expect(stoppedEarly).toBe(false);
    expect(epochs[0]?.loss).toBeGreaterThan(0.5);
    expect(epochs.at(-1)).toMatchObject({ epoch: 200, metrics: { accuracy: 1 } });
    expect(epochs.at(-1)?.loss).toBeLessThan(0.05);
    const { shape, data } = await model.predict(xor.x, { finish: (ops, y) => ops.softmax(y) });
    expect(shape).toEqual([4, 2]);
    expect([...data].filter((_, k) => k % 2 === 1).map(Math.round)).toEqual(xor.y);
  });

  it('is one step of gradient descent after the other where batch is 1 and nothing is shuffled', async () => {
    const model = line();
    const [w, b] = [0.5, -0.25];
    const parameters = weightsOf(model.params);
    let [weight, bias] = [parameters['dense1.w']?.data[0] as number, parameters['dense1.b']?.data[0] as number];
    const x = [1, -2, 0.5];
    const y = x.map((value) => w * value + b);
    await model.fit(Float32Array.from(x), Float32Array.from(y), { batch: 1, shuffle: false, epochs: 2 });
    for (let step = 0; step < 6; step += 1) {
      const [input, target] = [x[step % 3] as number, y[step % 3] as number];
      const error = weight * input + bias - target;
      weight -= 0.1 * error * input;
      bias -= 0.1 * error;
    }
    const after = weightsOf(model.params);
    expect(after['dense1.w']?.data[0]).toBeCloseTo(weight, 6);
    expect(after['dense1.b']?.data[0]).toBeCloseTo(bias, 6);
  });

  it('learns from what remains of an epoch, too', async () => {
    const model = line();
    const events = await lastValueFrom(
      model.fit(Float32Array.of(1, 2, 3, 4, 5), Float32Array.of(1, 2, 3, 4, 5), { batch: 2 }).pipe(toArray()),
    );
    expect(events.map(({ kind, samples }) => [kind, samples])).toEqual([
      ['batch', 2],
      ['batch', 4],
      ['batch', 5],
      ['epoch', 5],
    ]);
    expect(events.map((event) => (event.kind === 'batch' ? [event.batch, event.batches] : []))).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
      [],
    ]);
  });

  it('weights the batches of an epoch by their size', async () => {
    const model = line(0);
    const x = Float32Array.of(1, 2, 3, 4, 5);
    const { epochs } = await model.fit(x, x, { batch: 2 });
    const { loss } = await model.evaluate(x, x, { batch: 5 });
    expect(epochs[0]?.loss).toBeCloseTo(loss, 5);
    expect((await model.evaluate(x, x, { batch: 2 })).loss).toBeCloseTo(loss, 5);
  });

  it('adds up a summed loss over all examples, in any batch', async () => {
    const model = sequential([dense(1, 1)], { seed: 5 }).compile({
      loss: squaredError({ reduction: 'sum' }),
      optimizer: sgd(0),
    });
    const x = Float32Array.of(1, 2, 3, 4, 5);
    const { loss } = await line(0).evaluate(x, x);
    for (const batch of [1, 2, 5]) {
      expect((await model.evaluate(x, x, { batch })).loss).toBeCloseTo(5 * loss, 4);
      expect((await model.fit(x, x, { batch })).epochs[0]?.loss).toBeCloseTo(5 * loss, 4);
    }
  });

  it('reports the loss of the data, and learns from that and the penalty', async () => {
    const make = (rate: number, l2?: number) =>
      sequential([dense(1, 1)], { seed: 5 }).compile({
        loss: squaredError(),
        optimizer: sgd(rate),
        ...(l2 === undefined ? {} : { l2 }),
      });
    const weight = (model: ReturnType<typeof make>) => weightsOf(model.params)['dense1.w']?.data[0] as number;
    const x = Float32Array.of(1, 2);
    const [plain, kept, decayed] = [make(0.1), make(0.1, 0), make(0.1, 0.5)];
    const before = weight(plain);
    const histories = [await plain.fit(x, x), await kept.fit(x, x), await decayed.fit(x, x)];
    for (const { epochs } of histories) expect(epochs[0]?.loss).toBe(histories[0]?.epochs[0]?.loss);
    expect(weight(kept)).toBe(weight(plain));
    // One step of gradient descent: the penalty's gradient is λ w.
    expect(weight(decayed)).toBeCloseTo(weight(plain) - 0.1 * 0.5 * before, 6);
  });

  it('shuffles by seed, each epoch in another order', async () => {
    const orders = async (seed: number, shuffle = true) => {
      const seen: number[] = [];
      // The loss of a batch of one tells which example it was: the rate is 0.
      const model = line(0);
      const x = Float32Array.of(1, 2, 3, 4, 5, 6);
      const w = (weightsOf(model.params)['dense1.w']?.data[0] as number) ** 2 / 2;
      await model.fit(x, new Float32Array(6), {
        batch: 1,
        epochs: 2,
        seed,
        shuffle,
        callbacks: [(event) => event.kind === 'batch' && seen.push(Math.round(Math.sqrt(event.batchLoss / w)))],
      });
      return seen;
    };
    const first = await orders(1);
    expect(await orders(1)).toEqual(first);
    expect(await orders(2)).not.toEqual(first);
    expect(first.slice(0, 6)).not.toEqual(first.slice(6));
    for (const epoch of [first.slice(0, 6), first.slice(6)]) expect([...epoch].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await orders(1, false)).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  });

  it('starts when it is subscribed to, and stops when it is unsubscribed from', async () => {
    const model = xorModel();
    const before = weightsOf(model.params);
    const training = model.fit(xor.x, xor.y, { batch: 1, epochs: 1000 });
    expect(weightsOf(model.params)).toEqual(before);
    const last = await lastValueFrom(training.pipe(take(3)));
    expect(last).toMatchObject({ kind: 'batch', batch: 3, epoch: 1 });
    const after = weightsOf(model.params);
    expect(after).not.toEqual(before);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(weightsOf(model.params)).toEqual(after);
    // It was let go of, so it can be trained again.
    await model.fit(xor.x, xor.y);
  });

  it('leaves the event loop its turns', async () => {
    const model = xorModel();
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await model.fit(xor.x, xor.y, { batch: 1, epochs: 300 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it('refuses to be trained twice at once', async () => {
    const model = xorModel();
    const first = model.fit(xor.x, xor.y, { epochs: 50 }).subscribe();
    await expect(model.fit(xor.x, xor.y)).rejects.toThrow('the model is being trained already');
    first.unsubscribe();
    await model.fit(xor.x, xor.y);
  });

  it('goes on where it ended: two trainings of one epoch are one of two, bit for bit, dropout and all', async () => {
    const { x, y } = clouds(50);
    const make = () =>
      sequential([dense(2, 8, { activation: tanh }), dropout(0.5), dense(8, 2)], { seed: 2 }).compile({
        loss: crossEntropy(),
        optimizer: adam(0.01),
      });
    const [one, two] = [make(), make()];
    await one.fit(x, y, { epochs: 2, batch: 8 });
    await two.fit(x, y, { batch: 8 });
    await two.fit(x, y, { batch: 8 });
    expect(weightsOf(two.params)).toEqual(weightsOf(one.params));
  });

  it('draws another dropout mask for each batch', async () => {
    const model = sequential([dropout(0.5), dense(64, 1, { bias: false })], { seed: 2 }).compile({
      loss: squaredError(),
      optimizer: sgd(0),
    });
    const losses: number[] = [];
    await model.fit([new Float32Array(64).fill(1)], [1], {
      epochs: 4,
      callbacks: [(event) => event.kind === 'batch' && losses.push(event.batchLoss)],
    });
    expect(new Set(losses).size).toBe(4);
  });

  it('tells how fast it is and how long it takes', async () => {
    const events: FitProgress[] = [];
    await xorModel().fit(xor.x, xor.y, { batch: 2, epochs: 3, callbacks: [(event) => events.push(event)] });
    expect(events).toHaveLength(9);
    for (const { samplesPerSecond, secondsLeft } of events) {
      expect(samplesPerSecond).toBeGreaterThan(0);
      expect(secondsLeft).toBeGreaterThanOrEqual(0);
    }
    expect(events.at(-1)?.secondsLeft).toBe(0);
    expect(events.at(-1)).toMatchObject({ kind: 'epoch', epoch: 3, epochs: 3, samples: 12 });
  });

  it('waits for a callback that takes its time, and fails with it', async () => {
    const log: string[] = [];
    const model = xorModel();
    await model.fit(xor.x, xor.y, {
      epochs: 2,
      callbacks: [
        async ({ kind, epoch }) => {
          if (kind === 'batch') log.push(`learnt ${epoch}`);
          else await new Promise((resolve) => setTimeout(resolve, 5)).then(() => log.push(`said ${epoch}`));
        },
      ],
    });
    expect(log).toEqual(['learnt 1', 'said 1', 'learnt 2', 'said 2']);
    const failing = () => {
      throw new Error('the disk is full');
    };
    await expect(model.fit(xor.x, xor.y, { callbacks: [failing] })).rejects.toThrow('the disk is full');
    await model.fit(xor.x, xor.y);
  });

  it('is an observable like any other', async () => {
    const seen: number[] = [];
    const history = await lastValueFrom(
      xorModel()
        .fit(xor.x, xor.y, { epochs: 100 })
        .pipe(
          tap(({ loss }) => seen.push(loss)),
          takeWhile(({ loss }) => loss > 0.3, true),
        ),
    );
    expect(history.loss).toBeLessThanOrEqual(0.3);
    expect(seen.slice(0, -1).every((loss) => loss > 0.3)).toBe(true);
  });

  it('learns many to one and many to many', async () => {
    const random = generator(1, 'sequences');
    const rows = Array.from({ length: 60 }, () => Int32Array.from({ length: 5 }, () => random.below(3)));
    const first = Int32Array.from(rows, (row) => row[0] as number);
    const one = sequential([embedding(3, 8), simpleRnn(8, 16), lastStep(), dense(16, 3)], { seed: 4 }).compile({
      loss: crossEntropy(),
      optimizer: adam(0.02),
      metrics: [accuracy()],
    });
    // What came first has to be remembered to the end.
    await one.fit(rows, first, { epochs: 40, batch: 16 });
    expect((await one.evaluate(rows, first)).metrics.accuracy).toBe(1);
    expect((await one.predict(rows)).shape).toEqual([60, 3]);

    const before = rows.map((row) => Int32Array.from(row, (_, t) => (t === 0 ? -1 : (row[t - 1] as number))));
    const many = sequential([embedding(3, 8), simpleRnn(8, 16), dense(16, 3)], { seed: 4 }).compile({
      loss: crossEntropy(),
      optimizer: adam(0.02),
      metrics: [accuracy()],
    });
    await many.fit(rows, before, { epochs: 40, batch: 16 });
    expect((await many.evaluate(rows, before)).metrics.accuracy).toBe(1);
    expect((await many.predict(ids([1, 5], [0, 1, 2, 1, 0]))).shape).toEqual([1, 5, 3]);
  });
});

describe('validation', () => {
  it('is what evaluate says of the weights at the end of the epoch', async () => {
    const [{ x, y }, model] = [clouds(40), xorModel()];
    const held = [x.slice(0, 10), y.slice(0, 10)] as const;
    const { epochs } = await model.fit(x.slice(10), y.slice(10), { epochs: 2, validationData: held });
    const now = await model.evaluate(...held);
    expect(epochs[1]?.validation?.loss).toBeCloseTo(now.loss, 12);
    expect(epochs[1]?.validation?.metrics).toEqual(now.metrics);
  });

  it('is split off the end, and not learnt from', async () => {
    const { x, y } = clouds(40);
    const [split, apart] = [xorModel(), xorModel()];
    const options = { epochs: 3, batch: 8 };
    const a = await split.fit(x, y, { ...options, validationSplit: 0.25 });
    const b = await apart.fit(x.slice(0, 30), y.slice(0, 30), {
      ...options,
      validationData: [x.slice(30), y.slice(30)],
    });
    const figures = ({ epochs }: History) => epochs.map(({ loss, validation }) => ({ loss, validation }));
    expect(figures(a)).toEqual(figures(b));
    expect(weightsOf(split.params)).toEqual(weightsOf(apart.params));
  });
});

describe('early stopping', () => {
  /** Learns the opposite of what is looked at, so that validation gets worse from epoch to epoch. */
  const opposed = { validationData: [xor.x, [1, 0, 0, 1]] as const, epochs: 50 };

  it('ends at the first epoch that is no better (algorithm 4.1)', async () => {
    const { epochs, stoppedEarly, bestEpoch } = await xorModel().fit(xor.x, xor.y, { ...opposed, earlyStopping: {} });
    expect(stoppedEarly).toBe(true);
    const losses = epochs.map(({ validation }) => validation?.loss as number);
    const rose = losses.findIndex((loss, k) => k > 0 && loss >= (losses[k - 1] as number));
    expect(epochs).toHaveLength(rose + 1);
    expect(bestEpoch).toBe(rose);
  });

  it('is patient where it is told to be, and gives the best weights back', async () => {
    const model = xorModel();
    const history = await model.fit(xor.x, xor.y, { ...opposed, earlyStopping: { patience: 4, restoreBest: true } });
    const best = history.bestEpoch as number;
    expect(history.epochs).toHaveLength(best + 4);
    const { loss } = await model.evaluate(...opposed.validationData);
    expect(loss).toBeCloseTo(history.epochs[best - 1]?.validation?.loss as number, 12);
  });

  it('looks at a metric, of which higher may be better', async () => {
    const { epochs, stoppedEarly } = await xorModel().fit(xor.x, xor.y, {
      epochs: 300,
      validationData: [xor.x, xor.y],
      earlyStopping: { monitor: 'accuracy', patience: 60 },
    });
    expect(stoppedEarly).toBe(true);
    expect(epochs.at(-1)?.validation?.metrics.accuracy).toBe(1);
  });
});
