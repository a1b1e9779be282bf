import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { Job, Unary } from '../../src/kernels/jobs.js';
import { unary } from '../../src/kernels/kernels.js';
import { createMachine, type Machine } from '../../src/kernels/machine.js';
import { bits, put, take, uniform } from './machines.js';

function tanhOf(machine: Machine, x: Float32Array): Float32Array {
  const mark = machine.region.mark();
  const from = put(machine, x);
  const to = machine.region.allocate(4 * x.length);
  unary(machine, Unary.tanh, from, to, x.length);
  const y = take(machine, to, x.length);
  machine.region.release(mark);
  return y;
}

describe('a team', () => {
  it('names a worker that fails within a kernel, takes no further fork, and works again once set up anew', () => {
    const machine = createMachine({ threads: 2 });
    const x = uniform(100_000, 1);
    const before = bits(tanhOf(machine, x));
    expect(() => machine.run(Job.fail, 4096, 1)).toThrow('worker 1 of 2 failed within a kernel');
    expect(() => tanhOf(machine, x)).toThrow('go on with configure({ threads: 2 })');
    machine.reconfigure({ threads: 3 });
    expect(bits(tanhOf(machine, x))).toEqual(before);
  });

  it('cuts any number of items into whole grains', () => {
    const machine = createMachine({ threads: 2 });
    const size = 4096 * 8 + 8;
    const address = machine.region.allocate(4 * size);
    machine.floats.fill(1, address / 4, address / 4 + size);
    // A grain of 8 makes more chunks than a fork can have.
    const { ints, floats, arguments: base } = machine;
    ints[base] = address;
    ints[base + 1] = address;
    floats[base + 2] = 2;
    floats[base + 3] = 0;
    machine.run(Job.affine, size, 8);
    expect(new Set(take(machine, address, size))).toEqual(new Set([2]));
  });

  it('keeps the machine as it was where a tier cannot be had', () => {
    const machine = createMachine({ threads: 2, tier: 'simd' });
    expect(() => machine.reconfigure({ tier: 'turbo' as 'wide' })).toThrow(RangeError);
    expect(() => machine.reconfigure({ shared: false })).toThrow('fixed at its first use');
    expect([machine.tier, machine.threads]).toEqual(['simd', 2]);
    expect(tanhOf(machine, Float32Array.of(0))).toEqual(Float32Array.of(0));
  });

  it('gives back what a former team held', async () => {
    const machine = createMachine({ threads: 2 });
    machine.reconfigure({ threads: 1 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const held = machine.heap.used();
    for (let round = 0; round < 5; round += 1) {
      machine.reconfigure({ threads: 3 });
      machine.reconfigure({ threads: 1 });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(machine.heap.used()).toBe(held);
  });

  it('has its workers whatever the process was started with, and lets the process end', async () => {
    const entry = fileURLToPath(new URL('../../src/kernels/machine.ts', import.meta.url));
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createMachine } from ${JSON.stringify(entry)};
          import { Job } from ${JSON.stringify(entry.replace('machine.ts', 'jobs.ts'))};
          const machine = createMachine({ threads: 2 });
          try { machine.run(Job.fail, 4096, 1); } catch (error) { console.log(error.message); }`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
    });
    const code = outputFiles[0]?.text ?? '';
    const printed = execFileSync(process.execPath, ['--input-type=module'], {
      input: code,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(printed).toContain('worker 1 of 2 failed within a kernel');
  });
});
