/** Small runs whose files are compared with what the calling thread would have copied. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { adam, crossEntropy, dense, embedding, ids, lstm, stack } from 'oxbow';
import { tap } from 'rxjs';
import { encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { describe as describeModel } from '../../src/runs/describe.js';
import { recordOf } from '../../src/runs/record.js';
import { positionNow } from '../../src/streams/demand.js';
import { nextTurn } from '../../src/streams/event-loop.js';

// biome-ignore lint/suspicious/noExplicitAny: models and windows of many types.
export type Any = any;

export const [symbols, steps, lanes] = [11, 6, 3];
// Rows of neither whole groups nor whole blocks.
export const make = () =>
  stack({ embed: embedding(symbols, 37, { grows: true }), rnn: lstm(37, 70), head: dense(70, symbols) }, { seed: 3 });
export const plain = { loss: crossEntropy(), optimizer: adam(0.02), clipNorm: 1 };
export const windowOf = (k: number) => ({
  input: ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, (_, n) => (n * n + 3 * n + k) % symbols),
  ),
  target: ids(
    [steps, lanes],
    Array.from({ length: steps * lanes }, (_, n) => (n * n + 2 * n + k) % symbols),
  ),
});

/** Windows one after the other, each a turn of the event loop later. */
export async function* windowsIn(count: number) {
  for (let k = 0; k < count; k += 1) {
    await nextTurn();
    yield windowOf(k);
  }
}

export const fileOf = (folder: string, step: number) =>
  join(folder, `step-${String(step).padStart(12, '0')}.safetensors`);
export const stepsIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.startsWith('step-'))
    .map((name) => Number(/\d+/.exec(name)?.[0]));

/** A file's bytes but for what it says of itself: when it was written, after which, and its checksum. */
export const numbersOf = (bytes: Uint8Array) => {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const { __metadata__, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + Number(length))));
  return {
    run: __metadata__.run,
    entries,
    numbers: Buffer.from(bytes.subarray(8 + Number(length))).toString('base64'),
  };
};

/** Remembers, at each outcome, the file that a copy on the calling thread makes. */
export const remembering = (model: Any, expected: Map<number, Uint8Array>, about?: unknown) =>
  tap((outcome: Any) => {
    const record = { snapshot: outcome.snapshot(), position: positionNow(), about, model: describeModel(model) };
    expected.set(outcome.step, encodeCheckpoint(recordOf(model.params, record)));
  });
