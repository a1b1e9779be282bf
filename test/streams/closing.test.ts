import { execFileSync, spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { lastValueFrom, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromConll } from '../../src/formats/utterances/conll.js';
import { fromJsonLines } from '../../src/formats/utterances/json-lines.js';
import { fromAsync } from '../../src/streams/from-async.js';
import { fromReadable } from '../../src/streams/from-readable.js';
import { fromWebStream } from '../../src/streams/from-web-stream.js';

let folder: string;
let program: string;
let silent: number;
const pipe = (name: string) => `${folder}/${name}`;

/** A program that subscribes to what is silent, unsubscribes, and does nothing else. */
async function bundle(): Promise<void> {
  const contents = `
    import { createInterface } from 'node:readline';
    import { Readable } from 'node:stream';
    import { merge } from 'rxjs';
    import { fromConll } from '../../src/formats/utterances/conll.js';
    import { fromJsonLines } from '../../src/formats/utterances/json-lines.js';
    import { fromSequenceFiles } from '../../src/formats/utterances/sequence-files.js';
    import { fromAsync } from '../../src/streams/from-async.js';
    import { fromFile } from '../../src/streams/from-file.js';
    import { fromReadable } from '../../src/streams/from-readable.js';
    import { fromWebStream } from '../../src/streams/from-web-stream.js';
    const { stdin } = process;
    const [, , kind, path] = process.argv;
    const source$ = {
      readable: () => fromReadable(stdin),
      'readline interface': () => fromAsync(createInterface({ input: stdin })),
      'web stream': () => fromWebStream(Readable.toWeb(stdin)),
      'file of lines': () => fromJsonLines({ name: 'stdin', chunks: stdin }),
      'named pipe': () => merge(fromFile(path + 'silent'), fromFile(path + 'lonely')),
      'folder of named pipes': () => merge(fromSequenceFiles(path), fromConll(path + 'silent'), fromJsonLines(path + 'lonely')),
    }[kind]();
    const stream = source$.subscribe({ error: (error) => console.log(error) });
    setTimeout(() => stream.unsubscribe(), 30);
  `;
  await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: program,
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-'));
  program = join(folder, 'program.cjs');
  execFileSync('mkfifo', [pipe('lonely'), pipe('silent'), pipe('seq.in')]);
  writeFileSync(pipe('seq.out'), 'O\n');
  // Open for reading too, so that it waits for nobody; it says nothing.
  silent = openSync(pipe('silent'), 'r+');
  await bundle();
});
afterAll(() => {
  closeSync(silent);
  rmSync(folder, { recursive: true });
});

describe('a process whose input is silent ends once nobody is subscribed', () => {
  it.concurrent.each([
    'readable',
    'readline interface',
    'web stream',
    'file of lines',
    'named pipe',
    'folder of named pipes',
  ])('%s', { timeout: 30_000 }, async (kind) => {
    const child = spawn(process.execPath, [program, kind, pipe('')], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (bytes) => {
      said += bytes;
    });
    try {
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(said).toBe('');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('unsubscribing closes at once what is waited for', () => {
  const sources: Record<string, (values: PassThrough) => Observable<unknown>> = {
    fromReadable: (values) => fromReadable(values),
    fromAsync: (values) => fromAsync(values),
    fromJsonLines: (chunks) => fromJsonLines({ name: 'the input', chunks }),
    fromConll: (chunks) => fromConll({ name: 'the input', chunks }),
  };

  it.each(Object.entries(sources))('%s of a readable', async (_, from) => {
    const values = new PassThrough();
    const stream = from(values).subscribe();
    await new Promise((resolve) => setImmediate(resolve));
    stream.unsubscribe();
    expect(values.destroyed).toBe(true);
    const early = new PassThrough();
    from(early).subscribe().unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(early.destroyed).toBe(true);
  });

  it('a web stream, whose cancellation may never end', async () => {
    for (const from of [fromWebStream, (values: ReadableStream<string>) => fromAsync(values as never)]) {
      const values = new ReadableStream<string>({ cancel: () => new Promise(() => undefined) });
      const stream = from(values).subscribe();
      await new Promise((resolve) => setImmediate(resolve));
      stream.unsubscribe();
      await Promise.resolve();
      expect(values.locked).toBe(false);
    }
  });

  it('a readline interface', async () => {
    const lines = createInterface({ input: new PassThrough() });
    const closed = once(lines, 'close');
    fromAsync(lines).subscribe().unsubscribe();
    await closed;
  });

  it('an iterator, whatever its return does', () => {
    let returned = 0;
    const values = (end: () => Promise<IteratorResult<number>>): AsyncIterable<number> => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return() {
          returned += 1;
          return end();
        },
      }),
    });
    const throwing = () => {
      throw new Error('cannot be closed');
    };
    for (const end of [throwing, () => Promise.reject(new Error('no')), () => new Promise<never>(() => undefined)]) {
      fromAsync(values(end)).subscribe().unsubscribe();
    }
    expect(returned).toBe(3);
  });

  it('what takes the signal, though a generator waits for it', async () => {
    const readings = new EventEmitter();
    async function* read(signal: AbortSignal) {
      for await (const [reading] of on(readings, 'reading', { signal })) yield reading as number;
    }
    const source$ = fromAsync(read);
    const seen: number[] = [];
    const stream = source$.subscribe((reading) => seen.push(reading));
    readings.emit('reading', 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([1]);
    stream.unsubscribe();
    expect(readings.listenerCount('reading')).toBe(0);
    // Each subscription has a signal of its own.
    source$.subscribe().unsubscribe();
  });
});

describe('fromAsync', () => {
  it('takes what is no stream, and says what it does not take', async () => {
    const seen: unknown[] = [];
    await fromAsync([1, 2]).forEach((value) => void seen.push(value));
    await fromAsync(() => new Set(['a'])).forEach((value) => void seen.push(value));
    expect(seen).toEqual([1, 2, 'a']);
    for (const wrong of [null, undefined, 3, {}]) {
      expect(() => fromAsync(wrong as never)).toThrow(
        /fromAsync: takes an iterable, .* not (null|undefined|number|object)/,
      );
    }
    await expect(lastValueFrom(fromAsync(() => 3 as never))).rejects.toThrow(TypeError);
  });
});
