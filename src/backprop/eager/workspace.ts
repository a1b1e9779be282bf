/**
 * A window's workspace: where operands lie in the machine's memory, and where results go. Signals are copied in once a
 * window; results and copies are released with it.
 */

import type { Machine } from '../../kernels/machine.js';
import { Place, type Scope } from '../../kernels/place.js';
import { pack, packedSize } from '../../kernels/product.js';
import { type NumberType, type Shape, showShape, sizeOf, type Tensor } from '../../tensor.js';
import { Parameter } from '../parameter.js';

export interface Workspace {
  readonly machine: Machine;
  /** The tensor's place: its own, or that of a copy. */
  place(x: Tensor): Place;
  /** Address of an operand's numbers, float32. @throws TypeError for ids. */
  numbers(x: Tensor, operation: string): number;
  /** Address of ids, int32. */
  ids(x: Tensor): number;
  /** A place for a result; its numbers are whatever lay there. */
  result(shape: Shape, type?: NumberType): Place;
  /** Another view of a place: same numbers from `offset` (in numbers) on. */
  view(of: Place, shape: Shape, offset?: number): Place;
  /**
   * Address of a right operand in panels, if it has earned them: a parameter that is multiplied by more than once in a
   * window is packed at its second use, once for each way round.
   */
  packed(x: Tensor, transposed: boolean, n: number, k: number): number | undefined;
}

export function workspace(machine: Machine, scope: Scope): Workspace {
  const copies = new Map<Tensor, Place>();
  const panels = [new Map<Tensor, number | null>(), new Map<Tensor, number | null>()] as const;

  const allocate = (shape: Shape, type: NumberType) =>
    new Place(machine, machine.region.allocate(4 * sizeOf(shape)), shape, type, scope);

  function place(x: Tensor): Place {
    if (x instanceof Place && x.machine === machine) {
      if (!x.scope.open) void x.data; // throws: the window ended
      return x;
    }
    if (x instanceof Parameter && x.place.machine === machine) return x.place;
    const known = copies.get(x);
    if (known !== undefined) return known;
    const copy = allocate(x.shape, x.type === 'int32' ? 'int32' : 'float32');
    (x.type === 'int32' ? machine.ints : machine.floats).set(x.data, copy.address / 4);
    copies.set(x, copy);
    return copy;
  }

  return {
    machine,
    place,
    numbers(x, operation) {
      if (x.type === 'int32') {
        throw new TypeError(
          `${operation}: needs numbers, but got ids (int32) ${showShape(x.shape)}; put an embedding before it.`,
        );
      }
      return place(x).address;
    },
    ids: (x) => place(x).address,
    result: (shape, type = 'float32') => allocate(shape, type),
    view: (of, shape, offset = 0) => new Place(machine, of.address + 4 * offset, shape, of.type, of.scope),
    packed(x, transposed, n, k) {
      if (!(x instanceof Parameter)) return undefined;
      const known = panels[transposed ? 1 : 0];
      const state = known.get(x);
      if (state === undefined) {
        known.set(x, null);
        return undefined;
      }
      if (state !== null) return state;
      const target = machine.region.allocate(4 * packedSize(n, k));
      pack(machine, place(x).address, transposed ? k : n, transposed, n, k, target);
      known.set(x, target);
      return target;
    },
  };
}
