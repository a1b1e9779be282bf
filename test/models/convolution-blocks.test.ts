import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/layer.js';
import { convolution2d } from '../../src/layers/convolution-2d.js';
import { maxPooling2d, meanPooling2d } from '../../src/layers/pooling.js';
import { convolutionBlocks } from '../../src/models/convolution-blocks.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { stack } from '../../src/stack.js';
import { draw } from '../backprop/differences.js';

const images = draw([1, 2, 9, 8, 3], 'images');

describe('convolutionBlocks', () => {
  it('is N blocks of M convolutions and b poolings', () => {
    const relu = { padding: 'same', activation: 'relu' } as const;
    const written = stack(
      {
        block1: stack({
          convolve1: convolution2d(3, 4, 3, relu),
          convolve2: convolution2d(4, 4, 3, relu),
          pool: maxPooling2d(2),
        }),
        block2: stack({
          convolve1: convolution2d(4, 6, 3, relu),
          convolve2: convolution2d(6, 6, 3, relu),
          pool: maxPooling2d(2),
        }),
      },
      { seed: 5 },
    );
    const blocks = convolutionBlocks({ maps: [4, 6], seed: 5 });
    const [y] = evaluate(blocks, blocks.initial(2), images);
    expect(y.shape).toEqual([1, 2, 2, 2, 6]);
    expect(y).toEqual(evaluate(written, written.initial(2), images)[0]);
    expect(parametersOf(blocks.params).map(([path]) => path)).toEqual(
      parametersOf(written.params).map(([path]) => path),
    );
  });

  it('has other numbers of each, and other functions', () => {
    const blocks = convolutionBlocks({
      maps: [2, 2, 5],
      convolutions: 1,
      poolings: 0,
      size: 5,
      activation: 'gelu',
      seed: 1,
    });
    expect(evaluate(blocks, blocks.initial(2), images)[0].shape).toEqual([1, 2, 9, 8, 5]);
    const mean = convolutionBlocks({ maps: [3], convolutions: 1, pool: 3, pooling: 'mean', seed: 1 });
    const written = stack(
      {
        block1: stack({
          convolve1: convolution2d(3, 3, 3, { padding: 'same', activation: 'relu' }),
          pool: meanPooling2d(3),
        }),
      },
      { seed: 1 },
    );
    expect(evaluate(mean, mean.initial(2), images)).toEqual(evaluate(written, written.initial(2), images));
  });

  it('refuses no block, no convolution and two poolings', () => {
    expect(() => convolutionBlocks({ maps: [] })).toThrow('convolutionBlocks');
    expect(() => convolutionBlocks({ maps: [4], convolutions: 0 })).toThrow('convolutions');
    expect(() => convolutionBlocks({ maps: [4], poolings: 2 as 1 })).toThrow('a block has 0 or 1 poolings, not 2');
  });
});
