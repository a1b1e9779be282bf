import { cpSync, writeFileSync } from 'node:fs';
import { defineConfig } from 'tsup';
import { WORKING } from './src/host/working.js';

const isNoSource = (file: string) => !file.endsWith('.ts');

/** The package; the examples, which import it by its name like everyone else; the benchmarks and the fuzzing, which look inside. */
export default defineConfig([
  {
    entry: {
      index: 'src/index.ts',
      models: 'src/faces/models.ts',
      tagger: 'src/faces/tagger.ts',
      node: 'src/faces/node.ts',
      // The command, `oxbow`.
      cli: 'src/cli/main.ts',
      serve: 'src/faces/serve.ts',
      client: 'src/faces/client.ts',
      interchange: 'src/faces/interchange.ts',
      // What the package's imports choose among, so that these stay files of their own.
      'host/node': 'src/host/node.ts',
      'host/browser': 'src/host/browser.ts',
      'host/kernels-beside': 'src/host/kernels-beside.ts',
      'host/kernels-inlined': 'src/host/kernels-inlined.ts',
      'host/kernels-on-demand': 'src/host/kernels-on-demand.ts',
    },
    external: [/^#/, /^node:/],
    removeNodeProtocol: false,
    async onSuccess() {
      cpSync('src/host/generated', 'dist/host/generated', { recursive: true, filter: isNoSource });
      writeFileSync('dist/worker.js', WORKING);
    },
    outDir: 'dist',
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    clean: true,
    silent: true,
    dts: {
      entry: {
        index: 'src/index.ts',
        models: 'src/faces/models.ts',
        tagger: 'src/faces/tagger.ts',
        node: 'src/faces/node.ts',
        serve: 'src/faces/serve.ts',
        client: 'src/faces/client.ts',
        interchange: 'src/faces/interchange.ts',
      },
      // For `Symbol.dispose`, whatever libraries a project's own options name.
      banner: '/// <reference lib="esnext.disposable" />\n',
      // tsup's declaration build sets an option of its own that TypeScript 6 calls outdated.
      compilerOptions: { ignoreDeprecations: '6.0' },
    },
  },
  {
    entry: {
      alice: 'examples/alice/main.ts',
      lenet: 'examples/lenet/main.ts',
      memory: 'examples/memory/main.ts',
      gpt: 'examples/gpt/main.ts',
      seq2seq: 'examples/seq2seq/main.ts',
      slots: 'examples/slot-filling/main.ts',
      browser: 'examples/browser/serve.ts',
    },
    outDir: 'build/examples',
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    removeNodeProtocol: false,
    external: ['oxbow', 'commander', 'log-update'],
    silent: true,
    clean: true,
  },
  // Another front of the command's own training: it is made of the sources, and of one package with those.
  {
    entry: { main: 'examples/char-rnn/main.ts' },
    outDir: 'build/char-rnn',
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    removeNodeProtocol: false,
    external: ['commander', 'log-update', 'ws', 'typebox', 'prom-client'],
    silent: true,
    clean: true,
  },
  {
    entry: {
      main: 'bench/main.ts',
      soak: 'bench/soak.ts',
      'soak-life': 'bench/soak-life.ts',
      checkpoint: 'bench/checkpoint.ts',
      tagging: 'bench/tagging.ts',
      online: 'bench/online.ts',
      beside: 'bench/beside.ts',
      browser: 'bench/browser.ts',
      serve: 'bench/serve.ts',
      'serve-child': 'bench/serve-child.ts',
      'soak-serve': 'bench/soak-serve.ts',
    },
    outDir: 'build/bench',
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    removeNodeProtocol: false,
    external: ['commander', 'log-update', 'esbuild', 'ws', 'typebox', 'prom-client'],
    silent: true,
    clean: true,
  },
  {
    entry: { main: 'fuzz/main.ts' },
    outDir: 'build/fuzz',
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    removeNodeProtocol: false,
    external: ['commander', 'fast-check', 'ws'],
    silent: true,
    clean: true,
  },
]);
