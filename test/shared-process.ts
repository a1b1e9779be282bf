/** For the files that share a process (see `vitest.config.ts`): each leaves it as it was. */
import { afterAll, expect, vi } from 'vitest';
import { machine } from '../src/kernels/machine.js';

function state() {
  const { threads, learnerThreads, tier, memory, windows, capturing } = machine();
  return { threads, learnerThreads, tier, limit: memory.limit, windows, capturing, fakeTimers: vi.isFakeTimers() };
}

const before = state();

afterAll(() => {
  expect(state(), 'a file that changes its process needs one of its own: see vitest.config.ts').toEqual(before);
});
