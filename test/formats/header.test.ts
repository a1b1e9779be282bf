import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import type { FormatError } from '../../src/errors.js';
import { decodeCheckpointEither } from '../../src/formats/checkpoint.js';

/** What becomes of a file with this header and so many bytes of data. */
function decoded(header: string, data = 4) {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return decodeCheckpointEither(bytes);
}

function errorOf(header: string, data?: number): FormatError {
  const found = decoded(header, data);
  if (E.isRight(found)) throw new Error('decoded, though it should not');
  return found.left;
}

const one = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
const shape = (text: string) => `{"w":{"dtype":"F32","shape":${text},"data_offsets":[0,4]}}`;
const offsets = (text: string) => `{"w":{"dtype":"F32","shape":[1],"data_offsets":${text}}}`;

type Case = readonly [what: string, header: string, tag: FormatError['_tag'], message: RegExp];

const cases: readonly Case[] = [
  ['nothing', '', 'HeaderNotJson', /not an object/],
  ['half an object', '{"w":', 'HeaderNotJson', /not JSON in UTF-8: the end at character 5/],
  ['half a text', '{"w', 'HeaderNotJson', /a text without an end at character 1/],
  ['a text that ends in an escape', '{"w\\"', 'HeaderNotJson', /a text without an end/],
  ['a list', '[1]', 'HeaderNotJson', /not an object/],
  ['something before the object', ` {"w":${one}}`, 'HeaderNotJson', /nothing before it/],
  ['a byte-order mark', `\uFEFF{"w":${one}}`, 'HeaderNotJson', /nothing before it/],
  ['something after the object', `{"w":${one}}x`, 'HeaderNotJson', /more after the end/],
  ['two objects', `{"w":${one}}{}`, 'HeaderNotJson', /more after the end/],
  ['a comma too many', `{"w":${one},}`, 'HeaderNotJson', /no name at character/],
  ['a comma too few', `{"w":${one}"v":${one}}`, 'HeaderNotJson', /instead of }/],
  ['no colon', '{"w" 1}', 'HeaderNotJson', /instead of :/],
  ['a name without quotes', '{w:1}', 'HeaderNotJson', /no name/],
  ['a control character', '{"w\n":1}', 'HeaderNotJson', /control character/],
  ['an unknown escape', '{"\\x41":1}', 'HeaderNotJson', /unknown escape/],
  ['a number that is none', shape('[01]'), 'HeaderNotJson', /instead of \]/],
  ['NaN', shape('[NaN]'), 'HeaderNotJson', /begins no value/],
  ['a tensor twice', `{"w":${one},"w":${one}}`, 'DuplicateName', /"w" a second time/],
  ['a tensor twice, once escaped', `{"w":${one},"\\u0077":${one}}`, 'DuplicateName', /"w" a second time/],
  ['metadata twice', '{"__metadata__":{},"__metadata__":{}}', 'DuplicateName', /"__metadata__"/],
  ['a name twice in metadata', '{"__metadata__":{"a":"b","a":"b"}}', 'DuplicateName', /"a" a second time/],
  ['a shape twice', shape('[1],"shape":[1]'), 'DuplicateName', /"shape"/],
  ['what nobody reads twice', shape('[1],"x":[{"y":1,"y":1}]'), 'DuplicateName', /"y"/],
  ['__proto__ twice', `{"__proto__":${one},"__proto__":${one}}`, 'DuplicateName', /"__proto__"/],
  ['metadata that is no string', '{"__metadata__":{"a":1}}', 'BadMetadata', /__metadata__.*"a" is 1/],
  ['metadata that is nested', '{"__metadata__":{"a":{}}}', 'BadMetadata', /"a" is an object/],
  ['metadata that is null', '{"__metadata__":null}', 'BadMetadata', /__metadata__/],
  ['metadata that is a list', '{"__metadata__":[]}', 'BadMetadata', /__metadata__/],
  ['a tensor that is no object', '{"w":3}', 'BadTensor', /"w" is not described/],
  ['a tensor that is null', '{"w":null}', 'BadTensor', /"w"/],
  ['no dtype', '{"w":{"shape":[1],"data_offsets":[0,4]}}', 'BadTensor', /"w" has no dtype/],
  ['a dtype of a prototype', '{"w":{"__proto__":{"dtype":"F32"},"shape":[1]}}', 'BadTensor', /"w" has no dtype/],
  ['another dtype', '{"w":{"dtype":"F64","shape":[1]}}', 'UnsupportedType', /dtype F64, but only F32 and I32/],
  ['an inherited name as dtype', '{"w":{"dtype":"toString","shape":[1]}}', 'UnsupportedType', /toString/],
  ['no shape', '{"w":{"dtype":"F32","data_offsets":[0,4]}}', 'BadTensor', /shape undefined/],
  ...['[-1]', '[-0]', '[0.5]', '[1.0]', '[1e0]', '[9007199254740992]', '["1"]', '[null]', '[[1]]', '1', '"1"'].map(
    (text): Case => [`shape ${text}`, shape(text), 'BadTensor', /has shape .*, not a list of sizes/],
  ),
  [`a shape of 400 digits`, shape(`[${'9'.repeat(400)}]`), 'BadTensor', /not a list of sizes/],
  ['no offsets', '{"w":{"dtype":"F32","shape":[1]}}', 'BadTensor', /data_offsets undefined/],
  ...['[0]', '[0,4,8]', '[0,4.0]', '[-4,0]', '[0,9007199254740992]', '["0","4"]', '{}', 'null'].map(
    (text): Case => [`offsets ${text}`, offsets(text), 'BadTensor', /data_offsets .*, not two places/],
  ),
  ['offsets in reverse', offsets('[4,0]'), 'BadOffsets', /takes 4 bytes/],
  ['offsets far beyond', offsets('[9007199254740987,9007199254740991]'), 'BadOffsets', /leaves a gap/],
  ['offsets for more', offsets('[0,8]'), 'BadOffsets', /hold 8/],
  ['a size that is too large', shape('[9007199254740991]'), 'BadOffsets', /takes/],
  ['sizes that are too large together', shape('[4503599627370496,4503599627370496]'), 'BadOffsets', /takes/],
  ['sizes without an end', shape(`[${'9007199254740991,'.repeat(30)}1]`), 'BadOffsets', /takes Infinity/],
  ['the same place twice', `{"w":${one},"v":${one}}`, 'BadOffsets', /"v".*overlaps/],
  ['a half overlap', `{"w":${one},"v":${one.replace('[0,4]', '[2,6]')}}`, 'BadOffsets', /"v".*overlaps/],
  [
    'an empty one within another',
    `{"v":{"dtype":"I32","shape":[0],"data_offsets":[2,2]},"w":${one}}`,
    'BadOffsets',
    /"v"/,
  ],
  ['a gap', `{"w":${one},"v":${one.replace('[0,4]', '[8,12]')}}`, 'BadOffsets', /"v".*gap/],
  ['a gap at the start', offsets('[4,8]'), 'BadOffsets', /gap/],
  ['bytes that are nobody’s', '{}', 'BadOffsets', /4 bytes at the end belong to no tensor/],
  ['more than there is', '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 'Truncated', /take 8.*only 4/],
];

