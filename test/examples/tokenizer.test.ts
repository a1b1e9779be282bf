/** Commands whose models' symbols are the tokens of a file. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type File, files, jsonOf, SAMPLE } from '../streams/tokenizer/files/made.js';
import { program, records } from './program.js';

const { run, inFolder } = program('oxbow', 'dist/cli.js');

const tiny = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4', '--steps', '30', '--no-serve'];
const text = `${SAMPLE}\n`.repeat(40);
const jsonFor = (name: string) => jsonOf((files[name] as () => File)());
const written = (name: string) => {
  writeFileSync(inFolder('text.txt'), text);
  writeFileSync(inFolder('tokenizer.json'), jsonFor(name));
};

describe('--tokenizer', () => {
  test.each(['GPT-2', 'byte pairs without pre-tokenizers, as of Llama 2', 'WordPiece', 'Unigram', 'Whitespace'])(
    '%s: train learns its tokens and goes on, generate and score know them',
    async (name) => {
      written(name);
      const learn = ['train', 'text.txt', ...tiny, '--keep', 'model', '--json'];
      const first = await run([...learn, '--tokenizer', 'tokenizer.json']);
      expect(first).toMatchObject({ code: 0, wrong: '' });
      expect(records(first).at(-1)).toMatchObject({
        heldOut: { bitsPerCharacter: expect.any(Number) },
        said: expect.any(String),
      });
      // With the file, or without it: the run has it.
      for (const more of [['--tokenizer', 'tokenizer.json'], []]) {
        const again = await run([...learn, ...more]);
        expect(again).toMatchObject({ code: 0, wrong: '' });
      }
      const generated = await run(['generate', 'the river', '--model', 'model', '--length', '20', '--seed', '1']);
      expect(generated).toMatchObject({ code: 0, err: '' });
      expect((await run(['generate', '', '--model', 'model'])).code).toBe(2);
      const scored = await run(['score', '--model', 'model', 'text.txt', '--json']);
      expect(scored).toMatchObject({ code: 0, wrong: '' });
      expect(records(scored).length).toBeGreaterThan(40);
    },
  );

  test('score --learn and train --stdin begin with them', async () => {
    written('GPT-2');
    const scored = await run(['score', 'text.txt', '--learn', '--keep', 'scores', '--tokenizer', 'tokenizer.json']);
    expect(scored).toMatchObject({ code: 0, wrong: '' });
    const piped = await run(
      ['train', '--stdin', '--units', '8', '--keep', 'piped', '--no-serve', '--tokenizer', 'tokenizer.json'],
      text,
    );
    expect(piped).toMatchObject({ code: 0, wrong: '' });
    for (const folder of ['scores', 'piped']) expect((await run(['inspect', folder])).out).toMatch(/tokeni[sz]er/);
  });

  test.each([
    [['--tokenizer', 'none.json'], 1, 'none.json'],
    [['--tokenizer', 'text.txt'], 1, 'text.txt'],
    [['--tokenizer', 'tokenizer.json', '--symbols', 'bytes'], 2, '--symbols'],
    [['--tokenizer', '.'], 1, '--tokenizer'],
    [['--tokenizer', 'words.json', '--prompt', '  '], 2, 'has no token'],
  ])('%j is refused, and leaves nothing', async (asked, code, named) => {
    written('GPT-2');
    writeFileSync(inFolder('words.json'), jsonFor('WordPiece'));
    const refused = await run(['train', 'text.txt', ...tiny, '--keep', 'model', ...asked]);
    expect(refused).toMatchObject({ code, out: '', wrong: expect.stringContaining(named) });
    expect((await run(['inspect', 'model'])).code).not.toBe(0);
  });

  test('a run keeps its symbols: others are refused', async () => {
    written('GPT-2');
    await run(['train', 'text.txt', ...tiny, '--keep', 'tokens', '--tokenizer', 'tokenizer.json']);
    await run(['train', 'text.txt', ...tiny, '--keep', 'bytes', '--symbols', 'bytes']);
    writeFileSync(inFolder('other.json'), jsonFor('WordPiece'));
    for (const [folder, asked, shown] of [
      ['tokens', ['--tokenizer', 'other.json'], 'the tokens of another file, not those of other.json'],
      ['tokens', ['--symbols', 'bytes'], '--tokenizer, not bytes'],
      ['bytes', ['--tokenizer', 'tokenizer.json'], '--symbols bytes, not those of tokenizer.json'],
    ] as const) {
      const refused = await run(['train', 'text.txt', '--keep', folder, '--no-serve', ...asked]);
      expect(refused).toMatchObject({ code: 2, wrong: expect.stringContaining(shown) });
    }
  });
});
