// Compiles the kernels: `npm run kernels`. One module for each tier, written to src/host/generated/ twice: as a file, which Node
// reads, and as TypeScript that holds it deflated, in base64, so that every bundler and browser can load it.
// Nothing is done where the sources have not changed since.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import asc from 'assemblyscript/asc';
import { executeSource, readJobs, structsSource, writersSource } from './arguments.mjs';
import { tilesSource } from './tiles.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src/kernels/assembly');
const target = join(root, 'src/kernels/generated');
const modules = join(root, 'src/host/generated');

/** What the kernels read of the TypeScript side. */
const shared = ['control', 'jobs', 'limits', 'span'].map((name) => `src/kernels/${name}.ts`);

/** The jobs, and the arguments of each. */
const description = 'src/kernels/arguments.ts';

/** The largest register tile belongs to the tier: without 256-bit registers six rows of sixteen spill. */
export const tiers = {
  wide: { relaxed: true, rows: 6 },
  fma: { relaxed: true, rows: 2 },
  simd: { relaxed: false, rows: 2 },
};

function fingerprint() {
  const hash = createHash('sha256');
  const files = readdirSync(sources, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(sources, name));
  const scripts = [
    'scripts/kernels.mjs',
    'scripts/tiles.mjs',
    'scripts/arguments.mjs',
    description,
    'src/kernels/structs.ts',
    ...shared,
    'node_modules/assemblyscript/package.json',
  ];
  for (const file of [...files, ...scripts.map((name) => join(root, name))]) hash.update(readFileSync(file));
  return hash.digest('hex');
}

async function compile(folder, jobs, { relaxed, rows }) {
  const assembly = join(folder, 'assembly');
  writeFileSync(
    join(assembly, 'config.ts'),
    `export const FMA: bool = ${relaxed};\nexport const TILE_ROWS: i32 = ${rows};\n`,
  );
  mkdirSync(join(assembly, 'generated'), { recursive: true });
  writeFileSync(join(assembly, 'generated/tiles.ts'), tilesSource(rows));
  writeFileSync(join(assembly, 'generated/arguments.ts'), structsSource(jobs));
  writeFileSync(join(assembly, 'generated/execute.ts'), executeSource(jobs, sources));
  const options = [
    'assembly/index.ts',
    '--baseDir',
    folder,
    '--outFile',
    'kernels.wasm',
    '-O3',
    ...(process.env.OXBOW_KERNEL_NAMES ? ['--debug'] : []),
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--memoryBase',
    '65536',
    '--initialMemory',
    '64',
    '--maximumMemory',
    '65536',
    '--enable',
    'simd',
    '--enable',
    'threads',
    '--enable',
    'bulk-memory',
    ...(relaxed ? ['--enable', 'relaxed-simd'] : []),
    '--sharedMemory',
  ];
  let wasm;
  const { error, stderr } = await asc.main(options, {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) wasm = contents;
    },
  });
  if (error) throw new Error(`the kernels do not compile: ${error.message}\n${stderr.toString()}`);
  return Buffer.from(wasm);
}

const mark = join(target, 'fingerprint');
const now = fingerprint();
if (existsSync(mark) && readFileSync(mark, 'utf8') === now) process.exit(0);

for (const generated of [target, modules]) {
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated, { recursive: true });
}
const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
try {
  for (const name of shared) cpSync(join(root, name), join(folder, basename(name)));
  cpSync(sources, join(folder, 'assembly'), { recursive: true });
  const jobs = await readJobs(join(root, description));
  writeFileSync(join(target, 'writers.ts'), writersSource(jobs));
  for (const [tier, options] of Object.entries(tiers)) {
    const wasm = await compile(folder, jobs, options);
    const text = deflateRawSync(wasm, { level: 9 }).toString('base64');
    process.stdout.write(`kernels: ${tier}: ${wasm.length} bytes\n`);
    writeFileSync(join(modules, `${tier}.wasm`), wasm);
    writeFileSync(join(modules, `${tier}.ts`), `// Written by scripts/kernels.mjs.\nexport default '${text}';\n`);
  }
  writeFileSync(mark, now);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
