/** Weights of a layer as a list, in the order in which Keras makes them. */

import type { Tensor } from '../../tensor.js';
import type { LayerWeights } from './weights.js';

export function inOrder(list: readonly (readonly [name: string, read: () => Tensor])[]): LayerWeights {
  let at = 0;
  return {
    take(config, _, names) {
      const own = list.slice(at, at + names.length);
      if (own.length < names.length) {
        config.refuse(`it has ${names.join(', ')}, but its file has ${list.length - at} arrays more for it`);
      }
      at += names.length;
      return own.map(([, read]) => read());
    },
    done(config) {
      if (at < list.length)
        config.refuse(`its file has ${list.length} arrays for it, of which ${list[at]?.[0]} is none of its`);
    },
  };
}
