import { describe, expect, it } from 'vitest';
import { type JobName, jobs } from '../../src/kernels/arguments.js';
import { ARGS, CONTROL_BYTES } from '../../src/kernels/control.js';
import { fork } from '../../src/kernels/fork.js';
import { writers } from '../../src/kernels/generated/writers.js';
import { createMachine } from '../../src/kernels/machine.js';

const room = (CONTROL_BYTES - ARGS) / 4;
const names = Object.keys(jobs) as JobName[];

/** A value that only the field in its place can have. */
const sampleOf = (kind: string, k: number) =>
  kind === 'flag' ? true : kind === 'floats' ? [k + 0.5, k + 1.5] : kind === 'float' ? k + 0.5 : 0x8000_0000 + k;

describe("a job's arguments", () => {
  it.each(names)('of %s lie in the order in which they are described', (job) => {
    const fields = Object.entries(jobs[job].fields as Record<string, string>);
    const words = { ints: new Int32Array(2 * room), arguments: 8 };
    const floats = new Float32Array(words.ints.buffer);
    // Backwards: names count, not their order.
    const values = Object.fromEntries(fields.map(([name, kind], k) => [name, sampleOf(kind, k)]).reverse());
    (writers[job] as (words: unknown, values: unknown) => void)({ ...words, floats }, values);
    const given = fields.flatMap(([, kind], k) => {
      if (kind === 'floats') return [...floats.subarray(8 + k, 10 + k)];
      return [kind === 'float' ? floats[8 + k] : words.ints[8 + k] >>> 0];
    });
    expect(given).toEqual(fields.flatMap(([, kind], k) => sampleOf(kind, k)).map(Number));
    expect(words.ints.subarray(0, 8).every((word) => word === 0)).toBe(true);
    expect(fields.length).toBeLessThanOrEqual(room);
  });

  it('are refused by the compiler where one is missing, misspelt or of another kind', () => {
    const machine = createMachine({ threads: 1 });
    const refused = [
      // @ts-expect-error
      () => fork(machine, 'fill', { y: 0 }, 0, 1),
      // @ts-expect-error
      () => fork(machine, 'fill', { y: 0, valeu: 1 }, 0, 1),
      // @ts-expect-error
      () => fork(machine, 'fill', { y: 0, value: true }, 0, 1),
      // @ts-expect-error
      () => fork(machine, 'fil', { y: 0, value: 1 }, 0, 1),
    ];
    expect(refused).toHaveLength(4);
    const y = machine.arena.allocate(64);
    fork(machine, 'fill', { value: 3, y }, 16, 16);
    expect([...machine.floats.subarray(y / 4, y / 4 + 16)]).toEqual(Array(16).fill(3));
  });
});
