import { from, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { scanCarry } from '../../src/layer.js';
import { resetLanes } from '../../src/streams/reset.js';
import { resettable } from '../../src/streams/resettable.js';
import { type Ids, ids, type Tensor, tensor } from '../../src/tensor.js';
import { tiny } from './model.js';

const signal = (k: number) => ids([2, 2], [k % 5, (k + 1) % 5, (2 * k) % 5, (3 * k) % 5]);
const lane = (x: Ids, b: number) => ids([2, 1], [x.data[b] as number, x.data[2 + b] as number]);
const laneOf = (y: Tensor, b: number) => [0, 1].map((t) => [...y.data.subarray((t * 2 + b) * 5, (t * 2 + b + 1) * 5)]);

describe('resetLanes', () => {
  const core = {
    initial: (batch: number) => ({
      layers: [{ h: tensor([batch, 2], new Float32Array(batch * 2).fill(0.5)) }],
      step: 0,
    }),
  };
  const carry = { layers: [{ h: tensor([3, 2], [1, 2, 3, 4, 5, 6]) }], step: 9 };

  it('sets the flagged lanes to what the initial carry has, and leaves lanes and numbers alone otherwise', () => {
    const reset = resetLanes(core, carry, [false, true, false]);
    expect(reset).toEqual({ layers: [{ h: tensor([3, 2], [1, 2, 0.5, 0.5, 5, 6]) }], step: 9 });
    expect([...(carry.layers[0]?.h.data ?? [])]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(resetLanes(core, carry, [true, true, true]).layers[0]?.h.data).toEqual(new Float32Array(6).fill(0.5));
    expect(resetLanes(core, carry, [false, false, false])).toBe(carry);
  });

  it('wants one flag for each lane', () => {
    expect(() => resetLanes(core, carry, [true])).toThrow(/\[3, 2\] has 3 lanes, but 1 flags/);
  });
});

describe('resettable', () => {
  it('starts the flagged lane afresh, bit for bit, while the other goes on', async () => {
    const model = tiny(5);
    const steps = [0, 1, 2, 3].map((k) => ({ input: signal(k), ...(k === 2 && { reset: [true, false] }) }));
    const outputs = await lastValueFrom(from(steps).pipe(resettable(model), toArray()));
    const whole = await lastValueFrom(
      from(steps).pipe(
        map(({ input }) => input),
        model,
        toArray(),
      ),
    );
    const fresh = await lastValueFrom(
      from(steps.slice(2)).pipe(
        map(({ input }) => lane(input, 0)),
        model,
        toArray(),
      ),
    );
    for (const k of [0, 1, 2, 3]) expect(laneOf(outputs[k] as Tensor, 1)).toEqual(laneOf(whole[k] as Tensor, 1));
    for (const k of [2, 3]) {
      expect(laneOf(outputs[k] as Tensor, 0).flat()).toEqual([...(fresh[k - 2] as Tensor).data]);
      expect(laneOf(outputs[k] as Tensor, 0)).not.toEqual(laneOf(whole[k] as Tensor, 0));
    }
  });

  it('makes error notifications of wrong flags and of another number of lanes', async () => {
    const run = (...steps: { input: Ids; reset?: boolean[] }[]) =>
      lastValueFrom(from(steps).pipe(resettable(tiny(5)), toArray()));
    await expect(run({ input: signal(0), reset: [true] })).rejects.toThrow(RangeError);
    await expect(run({ input: signal(0) }, { input: ids([1, 1], [0]) })).rejects.toThrow(/2 became 1/);
  });
});

describe('scanCarry', () => {
  it('gives bit for bit the uninterrupted run when it is cut anywhere and restored, also through JSON', async () => {
    const model = tiny(5);
    const signals = Array.from({ length: 6 }, (_, k) => signal(k));
    const whole = await lastValueFrom(from(signals).pipe(scanCarry(model), toArray()));
    for (let cut = 1; cut < signals.length; cut += 1) {
      const { h, windows } = (whole[cut - 1] as (typeof whole)[number]).carry;
      const written = JSON.parse(JSON.stringify({ shape: h.shape, data: [...h.data], windows }));
      const restored = { h: tensor(written.shape, written.data), windows: written.windows };
      const rest = await lastValueFrom(from(signals.slice(cut)).pipe(scanCarry(model, restored), toArray()));
      expect(rest).toEqual(whole.slice(cut));
    }
  });

  it('emits carries that later steps do not change', async () => {
    const states: number[][] = [];
    const kept: Tensor[] = [];
    await lastValueFrom(
      from([signal(0), signal(1), signal(2)]).pipe(
        scanCarry(tiny(5)),
        map(({ carry }) => {
          kept.push(carry.h);
          states.push([...carry.h.data]);
        }),
      ),
    );
    expect(kept.map(({ data }) => [...data])).toEqual(states);
    expect(states[0]).not.toEqual(states[1]);
  });
});
