import { defineConfig } from 'tsup';

/** The package; the examples, which import it by its name like everyone else; the benchmarks, which look inside. */
export default defineConfig([
  {
    entry: { index: 'src/index.ts' },
    outDir: 'dist',
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    clean: true,
    silent: true,
    dts: {
      // For `Symbol.dispose`, whatever libraries a project's own options name.
      banner: '/// <reference lib="esnext.disposable" />\n',
      // tsup's declaration build sets an option of its own that TypeScript 6 calls outdated.
      compilerOptions: { ignoreDeprecations: '6.0' },
    },
  },
  {
    entry: {
      'char-rnn': 'examples/char-rnn/main.ts',
      alice: 'examples/alice/main.ts',
      lenet: 'examples/lenet/main.ts',
      memory: 'examples/memory/main.ts',
      gpt: 'examples/gpt/main.ts',
      seq2seq: 'examples/seq2seq/main.ts',
      slots: 'examples/slot-filling/main.ts',
    },
    outDir: 'build/examples',
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    external: ['oxbow', 'commander', 'log-update'],
    silent: true,
    clean: true,
  },
  {
    entry: { main: 'bench/main.ts', soak: 'bench/soak.ts', tagging: 'bench/tagging.ts', beside: 'bench/beside.ts' },
    outDir: 'build/bench',
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    external: ['commander', 'log-update'],
    silent: true,
    clean: true,
  },
]);
