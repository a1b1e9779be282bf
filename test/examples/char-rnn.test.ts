import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Ended, filesOf, numbersOf, program, records } from './program.js';

const { start, run, inFolder } = program('char-rnn');
const tiny = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4'];
const verse = 'The ship sails on the sea, and the sea sails on the ship.\n';
beforeEach(() => writeFileSync(inFolder('verse.txt'), verse.repeat(40)));

/** Training is about to start, and Ctrl-C is listened for. */
async function begun(out: () => string): Promise<void> {
  while (!out().includes(' weights; ')) await sleep(50);
}

const files = () => readdirSync(inFolder()).filter((name) => name !== 'verse.txt');
const heldOut = ({ out }: Ended) => Number(/held out: ([\d.]+) bits/.exec(out)?.[1]);

describe('a text from a file', () => {
  test('is learnt for the given time, reported, saved, continued', async () => {
    const { code, out, err, wrong } = await run([
      '--file',
      'verse.txt',
      '--seconds',
      '1',
      '--prompt',
      'The ship',
      ...tiny,
    ]);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    expect(out).toMatch(/^2,320 characters, 16 symbols; the last 232 held out\n/);
    expect(err).toMatch(
      /(^|\n)epoch [\d.]+ · loss [\d.]+ · [\d.]+ bits per character · [\d,]+ characters\/s · 0 s left\n/,
    );
    expect(out).toMatch(/held out: [\d.]+ bits per character \([\d.]+ nats, perplexity [\d.]+\), 231 characters\n/);
    expect(err).toMatch(/saved runs\/char-rnn after update [\d,]+\n/);
    const said = out.slice(out.indexOf('\n\nThe ship') + 2, -1);
    expect([...said]).toHaveLength('The ship'.length + 300);
    expect(files()).toEqual(['runs']);
  });

  test('whose every sentence is the same is learnt by heart', async () => {
    const ended = await run(['--file', 'verse.txt', '--epochs', '40', '--lr', '0.01', '--prompt', 'The ship', ...tiny]);
    // A uniform guess among 16 symbols costs 4 bits.
    expect(heldOut(ended)).toBeLessThan(1);
    expect(ended.out).toContain('The ship sails on the sea');
  });

  test('gives the same weights for the same seed, on any number of threads', async () => {
    const numbers: string[] = [];
    for (const [name, ...extra] of [
      ['one', '--threads', '1'],
      ['two', '--threads', '2'],
      ['other', '--threads', '2', '--seed', '7'],
    ] as const) {
      await run(['--file', 'verse.txt', '--epochs', '1', '--save', name, ...tiny, ...extra]);
      numbers.push(await numbersOf(inFolder(name)));
    }
    expect(numbers[1]).toBe(numbers[0]);
    expect(numbers[2]).not.toBe(numbers[0]);
  });

  test('of Chinese and emoji counts code points', async () => {
    writeFileSync(inFolder('verse.txt'), '船在海上🦜'.repeat(60));
    const { code, out } = await run(['--file', 'verse.txt', '--seconds', '0.3', '--prompt', '海上', ...tiny]);
    expect(code).toBe(0);
    expect(out).toContain('300 characters, 5 symbols');
    expect([...out.slice(out.indexOf('\n\n海上') + 2, -1)]).toHaveLength(302);
  });

  test('that is short is read in fewer lanes', async () => {
    writeFileSync(inFolder('verse.txt'), verse);
    const { code, err } = await run(['--file', 'verse.txt', '--seconds', '0.3', '--batch', '32', '--length', '16']);
    expect(code).toBe(0);
    expect(err).toContain('the text is short: 3 lanes instead of 32');
  });

  test.each(['rnn', 'lstm', 'gru'])('is learnt by a %s of two layers', async (cell) => {
    const ended = await run(['--file', 'verse.txt', '--epochs', '2', '--cell', cell, '--layers', '2', ...tiny]);
    expect({ code: ended.code, wrong: ended.wrong }).toEqual({ code: 0, wrong: '' });
    expect(heldOut(ended)).toBeLessThan(Math.log2(16));
  });
});

