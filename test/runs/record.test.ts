/** Files of runs whose bytes are as they were written, and that say what no run says: refused by name, and nothing is learnt from them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adam,
  type Checkpoint,
  crossEntropy,
  dense,
  describe as description,
  embedding,
  keyedTbptt,
  lstm,
  OxbowError,
  openRunFolder,
  resume,
  stack,
  tbptt,
  tensor,
  weightsOf,
} from 'oxbow';
import { lastValueFrom, of } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packed } from '../../src/formats/packed.js';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'oxbow-record-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const make = () => stack({ embed: embedding(3, 2), rnn: lstm(2, 2), head: dense(2, 3) }, { seed: 1 });
const options = () => ({ loss: crossEntropy(), optimizer: adam(0.1) });
const run = (said: unknown): Checkpoint => ({
  tensors: weightsOf(make().params),
  metadata: { run: typeof said === 'string' ? said : packed(said, 'run').json },
});
const model = description(make());

it.each<readonly [string, Checkpoint, string, RegExp]>([
  ['no run', { tensors: {}, metadata: {} }, 'BadMetadata', /the file is of no run/],
  ['no JSON', run('{'), 'BadMetadata', /JSON/],
  ['no record', run('3'), 'BadMetadata', /is no record/],
  [
    'a mark that is none',
    run(JSON.stringify({ about: { $: ['x'.repeat(9999)] } })),
    'BadMetadata',
    /about is marked as \["x+…, which is not known/,
  ],
  [
    'numbers that are not there',
    run(JSON.stringify({ about: { $: 'tensor', at: 'y'.repeat(9999) } })),
    'BadMetadata',
    /should lie in "y+…, which/,
  ],
  [
    'a model that is none',
    run({ model: { $: 'dens', args: [2, 3] } }),
    'BadDescription',
    /build: dens: there is no factory/,
  ],
  [
    'an optimizer for a model',
    run({ model: description(adam(0.1)) }),
    'WeightsMismatch',
    /the weights are of another model/,
  ],
  ['another model', run({ model: description(dense(2, 3)) }), 'WeightsMismatch', /the weights are of another model/],
  ['other weights', { ...run({ model }), tensors: { w: tensor([1], [1]) } }, 'WeightsMismatch', /unexpected: w/],
])('a file that says %s is refused by its name', async (_, checkpoint, tag, message) => {
  const folder = await openRunFolder(path);
  const { file } = await folder.write(checkpoint, { step: 1 });
  await folder.close();
  const refused = await resume(path).catch((error: Error) => error);
  expect(refused).toBeInstanceOf(OxbowError);
  expect(refused).toMatchObject({ _tag: tag, message: expect.stringMatching(message) });
  const { message: said } = refused as Error;
  expect(said.startsWith(`resume: ${file}: `)).toBe(true);
  expect(said.length).toBeLessThan(1000);
});

it.each<readonly [string, (from: never) => unknown]>([
  ['tbptt', (from) => tbptt(make(), { ...options(), from })],
  [
    'keyedTbptt',
    (from) => of({ key: 1, value: 1 }).pipe(keyedTbptt(make(), { ...options(), length: 1, batch: 1, from })),
  ],
])('%s does not go on from what no snapshot is', async (name, begin) => {
  for (const from of [null, 3, [], 'x']) {
    const begun = async () => lastValueFrom(begin(from as never) as never);
    await expect(begun()).rejects.toThrow(new RegExp(`^${name}: .*snapshot\\(\\) gave`));
  }
});

it('takes nothing from a snapshot but what a snapshot has', async () => {
  const kept = { state: undefined, carry: undefined, optimizer: 'none', loss: 3 } as never;
  const window = {
    input: tensor([1, 1, 2], [1, 2]),
    target: { shape: [1, 1], type: 'int32', data: Int32Array.of(1) },
  } as const;
  const step = await lastValueFrom(
    of(window).pipe(tbptt(dense(2, 3, { seed: 1 }) as never, { ...options(), from: kept })),
  );
  expect(step).toMatchObject({ step: 1 });
});
