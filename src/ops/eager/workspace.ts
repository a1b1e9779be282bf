/**
 * A window's workspace: where operands lie in the machine's memory, and where results go. Signals are copied in once a
 * window; results and copies are released with it.
 */

import type { Arena } from '../../kernels/arena.js';
import { BufferView } from '../../kernels/buffer-view.js';
import type { Machine } from '../../kernels/machine-type.js';
import { pack, packedSize, transpose } from '../../kernels/product.js';
import type { Scope } from '../../kernels/scope.js';
import { Parameter } from '../../parameters/parameter.js';
import {
  checkedNumbers,
  type Numbers,
  type NumberType,
  type Shape,
  showShape,
  sizeOf,
  type Tensor,
} from '../../tensor.js';
import { Rows } from './rows.js';

export interface Workspace {
  readonly machine: Machine;
  /** Where results go. */
  readonly arena: Arena;
  /** Whether what is done here will be done again with other numbers. */
  readonly repeats: boolean;
  /** The tensor's place: its own, or that of a copy. @throws TypeError, RangeError where shape and numbers disagree. */
  place(x: Tensor): BufferView;
  /** Address of an operand's numbers, float32. @throws TypeError for ids. */
  numbers(x: Tensor, operation: string): number;
  /** Address of ids, int32. */
  ids(x: Tensor): number;
  /** A place for a result; its numbers are whatever lay there. */
  result(shape: Shape, type?: NumberType): BufferView;
  /** Another view of a place: same numbers from `offset` (in numbers) on. */
  view(of: BufferView, shape: Shape, offset?: number): BufferView;
  /** Address of the right operand op(x), `[k, n]`, in panels; packed once a window for each way round. */
  panels(x: Tensor, transposed: boolean, n: number, k: number): number;
  /**
   * The same, if it has earned them: a parameter that is multiplied by more than once is packed at its second use, or at its first
   * where what is done here repeats.
   */
  earnedPanels(x: Tensor, transposed: boolean, n: number, k: number): number | undefined;
  /** Address of xᵀ for a matrix x `[rows, columns]`, turned once a window. */
  turned(x: Tensor, rows: number, columns: number): number;
  /** The same window for which some parameters lie at other places. */
  withPlaces(places: ReadonlyMap<Tensor, BufferView>): Workspace;
}

export interface WorkspaceOptions {
  /** Whether what is done here will be done again with other numbers, so that it must not follow from these. */
  readonly repeats?: boolean;
  /** Where results go; the machine's own arena by default. */
  readonly arena?: Arena;
  /** Runs what is worked out of one tensor alone, once. */
  readonly apart?: (x: Tensor, run: () => void) => void;
  /** Called for each signal that was copied in. */
  readonly copied?: (place: BufferView) => void;
  /** Gives the address of a parameter's panels, where others keep them. */
  readonly panels?: ((x: Parameter, transposed: boolean, n: number, k: number) => number) | undefined;
  /** Where parameters lie, if not at their own places. */
  readonly places?: ReadonlyMap<Tensor, BufferView>;
}

export function workspace(machine: Machine, scope: Scope, options: WorkspaceOptions = {}): Workspace {
  const { arena = machine.arena, apart = (_, run) => run() } = options;
  const copies = new Map<Tensor, BufferView>();
  const used = [new Set<Tensor>(), new Set<Tensor>()] as const;
  const packed = [new Map<Tensor, number>(), new Map<Tensor, number>()] as const;
  const transposes = new Map<Tensor, number>();

  const allocate = (shape: Shape, type: NumberType) =>
    new BufferView(machine, arena.allocate(4 * sizeOf(shape)), shape, type, scope);

  /** Another form of a tensor: where it is already, or where `make` puts it. */
  function formOf(x: Tensor, known: Map<Tensor, number>, size: number, make: (target: number) => void): number {
    const at = known.get(x);
    if (at !== undefined) return at;
    const target = arena.allocate(4 * size);
    known.set(x, target);
    apart(x, () => make(target));
    return target;
  }

  function panels(x: Tensor, isTransposed: boolean, n: number, k: number): number {
    if (options.panels !== undefined && x instanceof Parameter) return options.panels(x, isTransposed, n, k);
    const from = place(x).address;
    return formOf(x, packed[isTransposed ? 1 : 0], packedSize(n, k), (target) =>
      pack(machine, from, isTransposed ? k : n, isTransposed, n, k, target),
    );
  }

  function place(x: Tensor): BufferView {
    if (x instanceof BufferView && x.machine === machine) {
      if (!x.scope.open) void x.data; // throws: the window ended
      return x;
    }
    if (x instanceof Parameter && x.place.machine === machine) return options.places?.get(x) ?? x.place;
    const known = copies.get(x);
    if (known !== undefined) return known;
    const numbers = x instanceof Rows ? undefined : checkedNumbers(x, 'tensor');
    const copy = allocate(x.shape, x.type === 'int32' ? 'int32' : 'float32');
    if (x instanceof Rows) x.spread(copy.address);
    else (x.type === 'int32' ? machine.ints : machine.floats).set(numbers as Numbers, copy.address / 4);
    copies.set(x, copy);
    options.copied?.(copy);
    return copy;
  }

  return {
    machine,
    arena,
    repeats: options.repeats ?? false,
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
    view: (of, shape, offset = 0) => new BufferView(machine, of.address + 4 * offset, shape, of.type, of.scope),
    panels,
    earnedPanels(x, transposed, n, k) {
      const way = transposed ? 1 : 0;
      const again = options.repeats === true && x instanceof Parameter;
      const earned = again || packed[way].has(x) || used[way].has(x);
      if (x instanceof Parameter) used[way].add(x);
      return earned ? panels(x, transposed, n, k) : undefined;
    },
    turned(x, rows, columns) {
      const from = place(x).address;
      return formOf(x, transposes, rows * columns, (target) => transpose(machine, from, target, rows, columns));
    },
    withPlaces: (places) => workspace(machine, scope, { ...options, places }),
  };
}
