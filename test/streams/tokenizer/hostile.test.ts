/** Files that are none, or that ask for what is not done here: refused by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OxbowError } from '../../../src/errors.js';
import { loadTokenizer } from '../../../src/streams/tokenizer/load-tokenizer.js';
import { tokenizerFrom } from '../../../src/streams/tokenizer/tokenizer-from.js';
import { byteLevel, type File, files, jsonOf } from './files/made.js';

const split = (pattern: object, more = {}) => ({
  pre_tokenizer: { type: 'Split', pattern, behavior: 'Isolated', invert: false, ...more },
});
const model = (more: object, name = 'GPT-2') => {
  const file = (files[name] as () => File)();
  return { ...file, model: { ...file.model, ...more } };
};
const added = (more: object) => ({
  ...byteLevel(),
  added_tokens: [{ id: 1000, content: '<s>', special: true, normalized: false, ...more }],
});

const cases: Readonly<Record<string, readonly [file: unknown, place: string, says: RegExp]>> = {
  'a list': [[], '', /is \[\] instead of an object/],
  'another version': [{ ...byteLevel(), version: '2.0' }, 'version', /"2.0", which is not taken here; "1.0" is/],
  'no model': [{ version: '1.0' }, 'model', /is not there/],
  'an unknown model': [
    { model: { type: 'WordLevel', vocab: {} } },
    'model.type',
    /WordLevel.*BPE, WordPiece and Unigram/,
  ],
  'a vocabulary without tokens': [model({ vocab: {} }), 'model.vocab', /has 0 tokens/],
  'an id that is too large': [model({ vocab: { a: 1e9 } }), 'model.vocab', /the id 1000000000 instead/],
  'an id that is below 0': [model({ vocab: { a: -1 } }), 'model.vocab', /the id -1 instead/],
  'an id of two tokens': [model({ vocab: { a: 0, b: 0 } }), 'model.vocab', /"b" and "a" the same id, 0/],
  'a token that is too long': [model({ vocab: { ['a'.repeat(2000)]: 0 } }), 'model.vocab', /of 2000 characters/],
  'a merge of three': [model({ merges: ['a b c'] }), 'model.merges', /at 0 instead of two tokens/],
  'a merge of unknown tokens': [
    model({ merges: ['a 水'] }),
    'model.merges',
    /"水" at 0, which is not in the vocabulary/,
  ],
  dropout: [model({ dropout: 0.1 }), 'model.dropout', /0.1, which is not taken here/],
  'an end of words': [model({ end_of_word_suffix: '</w>' }), 'model.end_of_word_suffix', /not taken here/],
  'an unknown token that is none': [model({ unk_token: '[NO]' }), 'model.unk_token', /not in the vocabulary/],
  'WordPiece that reads texts': [
    { ...files.WordPiece?.(), pre_tokenizer: null },
    'pre_tokenizer',
    /this model reads words/,
  ],
  'a score that is none': [
    model({ vocab: [['a', 'b']] }, 'Unigram'),
    'model.vocab',
    /instead of a token and its score/,
  ],
  'an unknown id that is none': [model({ unk_id: null }, 'Unigram'), 'model.unk_id', /instead of a whole number/],
  'bytes in Unigram': [model({ byte_fallback: true }, 'Unigram'), 'model.byte_fallback', /not taken here/],
  "a normalizer's own table": [
    { ...byteLevel(), normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA' } },
    'normalizer.type',
    /"Precompiled" is no normalizer that is taken here/,
  ],
  'a normalizer of patterns': [
    {
      ...byteLevel(),
      normalizer: { type: 'Sequence', normalizers: [{ type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }] },
    },
    'normalizer.normalizers[0].pattern.String',
    /instead of a text/,
  ],
  'a pre-tokenizer that is none': [
    { ...byteLevel(), pre_tokenizer: { type: 'Magic' } },
    'pre_tokenizer.type',
    /"Magic"/,
  ],
  'a pattern that looks back': [
    { ...byteLevel(), ...split({ Regex: '(?<=a)b' }) },
    'pre_tokenizer.pattern',
    /looks back/,
  ],
  'a pattern of word boundaries': [
    { ...byteLevel(), ...split({ Regex: '\\bx' }) },
    'pre_tokenizer.pattern',
    /not taken here/,
  ],
  'a pattern that takes ages': [
    { ...byteLevel(), ...split({ Regex: '(a+)+b' }) },
    'pre_tokenizer.pattern',
    /several ways/,
  ],
  'another one': [{ ...byteLevel(), ...split({ Regex: 'a*a*a*b' }) }, 'pre_tokenizer.pattern', /too many ways/],
  'one of choices': [
    { ...byteLevel(), ...split({ Regex: '(a|a)'.repeat(40) }) },
    'pre_tokenizer.pattern',
    /too many ways/,
  ],
  'a pattern that matches nothing': [
    { ...byteLevel(), ...split({ Regex: 'a*' }) },
    'pre_tokenizer.pattern',
    /can match nothing/,
  ],
  'a pattern that is none': [{ ...byteLevel(), ...split({ Regex: '(a' }) }, 'pre_tokenizer.pattern', /not taken here/],
  'a repetition without end': [
    { ...byteLevel(), ...split({ Regex: '(?:a{200}){200}' }) },
    'pre_tokenizer.pattern',
    /has more than 16384 characters/,
  ],
  'pieces that are merged': [
    { ...byteLevel(), ...split({ String: ' ' }, { behavior: 'MergedWithNext' }) },
    'pre_tokenizer.behavior',
    /"Removed", "Isolated" is/,
  ],
  'a decoder that is none': [{ ...byteLevel(), decoder: { type: 'CTC' } }, 'decoder.type', /"CTC" is no decoder/],
  'an added token without text': [added({ content: '' }), 'added_tokens[0].content', /has 0 characters/],
  'an added token that strips': [added({ lstrip: true }), 'added_tokens[0].lstrip', /true, which is not taken here/],
  "an added token with another's id": [added({ id: 3 }), 'added_tokens', /the id 3, which the model has otherwise/],
};

describe('tokenizerFrom', () => {
  it.each(Object.entries(cases))('refuses %s, by its place', async (_, [file, place, says]) => {
    const refused = await tokenizerFrom(JSON.stringify(file)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OxbowError);
    expect(refused).toMatchObject({ _tag: 'BadTokenizer', place });
    expect((refused as Error).message).toMatch(/^tokenizerFrom: tokenizer\.json: /);
    expect((refused as Error).message).toMatch(says);
  });

  it.each([
    ['no JSON', '{"model": ', /no JSON that can be read: the end at character 10/],
    ['a name that is there twice', '{"model": 1, "model": 2}', /"model" a second time/],
    ['what is too deep', `${'['.repeat(100)}${']'.repeat(100)}`, /more than 16 objects and lists/],
    ['what is too long', ' '.repeat(2 ** 26 + 1), /has 67108865 characters/],
  ])('refuses %s', async (_, json, says) => {
    await expect(tokenizerFrom(json)).rejects.toThrow(says);
  });

  it('takes names for names and nothing else', async () => {
    const json = jsonOf(model({ vocab: { a: 0, b: 1, constructor: 2, toString: 3 }, merges: [] })).replace(
      '"constructor"',
      '"__proto__"',
    );
    const tokenizer = await tokenizerFrom(json);
    expect([...tokenizer.encode('ab')]).toEqual([0, 1]);
    expect(tokenizer.decode([2, 3])).toBe('__proto__toString');
  });
});

describe('loadTokenizer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads a file, and names it where it cannot', async () => {
    const path = join(folder, 'tokenizer.json');
    writeFileSync(path, jsonOf(byteLevel()));
    expect((await loadTokenizer(path)).decode([0x25, 0x26])).toBe('%&');
    writeFileSync(path, '{}');
    await expect(loadTokenizer(path)).rejects.toThrow(`loadTokenizer: ${path}: tokenizer.json: model: is not there.`);
    writeFileSync(path, Uint8Array.of(0x7b, 0xff));
    await expect(loadTokenizer(path)).rejects.toMatchObject({ _tag: 'FileError', path });
    await expect(loadTokenizer(join(folder, 'none'))).rejects.toMatchObject({ _tag: 'FileError' });
  });
});