describe('a header', () => {
  it.each(cases)('with %s is an error that says so', (_, header, tag, message) => {
    const error = errorOf(header);
    expect([error._tag, error.message]).toEqual([tag, expect.stringMatching(message)]);
    expect(error.message.length).toBeLessThan(400);
  });

  it.each([
    ['blanks at its end', `{"w":${one}}      `],
    ['blanks within', `{ "w" :\t${one.replaceAll(',', ' ,\n')} }`],
    ['names that nobody reads', shape('[1],"note":{"by":[true,false,null,"me",-1.5e3,{}]}')],
    ['escapes', `{"\\u0077":${one.replace('shape', '\\u0073hape')}}`],
    ['empty metadata', `{"__metadata__":{},"w":${one}}`],
  ])('may have %s', (_, header) => {
    expect(decoded(header)).toEqual(
      E.right({ tensors: { w: { shape: [1], type: 'float32', data: Float32Array.of(0) } }, metadata: {} }),
    );
  });

  it('may have any names, those of prototypes too', () => {
    const names = ['__proto__', 'constructor', 'toString', '', '\\u0000', '7', '🦜', '\\ud800', '\\"', '\\\\'];
    const entries = names.map((name, k) => `"${name}":${one.replace('[0,4]', `[${4 * k},${4 * k + 4}]`)}`);
    const metadata = names.map((name) => `"${name}":"${name}"`);
    const found = decoded(`{"__metadata__":{${metadata}},${entries}}`, 4 * names.length);
    if (E.isLeft(found)) throw new Error(found.left.message);
    const wanted = names.map((name) => JSON.parse(`"${name}"`) as string).sort();
    expect(Object.keys(found.right.tensors).sort()).toEqual(wanted);
    expect(found.right.metadata).toEqual(Object.fromEntries(wanted.map((name) => [name, name])));
    expect(Object.getPrototypeOf(found.right.tensors)).toBe(Object.prototype);
  });

  it('may have tensors of no numbers, whatever their other sizes', () => {
    const large = `[${'9007199254740991,'.repeat(30)}0]`;
    const found = decoded(`{"w":{"dtype":"I32","shape":${large},"data_offsets":[0,0]}}`, 0);
    expect(E.isRight(found) && found.right.tensors.w?.data).toEqual(new Int32Array(0));
  });

  const many = 500_001;
  it.each([
    ['lists within one another', `{"w":${'['.repeat(many)}`, /more than 8 objects and lists within one another/],
    ['objects within one another', '{"w":'.repeat(many), /more than 8 objects and lists within one another/],
    ['metadata within metadata', `{"__metadata__":{"a":${'[{"a":'.repeat(many)}`, /within one another/],
    [
      'metadata',
      `{"__metadata__":{${Array.from({ length: many }, (_, k) => `"${k}":""`)}}}`,
      /more than 500000 values/,
    ],
    ['sizes', shape(`[${'1,'.repeat(many)}1]`), /more than 500000 values/],
    [
      'empty tensors',
      `{${Array.from({ length: 90_000 }, (_, k) => `"${k}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)}}`,
      /more than 500000 values/,
    ],
  ])('with too many %s is an error, and no stack or memory runs out', (_, header, message) => {
    const error = errorOf(header);
    expect([error._tag, error.message]).toEqual(['HeaderTooLarge', expect.stringMatching(message)]);
  });

  it('with a name of megabytes is an error of a line', () => {
    const long = 'x'.repeat(5e6);
    for (const header of [`{"${long}":3}`, `{"${long}":${one},"${long}":${one}}`, shape(`["${long}"]`)]) {
      expect(errorOf(header).message.length).toBeLessThan(400);
    }
  });
});
