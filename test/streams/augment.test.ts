import { lastValueFrom, type OperatorFunction, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { generator } from '../../src/random.js';
import { principalColours, randomColour, randomCrop, randomFlip, randomShift } from '../../src/streams/augment.js';
import { ids, type Tensor, tensor, zeros } from '../../src/tensor.js';

/** Images of 3 rows and 4 columns with two channels, every number another and none of them 0. */
const images = (count: number) =>
  tensor(
    [1, count, 3, 4, 2],
    Array.from({ length: count * 24 }, (_, k) => k + 1),
  );

const each = ({ shape, data }: Tensor) => {
  const size = data.length / (shape[1] as number);
  return Array.from({ length: shape[1] as number }, (_, k) => [...data.slice(k * size, (k + 1) * size)]);
};

const run = <X>(x: X, operator: OperatorFunction<X, X>) => lastValueFrom(operator(of(x)));

/** An image by its definition: the number at a row, a column and a channel of another. */
const written = (rows: number, columns: number, at: (row: number, column: number, channel: number) => number) =>
  Array.from({ length: rows * columns * 2 }, (_, k) =>
    at(Math.floor(k / 2 / columns), Math.floor(k / 2) % columns, k % 2),
  );

const inside = (image: readonly number[], row: number, column: number, channel: number) =>
  row >= 0 && row < 3 && column >= 0 && column < 4 ? (image[(row * 4 + column) * 2 + channel] as number) : 0;

describe('image augmentation', () => {
  it('randomShift moves each image by its own draw, and every shift comes up', async () => {
    const given = images(400);
    const shifted = each(await run(given, randomShift(1, { seed: 3 })));
    const found = each(given).map((image, k) => {
      const shifts = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right] as const));
      return shifts.findIndex(([down, right]) => {
        const expected = written(3, 4, (i, j, c) => inside(image, i - down, j - right, c));
        return expected.every((value, at) => value === shifted[k]?.[at]);
      });
    });
    expect(found).not.toContain(-1);
    expect(new Set(found).size).toBe(9);
  });

  it('randomShift by more than the image leaves zeros', async () => {
    const shifted = each(await run(images(50), randomShift(40)));
    expect(shifted.some((image) => image.every((value) => value === 0))).toBe(true);
  });

  it('randomCrop cuts each image at its own draw, and every place comes up', async () => {
    const given = images(200);
    const cut = await run(given, randomCrop(2, 3));
    expect(cut.shape).toEqual([1, 200, 2, 3, 2]);
    const found = each(given).map((image, k) => {
      const places = [0, 1].flatMap((down) => [0, 1].map((right) => [down, right] as const));
      return places.findIndex(([down, right]) => {
        const expected = written(2, 3, (i, j, c) => inside(image, i + down, j + right, c));
        return expected.every((value, at) => value === each(cut)[k]?.[at]);
      });
    });
    expect(found).not.toContain(-1);
    expect(new Set(found).size).toBe(4);
  });

  it('randomFlip turns about half of the images left to right', async () => {
    const given = images(200);
    const flipped = each(await run(given, randomFlip({ seed: 1 })));
    const turned = each(given).filter((image, k) => {
      if (image.every((value, at) => value === flipped[k]?.[at])) return false;
      expect(flipped[k]).toEqual(written(3, 4, (i, j, c) => inside(image, i, 3 - j, c)));
      return true;
    });
    expect(turned.length).toBeGreaterThan(70);
    expect(turned.length).toBeLessThan(130);
  });

  it('each subscription draws the same, each signal anew, and another seed otherwise', async () => {
    const same = images(20);
    const twice = (seed: number) => lastValueFrom(of(same, same).pipe(randomShift(2, { seed }), toArray()));
    const [first, again, other] = [await twice(1), await twice(1), await twice(2)];
    expect(again).toEqual(first);
    expect(first[1]).not.toEqual(first[0]);
    expect(other[0]).not.toEqual(first[0]);
    expect(same).toEqual(images(20));
  });

  it('takes windows, and leaves all but their input as it is', async () => {
    const window = { input: images(2), target: ids([1, 2], [3, 4]), epoch: 7 };
    const { input, ...rest } = await run(window, randomCrop(1, 1));
    expect(input.shape).toEqual([1, 2, 1, 1, 2]);
    expect(rest).toEqual({ target: window.target, epoch: 7 });
  });

  it('refuses what is no image, and cuts that are larger', async () => {
    await expect(run(zeros([1, 2, 3]), randomFlip())).rejects.toThrow(
      'randomFlip: takes images [T, B, H, W, C], channels last, but got [1, 2, 3].',
    );
    await expect(run(images(1), randomCrop(4, 4))).rejects.toThrow(
      'randomCrop: 4×4 cannot be cut out of images of 3×4.',
    );
    expect(() => randomShift(0)).toThrow('randomShift');
  });
});

