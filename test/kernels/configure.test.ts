import { beforeAll, describe, expect, it } from 'vitest';
import { type Ended, linux, programOf, run } from './processes.js';

/** What fails, by name: a line that throws, and what it says. */
const failing: Readonly<Record<string, readonly [code: string, message: string]>> = {
  'a tier that is none': ["configure({ tier: 'turbo', threads: 3 })", 'a tier is one of'],
  'no threads': ["configure({ threads: 0, tier: 'simd' })", 'threads is a whole number'],
  'half a thread': ["configure({ threads: 1.5, tier: 'simd' })", 'threads is a whole number'],
  'too many threads': ["configure({ threads: 65, tier: 'simd' })", 'threads is a whole number'],
  'threads as a text': ["configure({ threads: '2', tier: 'simd' })", 'threads is a whole number'],
  'no number': ["configure({ threads: Number.NaN, tier: 'simd' })", 'threads is a whole number'],
  'another kind of memory': ["configure({ shared: false, threads: 3, tier: 'simd' })", 'configure before that'],
  'an open window': ["inOpenWindow(() => configure({ threads: 3, tier: 'simd' }))", 'a window is open'],
  'an open window, other threads': ['inOpenWindow(() => configure({ threads: 1 }))', 'a window is open'],
  'too little memory for the team': [
    "withoutMemory(() => configure({ threads: 64, tier: 'simd' }))",
    'a team of 64 threads needs',
  ],
  'kernels that are wrong': [
    "withKernels((real) => ({ ...real, run() {} }), () => configure({ threads: 4, tier: 'simd' }))",
    "the tier 'simd' does not work here",
  ],
  'kernels that trap': [
    "withKernels((real) => ({ ...real, run() { throw new WebAssembly.RuntimeError('trap'); } }), () => configure({ threads: 4, tier: 'simd' }))",
    "the tier 'simd' does not work here",
  ],
  'kernels that fail otherwise': [
    "withKernels((real) => ({ ...real, run() { throw new Error('otherwise'); } }), () => configure({ threads: 4, tier: 'simd' }))",
    'otherwise',
  ],
  'kernels that cannot be linked': [
    "withKernels(() => { throw new WebAssembly.LinkError('linked'); }, () => configure({ threads: 4, tier: 'simd' }))",
    'linked',
  ],
};

const helpers = `
function inOpenWindow(body) {
  machine().windows += 1;
  try { return body(); } finally { machine().windows -= 1; }
}
function withoutMemory(body) {
  const { heap } = machine();
  const blocks = [];
  for (let size = 1 << 28; size >= 1 << 20; size /= 2) {
    try { for (;;) blocks.push(heap.allocate(size)); } catch {}
  }
  try { return body(); } finally { for (const block of blocks) heap.free(block); }
}
function withKernels(change, body) {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (module, imports) {
    return { exports: change(new Instance(module, imports).exports) };
  };
  try { return body(); } finally { WebAssembly.Instance = Instance; }
}
function stateOf(m) {
  // What is idle may go at any time, where memory is short.
  m.arena.trim();
  return { tier: m.tier, threads: m.threads, used: m.heap.used(), bits: bitsOf(m) };
}
`;

describe.runIf(linux)('a configure that throws', () => {
  let ended: Ended;
  beforeAll(async () => {
    const calls = Object.values(failing).map(([code]) => `() => ${code}`);
    const file = await programOf(`${helpers}
      configure({ threads: 2, tier: 'fma' });
      bitsOf(machine());
      await turns(100);
      const threads = tasks();
      for (const call of [${calls}]) {
        const before = stateOf(machine());
        let message = '';
        try { call(); } catch (error) { message = error.message; }
        say({ message, before, after: stateOf(machine()), threads, left: await tasksSettled(threads) });
      }
      // It can still be done.
      configure({ threads: 3, tier: 'simd' });
      say({ threads: machine().threads, tier: machine().tier, more: (await tasksSettled(threads + 1)) - threads });
      configure({ threads: 2, tier: 'fma' });
      say({ left: (await tasksSettled(threads)) - threads, warnings });
    `);
    ended = await run(file);
  });

  it.each(Object.entries(failing).map(([name, [, message]], k) => [name, message, k] as const))(
    '(%s) says so, and leaves the machine as it was, with no thread more',
    (_, message, k) => {
      expect(ended.err).toBe('');
      const said = ended.said[k] as Record<string, unknown>;
      expect(said.message).toContain(message);
      expect(said.after).toEqual(said.before);
      expect(said.left).toBe(said.threads);
    },
  );

  it('can be followed by one that does not', () => {
    expect(ended.said.slice(Object.keys(failing).length)).toEqual([
      { threads: 3, tier: 'simd', more: 1 },
      { left: 0, warnings: [] },
    ]);
  });
});

const atFirst: Readonly<Record<string, string>> = {
  'no threads': 'configure({ threads: 0 })',
  'no threads, memory of its own': 'configure({ threads: 0, shared: false })',
  'a tier that is none': "configure({ tier: 'turbo' })",
  'neither shared nor not': "configure({ shared: 'yes' })",
  'kernels that fail':
    "withKernels((real) => ({ ...real, run() { throw new Error('no'); } }), () => configure({ threads: 4 }))",
};

describe.runIf(linux)('a first configure that throws', () => {
  it('starts nothing, and the next one does', async () => {
    const calls = Object.values(atFirst).map((code) => `() => ${code}`);
    const file = await programOf(`${helpers}
      await turns(50);
      const threads = tasks();
      for (const call of [${calls}]) {
        let threw = false;
        try { call(); } catch { threw = true; }
        say({ threw, more: (await tasksSettled(threads)) - threads });
      }
      say(configure({ threads: 2 }).threads);
    `);
    const { said, err } = await run(file);
    expect(err).toBe('');
    expect(said).toEqual([...Object.keys(atFirst).map(() => ({ threw: true, more: 0 })), 2]);
  });
});
