/** Steppers of one model that share its packed weights: each steps as one that has its own, whatever becomes of the weights. */
import { describe, expect, it } from 'vitest';
import { lstm } from '../../src/cells/lstm.js';
import { machine } from '../../src/kernels/machine.js';
import { dense } from '../../src/layers/dense.js';
import { embedding } from '../../src/layers/embedding.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { sharedPanels } from '../../src/stepper/shared-panels.js';
import { steppedTo, stepper } from '../../src/stepper.js';
import { ids } from '../../src/tensor.js';

const SIZES = [1, 2, 3, 4, 6, 8, 12, 24];

const modelOf = () =>
  stack(
    {
      embed: embedding(7, 5, { grows: true }),
      rnn: lstm(5, 20),
      head: dense(20, 7, { grows: true }),
    },
    { seed: 1 },
  );
const input = (lanes: number) =>
  ids(
    [1, lanes],
    Array.from({ length: lanes }, (_, k) => (3 * k) % 7),
  );

describe('shared panels', () => {
  it('give every stepper the bits of its own, while weights change and grow', () => {
    const model = modelOf();
    const panels = sharedPanels(machine());
    const own = SIZES.map(() => stepper(model));
    const sharing = SIZES.map(() => steppedTo(model, {}, undefined, panels));
    const check = () => {
      SIZES.forEach((lanes, k) => {
        const x = input(lanes);
        expect(Array.from(sharing[k]?.step(x).data ?? [])).toEqual(Array.from(own[k]?.step(x).data ?? [0]));
      });
    };
    for (let round = 0; round < 12; round += 1) {
      check();
      if (round % 3 === 2) {
        for (const [, parameter] of parametersOf(model.params)) {
          parameter.assign(parameter.data.map((value, k) => value + (k % 5) / 100));
        }
      }
      if (round === 6) {
        model.params.embed.table.grow(0, 9);
        model.params.head.w.grow(1, 9);
        model.params.head.b?.grow(0, 9);
      }
    }
    for (const one of [...own, ...sharing]) one.release();
    panels.release();
  });

  it('take memory for the weights once', () => {
    const model = modelOf();
    const { used: before } = machine().memory;
    const panels = sharedPanels(machine());
    const both = [8, 16].map(() => steppedTo(model, {}, undefined, panels));
    const places = both.map((one, k) => {
      one.step(input(8 * (k + 1)));
      const [, wh] = parametersOf(model.params).find(([path]) => path === 'rnn.wh') ?? [];
      return wh && panels.of(wh, false, 80, 20);
    });
    expect(places[0]).toBe(places[1]);
    for (const one of both) one.release();
    panels.release();
    model.release();
    expect(machine().memory.used).toBeLessThanOrEqual(before);
  });
});