describe('the weights of a run', () => {
  test('are where another one starts', async () => {
    const first = await run(['--file', 'verse.txt', '--epochs', '10', '--lr', '0.01', '--save', 'a', ...tiny]);
    const second = await run([
      '--file',
      'verse.txt',
      '--epochs',
      '1',
      '--lr',
      '1e-6',
      '--load',
      'a',
      '--save',
      'b',
      '--length',
      '16',
    ]);
    expect(heldOut(first)).toBeLessThan(3);
    expect(heldOut(second)).toBeCloseTo(heldOut(first), 2);
    expect(files()).toEqual(['a', 'b']);
  });

  test('that do not fit are told in one line, and left alone', async () => {
    await run(['--file', 'verse.txt', '--seconds', '0.1', '--save', 'a', ...tiny]);
    const [file = ''] = filesOf(inFolder('a'));
    const before = readFileSync(file);
    copyFileSync(file, inFolder('alone'));
    writeFileSync(inFolder('cut'), before.subarray(0, 100));
    writeFileSync(inFolder('other.txt'), 'ÆØÅ'.repeat(200));
    const cases = [
      [
        ['--load', 'a', '--units', '32'],
        /^char-rnn: --load: the model of a has --units 16, not 32; leave --units out\.\n$/,
      ],
      [['--load', 'none'], /^char-rnn: --load: none cannot be read: .*\n$/],
      [['--load', 'cut'], /^char-rnn: --load: cut: .*\n$/],
      [['--load', 'verse.txt'], /^char-rnn: --load: verse.txt: .*\n$/],
      [
        ['--load', 'a', '--file', 'other.txt'],
        /^char-rnn: the text has "Æ" \(U\+00c6\), which is not among .* 16 symbols.\n$/,
      ],
      [
        ['--load', 'alone', '--prompt', '7'],
        /^char-rnn: --prompt has "7" \(U\+0037\), which is not among .* 16 symbols.\n$/,
      ],
    ] as const;
    await Promise.all(
      cases.map(async ([args, message]) => {
        const { code, err } = await run(['--file', 'verse.txt', '--save', 'b', '--seconds', '0.1', ...args]);
        expect(err).toMatch(message);
        expect(code).toBe(2);
        expect(readFileSync(file).equals(before)).toBe(true);
        expect(files()).not.toContain('b');
      }),
    );
  });
});

describe('what cannot be done', () => {
  beforeEach(() => {
    writeFileSync(inFolder('empty.txt'), '');
    writeFileSync(inFolder('short.txt'), 'Call me Ishmael.');
    mkdirSync(inFolder('folder'));
    writeFileSync(inFolder('folder/step-000000000007.safetensors'), 'precious');
  });

  const verseFile = ['--file', 'verse.txt'];
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--file', 'none.txt'], /none.txt cannot be read/],
    [['--file', 'empty.txt'], /empty.txt is empty/],
    [['--file', 'folder'], /folder cannot be read/],
    [['--file', 'short.txt'], /16 symbols.*too short for one window of 64/],
    [['--nonsense'], /unknown option '--nonsense'/],
    [['--file', 'verse.txt', '--units', '1000000'], /does not fit into memory.*fewer --units/],
    [
      [...verseFile, '--threads', '65'],
      /'--threads <n>' argument '65' is invalid\. It must be a whole number from 1 to 64/,
    ],
    [[...verseFile, '--prompt', ''], /--prompt is empty/],
    [[...verseFile, '--prompt', '7'], /"7" \(U\+0037\)/],
    [[...verseFile, '--save', 'verse.txt'], /--save verse\.txt is no folder of a run: ENOTDIR/],
    [[...verseFile, '--save', 'folder'], /--save folder has a run already; go on with it by --resume, or give the new/],
    [['--resume'], /--resume: runs\/char-rnn has no run yet; leave --resume out to begin one there/],
    [['--save', 'folder', '--resume', '--load', 'a'], /leave --load out, or --resume/],
    [['--piped-again'], /--piped-again goes with --resume/],
  ];
  test.each(cases)('%j: one line on stderr, exit code 2, nothing overwritten', async (args, message) => {
    const before = readdirSync(inFolder());
    const { code, err } = await run(args, '');
    expect(err).toMatch(/^char-rnn: .*\n$/);
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(readdirSync(inFolder())).toEqual(before);
    expect(readFileSync(inFolder('folder/step-000000000007.safetensors'), 'utf8')).toBe('precious');
  });
});

