/** Mutated `tokenizer.json` files: refused by place, or tokenizers whose ids do not depend on where chunks end. */
import fc from 'fast-check';
import { tokenizerFrom } from '../src/index.js';
import { files, jsonOf } from '../test/streams/tokenizer/files/made.js';
import { same, settled } from './judging.js';
import {
  type ByteMutation,
  byteMutation,
  cuts,
  cutUp,
  mutatedBytes,
  mutatedText,
  type TextMutation,
  textMutation,
  upTo,
} from './mutations.js';
import type { Target } from './run.js';

interface Case {
  readonly base: number;
  readonly text: readonly TextMutation[];
  readonly bytes: readonly ByteMutation[];
  readonly said: string;
  readonly cuts: readonly number[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  base: fc.nat({ max: Object.keys(files).length - 1 }),
  text: upTo(3, textMutation),
  bytes: upTo(2, byteMutation),
  said: fc.oneof(
    fc.string({ maxLength: 40 }),
    fc
      .array(fc.constantFrom('the', ' river', "'s", '  ', '\n', '12', '<|end|>', '</s>', '水', '🐂', 'a.', ','))
      .map((all) => all.join('')),
  ),
  cuts,
});

const utf8 = new TextEncoder();

export async function tokenizers(): Promise<Target<Case>> {
  const bases = Object.values(files).map((make) => jsonOf(make()));
  return {
    name: 'tokenizers',
    cases,
    async judge({ base, text, bytes, said, cuts: places }) {
      const file = mutatedBytes(utf8.encode(mutatedText(bases[base] as string, text)), bytes);
      const json = new TextDecoder().decode(file);
      const made = await settled('tokenizerFrom', () => tokenizerFrom(json));
      if ('refused' in made) return file.length;
      const tokenizer = made.value;
      const whole = [...tokenizer.encode(said)];
      const { push, end } = tokenizer.encoder();
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      const chunks = cutUp(utf8.encode(said), places).map((chunk) => decoder.decode(chunk, { stream: true }));
      same('ids of chunks', [...chunks.flatMap((chunk) => [...push(chunk)]), ...end()], whole);
      const one = tokenizer.decoder();
      same('text of ids', whole.map((id) => one.push([id])).join('') + one.end(), tokenizer.decode(whole));
      same('what was written down', [...(await tokenizerFrom(tokenizer.toJSON())).encode(said)], whole);
      return file.length;
    },
  };
}
