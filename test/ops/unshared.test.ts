import { describe, expect, it, vi } from 'vitest';
import { bytesOf, differing, type Oxbow, trainingRun } from '../training/training-run.js';

/** The package anew, whose machine has not started yet. */
async function fresh(): Promise<Oxbow> {
  vi.resetModules();
  return import('../../src/index.js');
}

describe('without shared memory', () => {
  it('one thread does everything, whatever number is asked for', async () => {
    const { configure, machine } = await fresh();
    expect(configure({ shared: false, threads: 4 })).toMatchObject({ shared: false, threads: 1 });
    expect(machine().floats.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('every primitive gives the bits that shared memory gives', async () => {
    const bits = async (shared: boolean) => {
      const { configure, inWindow, toSignal } = await fresh();
      configure({ shared, threads: 1 });
      // Its parameters lie in the memory of the machine that has just been configured.
      const { cases, list } = await import('./eager-cases.js');
      return Object.entries(cases).map(([name, body]) => {
        const results = inWindow((ops) => toSignal(list(body(ops))));
        return `${name}: ${results.map(({ data }) => bytesOf(data)).join(' ')}`;
      });
    };
    const [alone, together] = [await bits(false), await bits(true)];
    expect(alone.length).toBeGreaterThan(25);
    expect(alone.filter((text, k) => text !== together[k]).map((text) => text.split(':')[0])).toEqual([]);
  });

  it.each(['lstm', 'gru'] as const)('training two %s layers gives the bits that shared memory gives', async (cell) => {
    const alone = await fresh();
    alone.configure({ shared: false });
    const together = await fresh();
    together.configure({ shared: true, threads: 1 });
    expect(together.machine().floats.buffer).toBeInstanceOf(SharedArrayBuffer);

    const [one, other] = [trainingRun(alone, cell), trainingRun(together, cell)];
    expect(alone.machine().shared).toBe(false);
    expect(one.losses).toEqual(other.losses);
    expect(one.gradientNorms).toEqual(other.gradientNorms);
    expect(differing(one, other)).toEqual([]);
  });

  it('is chosen before the first use; later it is an error that says so', async () => {
    for (const shared of [true, false]) {
      const { configure, machine } = await fresh();
      configure({ shared });
      expect(() => configure({ shared: !shared })).toThrow('configure before that');
      expect(machine().shared).toBe(shared);
      expect(configure({ shared, threads: 1 }).shared).toBe(shared);
    }
  });
});