describe('lines from stdin', () => {
  const options = ['--stdin', '--units', '16', '--embed', '8', '--length', '16'];

  test('are learnt to their end', async () => {
    const { code, out, wrong } = await run([...options, '--prompt', 'The'], verse.repeat(60));
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    const bits = Number(/all of it: ([\d.]+) bits per character before learning it, 3,479 characters/.exec(out)?.[1]);
    // A uniform guess among 98 symbols costs 6.61 bits.
    expect(bits).toBeLessThan(5);
    expect(files()).toEqual(['runs']);
  });

  test('are learnt as they arrive: Ctrl-C amid an open stream saves', async () => {
    const { child, ended, out: shown } = start(options);
    await begun(shown);
    for (let line = 0; line < 4; line += 1) {
      child.stdin.write(verse);
      await sleep(200);
    }
    child.kill('SIGINT');
    const { code, out, wrong } = await ended;
    expect({ code, wrong }).toEqual({ code: 130, wrong: '' });
    expect(out).toMatch(/all of it: .*, \d+ characters/);
    expect(files()).toEqual(['runs']);
  });

  test('that hold unknown symbols are learnt too, also by a model of a text', async () => {
    const unknown = `${verse}naïve 船\n`.repeat(10);
    expect(await run([...options, '--save', 'a'], unknown)).toMatchObject({ code: 0, wrong: '' });
    await run(['--file', 'verse.txt', '--seconds', '0.1', '--save', 'b', ...tiny]);
    expect(await run([...options, '--load', 'b', '--save', 'c'], unknown)).toMatchObject({ code: 0, wrong: '' });
    expect(files()).toEqual(['a', 'b', 'c']);
  });

  test('that never come and Ctrl-C: nothing is saved', async () => {
    const { child, ended, out } = start(options);
    await begun(out);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      err: 'nothing learnt, nothing saved\n',
    });
    expect(filesOf(inFolder('runs/char-rnn'))).toEqual([]);
  });

  test('that have nothing to learn from are told so', async () => {
    expect(await run(options, 'a')).toMatchObject({
      code: 2,
      err: 'char-rnn: the input has no two characters to learn from; nothing was saved.\n',
    });
  });
});

test('Ctrl-C stops training at the end of a window, saves and ends with 130', async () => {
  const { child, ended, out } = start(['--file', 'verse.txt', '--seconds', '600', ...tiny]);
  await begun(out);
  await sleep(500);
  child.kill('SIGINT');
  const { code, wrong } = await ended;
  expect({ code, wrong }).toEqual({ code: 130, wrong: '' });
  expect(files()).toEqual(['runs']);
});

test('--json gives a line for the start and the end, and nothing else', async () => {
  const told = records(await run(['--file', 'verse.txt', '--epochs', '2', '--json', ...tiny]));
  expect(told).toMatchObject([
    { characters: 2320, heldOut: 232, cell: 'lstm', units: 16, symbols: 16 },
    { characters: 2 * 2084, saved: 'runs/char-rnn', said: expect.stringMatching(/^The /), interrupted: false },
  ]);
  expect(told[1]?.heldOut).toEqual({
    characters: 231,
    ...{ bitsPerCharacter: expect.any(Number), natsPerCharacter: expect.any(Number), perplexity: expect.any(Number) },
  });
});

test('output that is not to a terminal has no control codes', async () => {
  const { out } = await run(['--file', 'verse.txt', '--seconds', '0.2', ...tiny]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test('--help names every option', async () => {
  const { code, out } = await run(['--help']);
  expect(code).toBe(0);
  const options =
    'file stdin cell units layers embed length batch optimizer lr floor seconds epochs seed threads tier prompt temperature load save resume json recipe eval report';
  for (const option of options.split(' ')) expect(out).toContain(`--${option}`);
});
