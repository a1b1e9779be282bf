/** Weights as the kernels' panels, for steppers of one model that share them: packed once for all of them when the weights have changed. */

import { uncaptured } from '../kernels/capture.js';
import type { Machine } from '../kernels/machine-type.js';
import { pack, packedSize } from '../kernels/product.js';
import type { Parameter } from '../parameters/parameter.js';
import type { Shape } from '../tensor.js';

export interface SharedPanels {
  /** Address of the right operand op(x), `[k, n]`, in panels that hold the weights of now. */
  of(x: Parameter, transposed: boolean, n: number, k: number): number;
  /** Packs what has changed since. */
  refresh(): void;
  release(): void;
}

interface Panels {
  readonly parameter: Parameter;
  readonly transposed: boolean;
  readonly n: number;
  readonly k: number;
  /** Of the parameter, when they were made: another array once it has grown. */
  readonly shape: Shape;
  readonly address: number;
  /** Of the weights that they hold. */
  version: number;
}

export function sharedPanels(home: Machine): SharedPanels {
  const all = new Set<Panels>();

  function packed(panels: Panels): void {
    const { parameter, transposed, n, k, address } = panels;
    const from = parameter.place.address;
    if (panels.version === parameter.version) return;
    uncaptured(home, () => pack(home, from, transposed ? k : n, transposed, n, k, address));
    panels.version = parameter.version;
  }

  /** Those of a parameter that has grown are of no use: its steppers are written down anew before they run again. */
  function discard(panels: Panels): void {
    home.heap.free(panels.address);
    all.delete(panels);
  }

  return {
    of(parameter, transposed, n, k) {
      const { shape } = parameter;
      for (const one of all) {
        if (one.parameter !== parameter || one.transposed !== transposed) continue;
        if (one.shape === shape && one.n === n && one.k === k) {
          packed(one);
          return one.address;
        }
      }
      const address = home.heap.allocate(4 * packedSize(n, k));
      const panels: Panels = { parameter, transposed, n, k, shape, address, version: -1 };
      all.add(panels);
      packed(panels);
      return address;
    },
    refresh() {
      for (const one of [...all]) {
        if (one.shape === one.parameter.shape) packed(one);
        else discard(one);
      }
    },
    release() {
      for (const one of [...all]) discard(one);
    },
  };
}
