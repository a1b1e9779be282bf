/** `oxbow train` over texts in other scripts than Latin, and over texts that are odd in other ways. */
import { statSync, writeFileSync } from 'node:fs';
import { loadNewest } from 'oxbow';
import { describe, expect, test } from 'vitest';
import { program, records } from './program.js';
import { chinese } from './texts.js';

const { run, inFolder } = program('oxbow', 'dist/cli.js');

/** Bits of a character that is drawn by how often it is in the text, whatever is before it. */
function unigramBits(text: string): number {
  const counts = new Map<string, number>();
  for (const symbol of text) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  const all = [...text].length;
  return [...counts.values()].reduce((bits, count) => bits - (count / all) * Math.log2(count / all), 0);
}

describe('a Chinese text of thousands of symbols', () => {
  const text = chinese(2500);
  const symbols = new Set(text);
  const small = ['--units', '64', '--embed', '32', '--batch', '16', '--lr', '0.01', '--no-serve'];
  /** Rows and columns of the embedding, the LSTM and the head. */
  const weights = (rows: number) => rows * 32 + (32 + 64 + 1) * 4 * 64 + 65 * rows;

  test.each([
    ['text', 32, 250, symbols.size],
    ['open', 32, 250, symbols.size + 1],
    ['bytes', 96, 700, 256],
  ] as const)(
    'is learnt from the same command, by the symbols of --symbols %s',
    async (choice, length, steps, rows) => {
      expect(symbols.size).toBeGreaterThan(3000);
      writeFileSync(inFolder('zh.txt'), text);
      const options = [
        ...small,
        '--length',
        `${length}`,
        '--steps',
        `${steps}`,
        '--keep',
        'model',
        '--symbols',
        choice,
      ];
      const trained = await run(['train', 'zh.txt', ...options, '--json']);
      expect(trained).toMatchObject({ code: 0, wrong: '' });
      const { heldOut, said } = records(trained).at(-1) as { heldOut: { bitsPerCharacter: number }; said: string };
      expect(heldOut.bitsPerCharacter).toBeLessThan(0.65 * unigramBits(text));

      // Weights, and what Adam keeps of each: nothing is as large as symbols times symbols.
      const { found } = await loadNewest(inFolder('model'));
      expect(statSync(found?.file as string).size).toBeLessThan(3 * 4 * weights(rows) + 100_000);

      const generated = await run(['generate', '--model', 'model', '--length', '200', '--seed', '1']);
      expect(generated).toMatchObject({ code: 0, err: '' });
      for (const words of [said, generated.out]) {
        expect(words).not.toContain('\uFFFD');
        if (choice === 'bytes') continue;
        expect([...words].filter((symbol) => !symbols.has(symbol))).toEqual([]);
        expect([...words].filter((symbol) => /\p{Script=Han}/u.test(symbol)).length).toBeGreaterThan(100);
      }
    },
  );

  test('grows a run that has learnt another text, with --symbols open alone', async () => {
    const [verse, han] = ['The ship sails on the sea, and the sea on.\n'.repeat(60), chinese(60)];
    writeFileSync(inFolder('verse.txt'), verse);
    writeFileSync(inFolder('zh.txt'), han);
    const tiny = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4', '--no-serve'];
    const known = async (folder: string) =>
      Number(/vocabulary +([\d,]+) symbols/.exec((await run(['inspect', folder])).out)?.[1]?.replace(',', ''));
    await run(['train', 'verse.txt', ...tiny, '--steps', '20', '--keep', 'open', '--symbols', 'open']);
    expect(await known('open')).toBe(1 + new Set(verse).size);
    const grown = await run(['train', 'zh.txt', '--epochs', '2', '--keep', 'open', '--no-serve', '--json']);
    expect(grown).toMatchObject({ code: 0, wrong: '' });
    // What is held out is not learnt.
    const learnt = [...han].slice(0, Math.floor(0.9 * [...han].length) - 20).join('');
    expect(await known('open')).toBeGreaterThanOrEqual(new Set(verse + learnt).size);
    const scored = await run(['train', 'zh.txt', '--keep', 'open', '--no-serve', '--eval', '--json']);
    expect(scored).toMatchObject({ code: 0, wrong: '' });
    expect(records(scored).at(-1)).toMatchObject({
      heldOut: { bitsPerCharacter: expect.any(Number) },
      dynamic: { bitsPerCharacter: expect.any(Number) },
    });

    await run(['train', 'verse.txt', ...tiny, '--steps', '2', '--keep', 'closed']);
    const refused = await run(['train', 'zh.txt', '--steps', '2', '--keep', 'closed', '--no-serve']);
    expect(refused).toMatchObject({ code: 2, wrong: expect.stringContaining("which is not among the model's") });
  });

  test('an error shows some of its symbols, not thousands', async () => {
    writeFileSync(inFolder('zh.txt'), text);
    await run(['train', 'zh.txt', '--units', '8', '--embed', '4', '--steps', '2', '--keep', 'model', '--no-serve']);
    const refused = await run(['generate', '☃', '--model', 'model']);
    expect(refused).toMatchObject({ code: 2, wrong: expect.stringMatching(/ and 3,\d{3} more\.$/) });
    expect(refused.wrong.length).toBeLessThan(400);
  });
});

