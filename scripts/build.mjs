// Builds what has changed: `npm run build`. The kernels, then dist/ (the package), build/char-rnn/, build/examples/, build/bench/ and build/fuzz/. Nothing is done
// where no source has changed since, so that every command that needs a build can ask for one.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const mark = join(root, 'build/fingerprint');
const built = [
  'dist/index.js',
  'dist/index.d.ts',
  'dist/worker.js',
  'dist/cli.js',
  'dist/host/generated/simd.wasm',
  'dist/page/index.html',
  'build/char-rnn/main.js',
  'build/examples/memory.js',
  'build/examples/alice.js',
  'build/examples/lenet.js',
  'build/examples/gpt.js',
  'build/examples/seq2seq.js',
  'build/examples/slots.js',
  'build/examples/browser.js',
  'build/examples/browser/main.js',
  'build/bench/main.js',
  'build/bench/soak.js',
  'build/bench/soak-life.js',
  'build/bench/checkpoint.js',
  'build/bench/tagging.js',
  'build/bench/online.js',
  'build/bench/beside.js',
  'build/bench/browser.js',
  'build/bench/serve.js',
  'build/bench/serve-child.js',
  'build/bench/soak-serve.js',
  'build/fuzz/main.js',
];

function run(script) {
  // No input: what is piped into `npm start` is for the program that is started, not for its build.
  execFileSync(process.execPath, [join(root, script)], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The page of `example:browser`, which takes the package as it has just been built. */
async function buildPage() {
  const [from, to] = ['examples/browser', 'build/examples/browser'].map((name) => join(root, name));
  await build({
    entryPoints: [join(from, 'main.ts')],
    outdir: to,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    // This repository's own paths lead to the sources.
    tsconfigRaw: {},
    logLevel: 'error',
  });
  for (const name of ['index.html', 'style.css']) cpSync(join(from, name), join(to, name));
}

/** The page of `oxbow serve`: files whose names follow from what is in them. */
async function buildServedPage() {
  const vite = await import('vite');
  await vite.build({ configFile: join(root, 'page/vite.config.ts') });
}

function fingerprint() {
  const hash = createHash('sha256');
  const folders = ['src', 'page', 'examples', 'bench', 'fuzz'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      // The benchmarks' peers are installed there.
      .filter((file) => !file.includes('node_modules', root.length)),
  );
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsup.config.ts'].map((name) =>
    join(root, name),
  );
  for (const file of [...folders.sort(), ...files]) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

try {
  run('scripts/kernels.mjs');
  const now = fingerprint();
  const current = existsSync(mark) && readFileSync(mark, 'utf8') === now;
  if (!current || !built.every((file) => existsSync(join(root, file)))) {
    process.stdout.write('build: dist, build/char-rnn, build/examples, build/bench, build/fuzz\n');
    rmSync(mark, { force: true });
    run('node_modules/tsup/dist/cli-default.js');
    await buildPage();
    await buildServedPage();
    mkdirSync(dirname(mark), { recursive: true });
    writeFileSync(mark, now);
  }
} catch (error) {
  // The tool has said what is wrong; a stack of this script would only bury it.
  process.stderr.write(`build: ${error.message}\n`);
  process.exitCode = 1;
}
