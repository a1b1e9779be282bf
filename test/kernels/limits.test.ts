import { beforeAll, describe, expect, it } from 'vitest';
import { linux, programOf, run, type Setting } from './processes.js';

const flags = process.allowedNodeEnvironmentFlags;
const permission = flags.has('--permission') ? '--permission' : '--experimental-permission';
// Before Node 24 memory is reserved ten times over, whatever little there is.
const reservesLess = Number(process.versions.node.split('.')[0]) >= 24 ? [] : ['--disable-wasm-trap-handler'];
const root = process.getuid?.() === 0;

interface Report {
  readonly threads: number;
  readonly shared: boolean;
  readonly bits: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** MiB that could be had. */
  readonly had: number;
}

interface Case {
  readonly setting: Setting;
  readonly threads: number;
  readonly codes: readonly string[];
  readonly says: string;
  readonly body?: string;
  readonly unless?: boolean;
  readonly shared?: boolean;
}

/** Lets this process have so many threads more than it has, and no more. */
const threadsMore = (more: number) => `
  const { execFileSync } = await import('node:child_process');
  await turns(50);
  execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=' + (tasks() + ${more})]);
`;

const cases: Readonly<Record<string, Case>> = {
  'no worker may be started': {
    setting: { options: [permission, '--allow-fs-read=*'] },
    threads: 1,
    codes: ['OXBOW_FEWER_THREADS'],
    says: 'not all of 4 threads can be started here',
  },
  'there is no shared memory': {
    setting: { options: ['--import', 'data:text/javascript,delete globalThis.SharedArrayBuffer'] },
    threads: 1,
    codes: ['OXBOW_FEWER_THREADS'],
    says: 'there is no SharedArrayBuffer',
    shared: false,
  },
  'no thread more may be had': {
    setting: { uid: 54_321 },
    body: threadsMore(0),
    threads: 1,
    codes: ['OXBOW_FEWER_THREADS'],
    says: 'not all of 4 threads can be started here',
    unless: !root || !linux,
  },
  'two threads more may be had': {
    setting: { uid: 54_322 },
    body: threadsMore(2),
    threads: 3,
    codes: ['OXBOW_FEWER_THREADS'],
    says: 'not all of 4 threads can be started here',
    unless: !root || !linux,
  },
  'there is address space for some of it': {
    setting: { shell: 'ulimit -v 6000000', options: reservesLess },
    threads: 2,
    codes: ['OXBOW_LESS_MEMORY', 'OXBOW_FEWER_THREADS'],
    says: 'too little address space',
    unless: !linux,
  },
  'there is address space for little of it': {
    setting: { shell: 'ulimit -v 2500000', options: reservesLess },
    threads: 1,
    codes: ['OXBOW_LESS_MEMORY', 'OXBOW_FEWER_THREADS'],
    says: 'too little address space',
    unless: !linux,
  },
};

const program = (body: string) =>
  programOf(`
    ${body}
    const m = configure({ threads: 4 });
    const bits = bitsOf(m);
    await turns(50);
    // Asked again, it does not say it again.
    configure({ threads: 4 });
    let had = 0;
    try { for (;; had += 64) m.heap.allocate(64 << 20); } catch (error) { if (!(error instanceof RangeError)) throw error; }
    await turns(50);
    say({ threads: m.threads, shared: m.shared, bits, warnings, had });
  `);

describe('where not all can be had', () => {
  let usual: Report;
  beforeAll(async () => {
    const { said, err } = await run(await program(''));
    expect(err).toBe('');
    usual = said[0] as Report;
    expect(usual).toMatchObject({ threads: 4, warnings: [] });
  });

  for (const [name, { setting, threads, codes, says, body = '', unless = false, shared = true }] of Object.entries(
    cases,
  )) {
    it.skipIf(unless)(`(${name}) it goes on with the rest, gives the same bits, and says so once`, async () => {
      const { said, err, code } = await run(await program(body), setting);
      expect(code, err).toBe(0);
      const report = said[0] as Report;
      expect(report).toMatchObject({ threads, shared, bits: usual.bits });
      expect(report.warnings.map((warning) => warning.code)).toEqual(codes);
      expect(report.warnings.map(({ message }) => message).join('\n')).toContain(says);
      if (codes.includes('OXBOW_LESS_MEMORY')) {
        const least = Number(/(\d+)(\.\d+)? MiB of numbers/.exec(report.warnings[0]?.message ?? '')?.[1]);
        // What it says can be had, can be had.
        expect(report.had).toBeGreaterThanOrEqual(least - 128);
        expect(report.had).toBeGreaterThanOrEqual(256);
      }
    });
  }

  it.runIf(linux && reservesLess.length > 0)('(there is no address space at all) says what to do', async () => {
    const { err, code } = await run(await program(''), { shell: 'ulimit -v 4000000' });
    expect(code).toBe(1);
    expect(err).toContain('memory: not even 64 MiB of address space can be had for the kernels');
    expect(err).toContain('--disable-wasm-trap-handler');
  });

  it('(one thread is asked for) has nothing to say', async () => {
    const file = await programOf('say([machine().threads, bitsOf(machine())]); await turns(50); say(warnings);');
    const { said, err } = await run(file, {
      options: [permission, '--allow-fs-read=*'],
      env: { OXBOW_THREADS: '1', NODE_NO_WARNINGS: '1' },
    });
    expect(err).toBe('');
    expect(said).toEqual([[1, usual.bits], []]);
  });
});
