import { throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromJsonLines, toJsonLine } from '../../../src/formats/utterances/json-lines.js';
import { loadUtterances } from '../../../src/formats/utterances/load.js';
import type { Utterance } from '../../../src/formats/utterances/utterance.js';
import { all, folderOf } from './files.js';

const read = (text: string): Promise<readonly Utterance[]> =>
  all(fromJsonLines(`${folderOf({ 'trip.jsonl': text })}/trip.jsonl`));

describe('JSON Lines', () => {
  it('come back as they were written', async () => {
    const utterances: readonly Utterance[] = [
      { words: ['leave', 'New York'], tags: ['O', 'B-from'] },
      { id: '7', words: ['"\n'], tags: ['O'], intent: 'a b' },
      { words: [], tags: [] },
      { words: ['🐂', '', 'שלום'] },
    ];
    expect(await read(utterances.map(toJsonLine).join(''))).toEqual(utterances);
    expect(toJsonLine(utterances[0] as Utterance)).toBe('{"words":["leave","New York"],"tags":["O","B-from"]}\n');
  });

  it('may end in CRLF, begin with a byte-order mark, have blank lines and names of their own', async () => {
    expect(await read('\uFEFF{"words":["a"],"by":"me"}\r\n\r\n\n{"words":["b"]}\n\n')).toEqual([
      { words: ['a'] },
      { words: ['b'] },
    ]);
    expect(await read('')).toEqual([]);
  });

  it.each([
    ['{"words":["a"]', 'BadLine', /no JSON: /],
    ['[1]', 'BadLine', /words is a list of strings, not undefined/],
    ['null', 'BadLine', /an utterance is an object/],
    ['{"words":"a b"}', 'BadLine', /words is a list of strings, not "a b"/],
    ['{"words":["a"],"tags":[1]}', 'BadLine', /tags is a list of strings, not \[1\]/],
    ['{"words":["a"],"id":7}', 'BadLine', /id is a string, not 7/],
    ['{"words":["a"],"intent":null}', 'BadLine', /intent is a string, not null/],
    [
      `{"words":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      'BadLine',
      /words is a list of strings, not \[\[…\]\]\. Put/,
    ],
    [`{"words":"${'a'.repeat(1_000_000)}"}`, 'BadLine', /words is a list of strings, not "a{79}…\. Put/],
    ['{"words":["a"],"tags":[]}', 'CountMismatch', /0 tags for 1 words; each word has one tag/],
  ] as const)('%s is refused, with file and line', async (line, _tag, why) => {
    const error = await read(`{"words":["fine"]}\n${line}\n`).catch((thrown) => thrown);
    expect(error).toMatchObject({ _tag, line: 2 });
    expect(error.message).toMatch(/trip\.jsonl:2: /);
    expect(error.message).toMatch(why);
  });
});

describe('all utterances at once', () => {
  it('are a value, and so is what is wrong with them', async () => {
    const folder = folderOf({ good: '{"words":["a"]}', bad: 'a' });
    expect(await loadUtterances(fromJsonLines(`${folder}/good`))).toEqual([{ words: ['a'] }]);
    await expect(loadUtterances(fromJsonLines(`${folder}/bad`))).rejects.toMatchObject({
      _tag: 'BadLine',
      path: `${folder}/bad`,
      line: 1,
    });
    await expect(loadUtterances(fromJsonLines(`${folder}/none`))).rejects.toMatchObject({ _tag: 'FileError' });
    await expect(loadUtterances(throwError(() => new RangeError('mine')))).rejects.toThrow('mine');
  });
});
