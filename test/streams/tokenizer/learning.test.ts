/** Models that learn and speak in tokens: kept with their tokenizer, and never heard to say half a character. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { from, lastValueFrom, map, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { languageModel } from '../../../src/models/language-model.js';
import { checkpointed } from '../../../src/runs/checkpointed.js';
import { loadRun } from '../../../src/runs/load-run.js';
import { fromText } from '../../../src/streams/from-text.js';
import { generateFrom } from '../../../src/streams/generate.js';
import { tbptt } from '../../../src/streams/tbptt.js';
import { text } from '../../../src/streams/text.js';
import { bytes } from '../../../src/streams/tokenizer/bytes.js';
import type { Tokenizer, TokenizerData } from '../../../src/streams/tokenizer/tokenizer.js';
import { tokenizerFrom } from '../../../src/streams/tokenizer/tokenizer-from.js';
import { tokens } from '../../../src/streams/tokens.js';
import { windows } from '../../../src/streams/windows.js';
import { type Ids, ids, tensor } from '../../../src/tensor.js';
import { crossEntropy } from '../../../src/training/losses/cross-entropy.js';
import { adam } from '../../../src/training/optimizers/adam.js';
import { bigram } from '../model.js';
import { byteLevel, jsonOf } from './files/made.js';

const made: readonly (readonly [string, () => Promise<Tokenizer>])[] = [
  ['bytes', async () => bytes()],
  ['byte pairs', () => tokenizerFrom(jsonOf(byteLevel()))],
];

describe.each(made)('%s', (_, make) => {
  it('are kept with a run that learnt from them, and what it says is text', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tokens-'));
    try {
      const vocab = await make();
      const model = languageModel({ symbols: vocab.size, units: 8, embed: 4, seed: 1 });
      const said = 'the river, 水と🐂. '.repeat(12);
      const steps = await lastValueFrom(
        fromText(said, { chunk: 7 }).pipe(
          tokens(vocab),
          windows({ length: 16 }),
          tbptt(model, { loss: crossEntropy(), optimizer: adam(0.05) }),
          checkpointed(join(folder, 'run'), { model, about: { vocab } }),
          map(({ loss }) => loss),
          toArray(),
        ),
      );
      expect(steps.at(-1)).toBeLessThan(0.8 * (steps[0] as number));
      const kept = await loadRun(join(folder, 'run'));
      const again = await tokenizerFrom((kept.about as { vocab: TokenizerData }).vocab);
      const prompt = again.encode('the ');
      expect(prompt).toEqual(vocab.encode('the '));
      const symbols$ = generateFrom(kept.model, ids([prompt.length, 1], prompt), { length: 40, seed: 1 });
      const symbols = await lastValueFrom(symbols$.pipe(toArray()));
      const parts = await lastValueFrom(from(symbols).pipe(text(again), toArray()));
      expect(parts.join('')).toBe(again.decode(symbols.flatMap(({ data }) => [...data])));
      expect(parts.join('')).not.toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a stop', () => {
  it('is found where its characters are spread over several tokens, none of which is said', async () => {
    // Says the bytes of a text, each after the one before.
    const script = [...new TextEncoder().encode('a水b🐂')];
    const follows = new Map(script.map((byte, k) => [byte, script[k + 1] ?? 0x61]));
    const logits = new Float32Array(256 * 256);
    for (let byte = 0; byte < 256; byte += 1) logits[256 * byte + (follows.get(byte) ?? 0x61)] = 9;
    const model = bigram(tensor([256, 256], logits));
    const symbols$ = generateFrom(model, ids([1, 1], [0x61]), {
      length: 20,
      greedy: true,
      stop: ['🐂'],
      vocab: bytes(),
    });
    const said = await lastValueFrom(
      symbols$.pipe(
        map((symbol): Ids => symbol),
        toArray(),
      ),
    );
    expect(bytes().decode(said.flatMap(({ data }) => [...data]))).toBe('水b');
    expect(await lastValueFrom(of(...said).pipe(text(bytes()), toArray()))).toEqual(['', '', '水', 'b']);
  });
});