describe('randomColour', () => {
  it("shifts each image's pixels alike, along the directions in which colours differ", async () => {
    const directions = [
      [0.6, 0.8],
      [-0.8, 0.6],
    ];
    const given = images(4000);
    const shifted = await run(given, randomColour({ directions, variances: [3, 0.5] }, 0.1, { seed: 2 }));
    const before = each(given);
    let unlike = 0;
    const shifts = each(shifted).map((image, k) => {
      const was = before[k] as readonly number[];
      const by = [0, 1].map((c) => (image[c] as number) - (was[c] as number));
      image.forEach((value, at) => {
        const difference = value - (was[at] as number) - (by[at % 2] as number);
        // Sums are rounded where the numbers themselves are.
        if (!(Math.abs(difference) <= 2 ** -21 * (1 + Math.abs(value)))) unlike += 1;
      });
      return by;
    });
    expect(unlike).toBe(0);
    directions.forEach((direction, k) => {
      const along = shifts.map(([a = 0, b = 0]) => a * (direction[0] as number) + b * (direction[1] as number));
      const deviation = Math.sqrt(along.reduce((sum, value) => sum + value * value, 0) / along.length);
      // 4000 draws: the deviation itself is known to 1.1 %.
      expect(Math.abs(deviation / (0.1 * [3, 0.5][k]) - 1)).toBeLessThan(0.05);
    });
  });

  it('takes directions from images: those of their covariance', () => {
    // Colours along (2, 1, 2)/3 with variance 4, along (−2, 2, 1)/3 with 1, and none along the third.
    const random = generator(3);
    const pixels = Float64Array.from({ length: 3 * 20_000 });
    for (let k = 0; k < pixels.length; k += 3) {
      const [a, b] = [2 * random.normal(), random.normal()];
      pixels.set([5 + (2 * a - 2 * b) / 3, (a + 2 * b) / 3, (2 * a + b) / 3 - 1], k);
    }
    const { directions, variances } = principalColours(tensor([1, 2, 100, 100, 3], pixels));
    [4, 1, 0].forEach((variance, k) => {
      // 20,000 draws: a variance is known to 1 %.
      expect(Math.abs((variances[k] as number) - variance)).toBeLessThanOrEqual(0.05 * variance + 1e-6);
    });
    [
      [2 / 3, 1 / 3, 2 / 3],
      [-2 / 3, 2 / 3, 1 / 3],
    ].forEach((direction, k) => {
      const cosine = direction.reduce((sum, value, c) => sum + value * (directions[k]?.[c] as number), 0);
      expect(Math.abs(cosine)).toBeGreaterThan(0.9995);
    });
  });

  it('refuses images of other channels, and no pixels', async () => {
    const colours = { directions: [[1, 0, 0]], variances: [1] };
    await expect(run(images(1), randomColour(colours))).rejects.toThrow('directions have 3 channels, but images 2');
    expect(() => randomColour(colours, -1)).toThrow('the deviation is a number from 0 up, not -1');
    expect(() => principalColours(zeros([0, 3]))).toThrow('there is no pixel in [0, 3]');
  });
});
