import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle, root } from './bundles.js';

const folder = mkdtempSync(join(tmpdir(), 'oxbow-'));
afterAll(() => rmSync(folder, { recursive: true }));

const node = promisify(execFile).bind(undefined, process.execPath);
const env = { ...process.env, OXBOW_THREADS: '2', OXBOW_TIER: '', NODE_OPTIONS: '' };

describe('the built files', () => {
  it("name Node's modules by their prefix", () => {
    const files = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.js$/.test(file),
    );
    const named = files.flatMap((file) =>
      [...readFileSync(join(root, 'dist', file), 'utf8').matchAll(/\b(?:from|import)[ (]*"([^."][^"]*)"/g)].map(
        ([, name]) => name,
      ),
    );
    expect(named).toContain('node:worker_threads');
    expect(named.filter((name) => builtinModules.includes(name as string))).toEqual([]);
  });
});

describe('the package in Node', () => {
  /** Runs a program in this folder, where the package has its own name. */
  const run = async (program: string, ...options: string[]) =>
    JSON.parse(String((await node([...options, '--input-type=module', '-e', program], { cwd: root, env })).stdout));

  it.each(['models', 'tagger', 'node'])(
    'has in oxbow/%s what it has in oxbow, and no machine of its own',
    async (name) => {
      const differ = await run(`
      const [part, whole] = await Promise.all([import('oxbow/${name}'), import('oxbow')]);
      console.log(JSON.stringify(Object.keys(part).map((key) => [key, part[key] === whole[key]])));
    `);
      expect(differ.length).toBeGreaterThan(4);
      expect(differ.filter(([, same]: [string, boolean]) => !same)).toEqual([]);
    },
  );

  it('computes by the same machine whichever part of it is asked', async () => {
    const used = await run(`
      const { sequential } = await import('oxbow/models');
      const { dense, machine, tensor } = await import('oxbow');
      const before = machine().memory.used;
      sequential([dense(64, 64)]).predict(tensor([1, 64], new Float32Array(64)));
      console.log(JSON.stringify([before, machine().memory.used]));
    `);
    expect(used[1]).toBeGreaterThan(used[0] + 4 * 64 * 64 - 1);
  });

  it('reads the kernels of the tiers that it tries, and none before', async () => {
    const watched = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { readFileSync } = fs;
      globalThis.files = [];
      fs.readFileSync = (file, ...rest) => {
        if (/wasm$/.test(file)) globalThis.files.push(String(file).replace(/.*[/]/, ''));
        return readFileSync(file, ...rest);
      };
      syncBuiltinESMExports();
    `;
    const files = (program: string) =>
      run(
        `const { configure, machine } = await import('oxbow'); ${program}; console.log(JSON.stringify(files));`,
        '--import',
        `data:text/javascript,${encodeURIComponent(watched)}`,
      );
    expect(await files('')).toEqual([]);
    expect(await files("configure({ tier: 'fma' })")).toEqual(['fma.wasm']);
    expect((await files('machine()')).length).toBeLessThan(3);
  });
});

describe('a bundle of one file for Node', () => {
  const program = `import { machine } from 'oxbow'; console.log(machine().tier);`;
  async function outputOf(name: string, options: Parameters<typeof bundle>[1]): Promise<string> {
    const { text } = await bundle(program, { platform: 'node', ...options });
    const file = join(folder, name);
    writeFileSync(file, text);
    return node([file], { env }).then(
      ({ stdout }) => stdout,
      (error) => error.stderr,
    );
  }

  it.each(['esm', 'cjs'] as const)('has the kernels in it: %s', async (format) => {
    expect(await outputOf(`${format}.${format === 'esm' ? 'mjs' : 'cjs'}`, { format })).toMatch(/^(wide|fma|simd)\n$/);
  });

  it('says which condition brings them, where other conditions were given', async () => {
    expect(await outputOf('other.mjs', { format: 'esm', conditions: ['mine'] })).toMatch(/by the condition 'module'/);
  });
});
