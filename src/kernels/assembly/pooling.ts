// Pooling of images [N, H, W, C], channels last: four channels at a time.
import { PoolingArguments } from './generated/arguments';
import { storeUpTo } from './math';

/**
 * The largest of each pool and its place within the image, the first of several; NaN where one of them is. Items: pixels
 * of y.
 */
export function maxPooling(args: PoolingArguments, from: i32, to: i32): void {
  const height = args.height;
  const width = args.width;
  const channels = args.channels;
  const down = args.down;
  const across = args.across;
  const poolHeight = args.windowHeight;
  const poolWidth = args.windowWidth;
  const strideY = args.strideY;
  const strideX = args.strideX;
  const line = width * channels;
  const lanes = i32x4(0, 1, 2, 3);
  let column = from % across;
  let row = (from / across) % down;
  let image = args.x + ((<usize>(from / (across * down)) * <usize>(height * line)) << 2);
  let y = args.y + ((<usize>from * <usize>channels) << 2);
  let places = args.places + ((<usize>from * <usize>channels) << 2);
  for (let pixel = from; pixel < to; pixel += 1) {
    const corner = row * strideY * line + column * strideX * channels;
    for (let c = 0; c < channels; c += 4) {
      let best = v128.load(image + ((<usize>(corner + c)) << 2));
      let place = i32x4.splat(corner + c);
      for (let r = 0; r < poolHeight; r += 1) {
        let at = corner + c + r * line;
        for (let s = 0; s < poolWidth; s += 1, at += channels) {
          const x = v128.load(image + ((<usize>at) << 2));
          const better = v128.or(f32x4.gt(x, best), f32x4.ne(x, x));
          best = v128.bitselect(x, best, better);
          place = v128.bitselect(i32x4.splat(at), place, better);
        }
      }
      const offset = (<usize>c) << 2;
      storeUpTo(y + offset, best, channels - c);
      storeUpTo(places + offset, i32x4.add(place, lanes), channels - c);
    }
    y += (<usize>channels) << 2;
    places += (<usize>channels) << 2;
    column += 1;
    if (column == across) {
      column = 0;
      row += 1;
      if (row == down) {
        row = 0;
        image += (<usize>(height * line)) << 2;
      }
    }
  }
}

/** Items: images. Each number of y's gradient goes to where the maximum was. */
export function maxPoolingAdjoint(args: PoolingArguments, from: i32, to: i32): void {
  const size = args.height * args.width * args.channels;
  const count = args.down * args.across * args.channels;
  const bytes = (<usize>count) << 2;
  for (let image = from; image < to; image += 1) {
    const dx = args.x + ((<usize>image * <usize>size) << 2);
    memory.fill(dx, 0, (<usize>size) << 2);
    let dy = args.y + <usize>image * bytes;
    let place = args.places + <usize>image * bytes;
    for (const end = dy + bytes; dy < end; dy += 4, place += 4) {
      const target = dx + ((<usize>load<i32>(place)) << 2);
      store<f32>(target, load<f32>(target) + load<f32>(dy));
    }
  }
}

/** The mean of each pool. Items: pixels of y. */
export function meanPooling(args: PoolingArguments, from: i32, to: i32): void {
  const height = args.height;
  const width = args.width;
  const channels = args.channels;
  const down = args.down;
  const across = args.across;
  const poolHeight = args.windowHeight;
  const poolWidth = args.windowWidth;
  const strideY = args.strideY;
  const strideX = args.strideX;
  const line = width * channels;
  const share = f32x4.splat(1.0 / <f32>(poolHeight * poolWidth));
  for (let pixel = from; pixel < to; pixel += 1) {
    const row = (pixel / across) % down;
    const corner =
      args.x + ((<usize>(pixel / (across * down)) * <usize>(height * line)) << 2) +
      ((<usize>(row * strideY * line + (pixel % across) * strideX * channels)) << 2);
    const y = args.y + ((<usize>pixel * <usize>channels) << 2);
    for (let c = 0; c < channels; c += 4) {
      let sum = f32x4.splat(0);
      for (let r = 0; r < poolHeight; r += 1) {
        let x = corner + ((<usize>(c + r * line)) << 2);
        for (let s = 0; s < poolWidth; s += 1, x += (<usize>channels) << 2) sum = f32x4.add(sum, v128.load(x));
      }
      storeUpTo(y + ((<usize>c) << 2), f32x4.mul(sum, share), channels - c);
    }
  }
}

/** Items: images. Each number of y's gradient goes to its pool in equal shares. */
export function meanPoolingAdjoint(args: PoolingArguments, from: i32, to: i32): void {
  const width = args.width;
  const channels = args.channels;
  const down = args.down;
  const across = args.across;
  const poolHeight = args.windowHeight;
  const poolWidth = args.windowWidth;
  const strideY = args.strideY;
  const strideX = args.strideX;
  const line = width * channels;
  const size = args.height * line;
  const share = f32x4.splat(1.0 / <f32>(poolHeight * poolWidth));
  for (let image = from; image < to; image += 1) {
    const dx = args.x + ((<usize>image * <usize>size) << 2);
    memory.fill(dx, 0, (<usize>size) << 2);
    let dy = args.y + ((<usize>(image * down * across) * <usize>channels) << 2);
    for (let row = 0; row < down; row += 1) {
      for (let column = 0; column < across; column += 1, dy += (<usize>channels) << 2) {
        const corner = dx + ((<usize>(row * strideY * line + column * strideX * channels)) << 2);
        for (let c = 0; c < channels; c += 4) {
          const part = f32x4.mul(v128.load(dy + ((<usize>c) << 2)), share);
          for (let r = 0; r < poolHeight; r += 1) {
            let x = corner + ((<usize>(c + r * line)) << 2);
            for (let s = 0; s < poolWidth; s += 1, x += (<usize>channels) << 2) {
              storeUpTo(x, f32x4.add(v128.load(x), part), channels - c);
            }
          }
        }
      }
    }
  }
}
