/** Command lines as they are typed: what is wrong with one is said in one line, with what to do, and the exit code is 2. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { helpOf, program, run } from '../../src/cli/program.js';
import { conflictOf } from '../../src/cli/score.js';
import { tokensIn } from '../../src/cli/serve.js';
import { positive, share, texts, whole } from '../../src/cli/shared/arguments.js';
import { exitCodes } from '../../src/cli/shared/failure.js';
import { lessonOf } from '../../src/cli/tag.js';
import { version } from '../../src/version.js';

let outs: string[];
let errs: string[];
let code: typeof process.exitCode;
beforeEach(() => {
  [outs, errs] = [[], []];
  code = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(outs.push(String(text))));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean(errs.push(String(text))));
});
afterEach(() => {
  process.exitCode = code;
  vi.restoreAllMocks();
});

async function typed(line: readonly string[]) {
  process.exitCode = 0;
  await run(line);
  return { code: process.exitCode, out: outs.join(''), err: errs.join('') };
}

describe('a command line that cannot be meant', () => {
  it.each([
    [['scor'], "oxbow: unknown command 'scor'. Did you mean score? Try oxbow --help."],
    [['score', '--lern'], "oxbow: unknown option '--lern'. Did you mean --learn? Try oxbow score --help."],
    [['train', '--units', '0'], /--units <n>.*must be a whole number of at least 1\. Try oxbow train --help\.$/],
    [['train', '--cell', 'lstn'], /Allowed choices are rnn, lstm, gru, minGru, minLstm, griffin, gatedDeltaNet\./],
    [['train', '--seconds', 'soon'], /must be a number above 0\./],
    [['train', 'a.txt', 'b.txt'], /too many arguments/],
    [['generate'], /required option '--model <path>' not specified/],
    [['generate', '--model', 'm', '--top-p', '2'], /must be a number from 0 to 1\./],
    [['score', '--strange', '101'], /must be a number above 0 and at most 100\./],
    [['inspect'], /missing required argument 'path'/],
    [['doctor', '--threads', '65'], /must be a whole number from 1 to 64\./],
    [['completion', 'csh'], /Allowed choices are bash, zsh, fish\./],
  ])('%j', async (line, message) => {
    const { code, out, err } = await typed(line);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trimEnd()).toMatch(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });

  it('nothing at all', async () => {
    const { code, out, err } = await typed([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/Commands:.*\noxbow: say what is to be done/s);
  });

  it.each([
    [{}, /nothing to score by/],
    [{ learn: true } as const, /--learn needs a place/],
    [{ keep: 'm' }, /--keep is for what --learn learns/],
    [{ learn: true, keep: 'm', model: 'm' } as const, /--model is only read/],
    [{ learn: true, keep: 'm' } as const, /^$/],
    [{ model: 'm' }, /^$/],
  ])('oxbow score %j', (options, message) => expect(conflictOf(options) ?? '').toMatch(message));
});

describe('help', () => {
  it.each(
    program()
      .commands.filter((each) => each.name() !== 'complete')
      .map((each) => each.name()),
  )('of %s has examples of it, and all exit codes', async (name) => {
    const { code, out, err } = await typed([name, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`oxbow ${name}`);
    expect(out).toMatch(new RegExp(`Examples:.*oxbow ${name}`, 's'));
    for (const [code, what] of Object.entries(exitCodes)) expect(out).toContain(`${code.padEnd(4)} ${what}`);
  });

  it('lists the commands, and is that of helpOf', async () => {
    const { out } = await typed(['--help']);
    expect(out).toBe(helpOf(program()));
    for (const { name } of program().commands.map((each) => ({ name: each.name() }))) {
      expect(out.includes(`  ${name} `)).toBe(name !== 'complete');
    }
  });

  it('shows the version', async () =>
    expect(await typed(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' }));
});

describe('values', () => {
  it.each([
    [whole(1), '3', 3],
    [whole(0), '0', 0],
    [positive(), '0.5', 0.5],
    [share, '0', 0],
    [(text: string) => texts(text, ['a']), '\\n\\t\\\\n', ['a', '\n\t\\n']],
  ])('%# %s', (parse, text, value) => expect(parse(text)).toEqual(value));

  it.each([
    [whole(1), ''],
    [whole(1), '1.5'],
    [whole(1), '0'],
    [whole(1, 4), '5'],
    [positive(), '0'],
    [positive(), 'Infinity'],
    [positive(1), '2'],
    [share, '-0.1'],
    [share, ' '],
  ])('%# refuse %s', (parse, text) => expect(() => parse(text)).toThrow(/must be/));
});

describe('a file of tokens', () => {
  const [a, b] = ['a'.repeat(16), 'b'.repeat(16)];
  const may = { learn: true, control: true };

  it.each<[string, object[]]>([
    [`${a}\n`, [{ token: a, ...may }]],
    [
      `\ufeff# bearers\r\n\r\n ${a}\tno-learn\r\n${b} no-control no-learn`,
      [
        { token: a, learn: false, control: true },
        { token: b, learn: false, control: false },
      ],
    ],
  ])('%j', (text, tokens) => expect(tokensIn(text, 'tokens')).toEqual(tokens));

  it.each([
    ['', /tokens has no token/],
    ['# none\n', /tokens has no token/],
    [`${a}\nshort`, /tokens, line 2: a token has at least 16 characters/],
    [`${a} nolearn`, /tokens, line 1: it has "nolearn"; a line is TOKEN/],
    ['ключ'.repeat(4), /tokens, line 1: .*of ASCII/],
    ['\ufffd\ufffd0\u00001\u00002\u00003\u00004\u00005\u00006\u00007\u0000', /tokens, line 1: .*of ASCII/],
    [`${a} no-learn\n${b}\n${a}\n`, /tokens has the token of line 1 in line 3 again/],
  ])('that is impossible: %j', (text, message) => {
    expect(() => tokensIn(text, 'tokens')).toThrow(message);
    expect(() => tokensIn(text, 'tokens')).not.toThrow(a);
  });
});

describe('lines to tag and to learn', () => {
  it.each([
    ['  from  taipei ', { words: ['from', 'taipei'] }],
    ['', { words: [] }],
    ['["a","b"]', { words: ['a', 'b'] }],
    ['{"text":"to boston","id":"7"}', { words: ['to', 'boston'], id: '7' }],
    ['{"text":" to  boston "}', { words: ['to', 'boston'] }],
    ['{"text":""}', { words: [] }],
    ['{"text":" "}', { words: [] }],
    ['{"text":5}', expect.stringMatching(/^its text is 5; give a text/)],
    ['{"text":null}', expect.stringMatching(/^its text is null; give a text/)],
    ['{"words":["to"],"tags":["O"]}', { words: ['to'], tags: ['O'] }],
    ['{"id":"7","corections":[]}', expect.stringMatching(/^a correction has no "corections"; it has id, tags/)],
    ['{"id":"7","word":["to"]}', expect.stringMatching(/^a correction has no "word"/)],
    ['{"id":"7"}', { id: '7' }],
    ['{"id":"7","text":"to","from":"log"}', { id: '7', words: ['to'], from: 'log' }],
    ['{"id":"7","corrections":[]}', { id: '7', corrections: [] }],
    ['{', expect.stringMatching(/give words, or a line of JSON\.$/)],
  ])('%s', (line, lesson) => expect(lessonOf(line)).toEqual(lesson));
});