const odd: Readonly<Record<string, string>> = {
  Arabic: 'كُلُّ سَفِينَةٍ فِي البَحْرِ، وَالبَحْرُ وَاسِعٌ.\n'.repeat(60),
  Devanagari: 'नमस्ते दुनिया, जहाज़ समुद्र में चलता है।\n'.repeat(60),
  'emoji that are joined': '👩‍👩‍👧‍👦 went to 🏳️‍🌈 and 👍🏽 by 🚲.\n'.repeat(60),
  'combining marks': 'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢ cafe\u0301 \n'.repeat(60),
  'symbols beyond the first plane': '𝒳𐍈𠜎𠜱𝔘𝔫 𓀀𓀁\n'.repeat(90),
  'lines that end in all ways': 'one line\r\nanother\nold mac\rlast\r\n'.repeat(60),
  'a mark of byte order': `\uFEFF${'The ship sails on the sea.\n'.repeat(60)}`,
  'such marks within': 'a\uFEFFb the ship\n'.repeat(80),
  'one symbol': 'a'.repeat(2000),
  'one symbol of two halves': '😀'.repeat(2000),
  'one line': 'the ship sails on the sea '.repeat(60),
  'a very long line': 'x y z and so on '.repeat(30_000),
  'replacement characters': 'what was lost: \uFFFD. '.repeat(80),
  'nothing but newlines': '\n'.repeat(2000),
};

describe('oxbow train', () => {
  const tiny = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4', '--steps', '20', '--no-serve'];
  // By its symbols each, and by one of the other choices.
  const cases = Object.keys(odd).flatMap((name, k) =>
    (['text', k % 2 === 0 ? 'open' : 'bytes'] as const).map((by) => [name, by] as const),
  );

  test.each(cases)('learns %s, by --symbols %s, and says what it has read', async (name, choice) => {
    const text = odd[name] as string;
    writeFileSync(inFolder('odd.txt'), text);
    const { code, wrong, out } = await run([
      'train',
      'odd.txt',
      ...tiny,
      '--keep',
      'model',
      '--symbols',
      choice,
      '--json',
    ]);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    const last = records({ out } as never).at(-1) as { said: string; heldOut: { bitsPerCharacter: number } };
    expect(last.heldOut.bitsPerCharacter).toBeGreaterThanOrEqual(0);
    expect(last.said.length).toBeGreaterThan(100);
    const read = new Set(text.replace(/^\uFEFF/, ''));
    const [first] = last.said;
    expect(read.has(first as string)).toBe(true);
    if (choice === 'bytes') expect(last.said).not.toContain('\uFFFD');
    else expect([...last.said].filter((symbol) => !read.has(symbol))).toEqual([]);
  });
});
