import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adam,
  type Checkpoint,
  crossEntropy,
  dense,
  ids,
  loadCheckpoint,
  saveCheckpoint,
  sequential,
  sgd,
  type Tensor,
  tensor,
  weightsOf,
} from 'oxbow';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

const make = (optimizer = adam(0.1)) =>
  sequential([dense(2, 3, { seed: 1 })]).compile({ loss: crossEntropy(), optimizer });
const [x, y] = [tensor([2, 2], [1, 2, 3, 4]), ids([2], [0, 1])];

let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oxbow-saved-'));
  const model = make();
  await lastValueFrom(model.fit(x, y, { epochs: 2 }));
  const path = join(folder, 'sound.safetensors');
  await model.save(path);
  checkpoint = await loadCheckpoint(path);
});
afterAll(() => rm(folder, { recursive: true }));

/** What a model says of a checkpoint, and whether its weights are as they were. */
async function loading(changes: Partial<Checkpoint>, model = make()) {
  const path = join(folder, 'changed.safetensors');
  await saveCheckpoint(path, { ...checkpoint, ...changes });
  const before = weightsOf(model.params);
  const message = await model.load(path).then(
    () => 'it was taken',
    (error: Error) => error.message,
  );
  const untouched = JSON.stringify(weightsOf(model.params)) === JSON.stringify(before);
  return { message, untouched };
}

const training = (changes: object) => ({
  metadata: { training: JSON.stringify({ ...JSON.parse(checkpoint.metadata.training as string), ...changes }) },
});
const slots = (name: string, value: number) => {
  const slot = Object.keys(checkpoint.tensors).find((path) => path.endsWith(`w.${name}`)) as string;
  const { shape, data } = checkpoint.tensors[slot] as Tensor;
  return {
    tensors: {
      ...checkpoint.tensors,
      [slot]: tensor(
        shape,
        data.map((v, k) => (k === 1 ? value : v)),
      ),
    },
  };
};

it.each<[string, () => Partial<Checkpoint>, RegExp]>([
  ['a negative step', () => training({ step: -1 }), /the state's step is a whole number .* not -1/],
  ['half a step', () => training({ step: 1.5 }), /not 1\.5/],
  ['no step', () => training({ step: null }), /not null/],
  ['NaN in a slot', () => slots('mean', Number.NaN), /\.w\.mean has NaN at 1/],
  ['a negative mean of squares', () => slots('meanSquare', -1), /\.w\.meanSquare has -1 at 1/],
])('what a checkpoint says of training is refused with the rest of it: %s', async (_, changes, message) => {
  const found = await loading(changes());
  expect(found.message).toMatch(message);
  expect(found.message).toMatch(/changed\.safetensors.*nothing sound of its training/);
  expect(found.untouched).toBe(true);
  // Of another optimizer's state nothing is asked.
  if (!('metadata' in changes())) expect((await loading(changes(), make(sgd(0.1)))).message).toBe('it was taken');
});

it('is taken as a whole where all of it is sound', async () => {
  expect(await loading({})).toEqual({ message: 'it was taken', untouched: false });
});
