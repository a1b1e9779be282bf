import { readdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { nextSymbols, prepared, slidingWindows, wordsOf } from '../../examples/alice/text.js';
import { program, records } from './program.js';

const { run, interrupt, inFolder } = program('alice');
const verse = '  The ship sails on the Sea,\n\nand the sea’s ship sails on.\r\n';
beforeEach(() => writeFileSync(inFolder('verse.txt'), verse.repeat(40)));

describe('the text', () => {
  test('is stripped, lower-cased, ASCII, joined by spaces', () => {
    expect(prepared(verse)).toBe('the ship sails on the sea, and the seas ship sails on.');
  });

  test('is cut into windows that overlap, with the symbol after each', () => {
    const { x, y } = slidingWindows(Int32Array.of(1, 2, 3, 4, 5), 3);
    expect([x.shape, [...x.data]]).toEqual([
      [2, 3],
      [1, 2, 3, 2, 3, 4],
    ]);
    expect([...y.data]).toEqual([4, 5]);
  });

  test('is cut into windows side by side, with the same one later', () => {
    const { x, y } = nextSymbols(Int32Array.of(1, 2, 3, 4, 5, 6), 2);
    expect([x.shape, [...x.data]]).toEqual([
      [2, 2],
      [1, 2, 3, 4],
    ]);
    expect([...y.data]).toEqual([2, 3, 4, 5]);
  });

  test('has words and marks', () => {
    expect(wordsOf("oh, don't go!")).toEqual(['oh', ',', "don't", 'go', '!']);
  });
});

describe('the model of characters', () => {
  test('speaks after each iteration, and is saved and gone on with', async () => {
    const args = ['--file', 'verse.txt', '--save', 'alice.safetensors'];
    const { code, out, wrong } = await run([...args, '--iterations', '2']);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    // 40 verses of 54 characters and 39 spaces, less a window.
    expect(out).toContain('2,189 windows of 10 characters, 14 different ones; ');
    expect(out).toContain('simpleRnn1  simpleRnn  [10, B, 128]      18,304');
    expect(out).toMatch(/\niteration 1 · loss [\d.]+ · accuracy [\d.]+\n» [a-z,. ]{110}\niteration 2 · loss [\d.]+ · /);
    expect(readdirSync(inFolder()).sort()).toEqual(['alice.safetensors', 'verse.txt']);
    const more = await run([...args, '--load', 'alice.safetensors', '--iterations', '1', '--json']);
    const [, { loss, said } = {}] = records(more);
    expect(loss).toBeLessThan(Number(/iteration 2 · loss ([\d.]+)/.exec(out)?.[1]));
    expect(said).toHaveLength(110);
  });

  test('gives the same figures for the same seed, on any number of threads', async () => {
    const losses = async (...args: readonly string[]) => {
      const told = records(await run(['--file', 'verse.txt', '--iterations', '2', '--json', ...args]));
      return told.map(({ loss }) => loss).filter((loss) => loss !== undefined);
    };
    const first = await losses('--threads', '1');
    expect(first).toHaveLength(2);
    expect(await losses('--threads', '2')).toEqual(first);
    expect(await losses('--seed', '7')).not.toEqual(first);
  });
});

test('Ctrl-C stops within an iteration, tells how far it came, and saves', async () => {
  const args = ['--file', 'verse.txt', '--save', 'a', '--iterations', '100000'];
  const { code, err, wrong } = await interrupt(args, 'iteration 2 · ');
  expect({ code, wrong }).toEqual({ code: 130, wrong: '' });
  expect(err).toMatch(
    /(?:^|\n)stopped in iteration \d+ of 100,000, (with loss [\d.]+ · accuracy [\d.]+|before .*)\nsaved a\n$/,
  );
  expect(await run(['--file', 'verse.txt', '--load', 'a', '--iterations', '1'])).toMatchObject({ code: 0, wrong: '' });
});

test('the model of words looks at what it has not learnt from, and speaks', async () => {
  writeFileSync(inFolder('verse.txt'), verse.repeat(100));
  const { code, out, wrong } = await run(['--file', 'verse.txt', '--model', 'words', '--iterations', '1']);
  expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
  expect(out).toContain('46 windows of 30 words, 9 different ones; ');
  expect(out).toMatch(
    /iteration 1 · loss [\d.]+ · categoricalAccuracy [\d.]+ · perplexity [\d.]+ · held out: loss [\d.]+ /,
  );
  expect(/» (.*)\n/.exec(out)?.[1]?.split(' ')).toHaveLength(30);
});

test.each([
  [
    ['--file', 'none.txt'],
    /^alice: none.txt cannot be read: .*; .*: curl -O https:.*, or give its place by --file\.\n$/,
  ],
  [[], /^alice: 11-0\.txt cannot be read: /],
  [['--model', 'letters'], /^alice: .*--model.* Try --help\.\n$/],
  [['--iterations', '0'], /^alice: .*at least 1/],
  [['--file', 'verse.txt', '--load', 'none'], /^alice: --load: none cannot be read/],
])('%j is refused in one line', async (args, message) => {
  const { code, out, err } = await run(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
});

test.each([
  ['characters', verse, 'has 60 characters; .* leaves 54 characters, and one batch of characters takes 138'],
  ['words', verse, 'has 60 characters; .* leaves 14 words and marks, and one batch of words takes 1,200'],
  ['characters', '船在海上'.repeat(15_000), 'has 60,000 characters; .* ASCII alone, leaves 0 characters, and one'],
  ['words', '船在海上'.repeat(15_000), 'has 60,000 characters; .* ASCII alone, leaves 0 words and marks, and one'],
])('a text of which too little is left for %s is refused', async (model, text, message) => {
  writeFileSync(inFolder('verse.txt'), text);
  const { code, err } = await run(['--file', 'verse.txt', '--model', model]);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(`^alice: verse\\.txt ${message}`) });
});
