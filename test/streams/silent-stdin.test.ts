/** Sources over a standard input that says nothing: who unsubscribes is let go. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const sources: Readonly<Record<string, string>> = {
  fromReadable: 'oxbow.fromReadable(process.stdin)',
  fromAsync: 'oxbow.fromAsync(process.stdin, () => process.stdin.destroy())',
  fromJsonLines: "oxbow.fromJsonLines({ name: 'stdin', chunks: process.stdin })",
  fromConll: "oxbow.fromConll({ name: 'stdin', chunks: process.stdin })",
  fromWebStream: "oxbow.fromWebStream((await import('node:stream')).Readable.toWeb(process.stdin))",
};

const folder = mkdtempSync(join(tmpdir(), 'silent-'));
const program = join(folder, 'program.mjs');

beforeAll(async () => {
  await build({
    stdin: {
      contents: `
        import * as oxbow from '../../src/index.js';
        const sources = { ${Object.entries(sources).map(([name, text]) => `${name}: async () => ${text}`)} };
        const subscription = (await sources[process.argv[2]]()).subscribe({ error: (error) => console.log(error.message) });
        setTimeout(() => subscription.unsubscribe(), 20);
      `,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a silent standard input', () => {
  it.each(Object.keys(sources))(
    'holds no process whose %s was unsubscribed from',
    async (name) => {
      const child = spawn(process.execPath, [program, name], { stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (text) => {
        output += text;
      });
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
      expect(await ended).toBe(0);
      clearTimeout(patience);
      expect(output).toBe('');
    },
    20_000,
  );
});
