/** Tensors that are places in the machine's memory. */
import { type NumberType, type Shape, showShape, sizeOf, type Tensor } from '../tensor.js';
import type { Machine } from './machine-type.js';
import type { Scope } from './scope.js';

export class BufferView implements Tensor {
  readonly machine: Machine;
  readonly address: number;
  readonly shape: Shape;
  readonly type: NumberType;
  readonly scope: Scope;
  /** Whose memory it is, where the scope has no owner: the same. */
  readonly owner: unknown;

  constructor(machine: Machine, address: number, shape: Shape, type: NumberType, scope: Scope, owner?: unknown) {
    this.machine = machine;
    this.address = address;
    this.shape = shape;
    this.type = type;
    this.scope = scope;
    this.owner = owner;
  }

  /** @throws Error where the window has ended: its memory holds other numbers by now. */
  get data(): Float32Array | Int32Array {
    if (!this.scope.open) {
      throw new Error(
        `tensor ${showShape(this.shape)} was used after its window ended, or after its parameter grew; ` +
          'copy it within the window with toSignal().',
      );
    }
    this.machine.settle();
    const from = this.address / 4;
    const numbers = this.type === 'int32' ? this.machine.ints : this.machine.floats;
    return numbers.subarray(from, from + sizeOf(this.shape));
  }
}
