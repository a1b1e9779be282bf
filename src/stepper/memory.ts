/** A stepper's memory: its carry, its input, what a step works with, and programs. It is given back with the stepper. */

import { type Arena, arena } from '../kernels/arena.js';
import { BufferView } from '../kernels/buffer-view.js';
import { copyBlock } from '../kernels/kernels.js';
import { machine } from '../kernels/machine.js';
import type { Fork, Machine, Program } from '../kernels/machine-type.js';
import { program } from '../kernels/program.js';
import type { Scope } from '../kernels/scope.js';
import { checkedNumbers, type Numbers, type Shape, sizeOf, type Tensor } from '../tensor.js';

export interface StepperMemory {
  readonly machine: Machine;
  readonly arena: Arena;
  readonly scope: Scope;
  /** A place for numbers. */
  place(shape: Shape, type: BufferView['type']): BufferView;
  /** A place that holds a tensor's numbers. */
  placed(x: Tensor): BufferView;
  put(numbers: Numbers, place: BufferView): void;
  /** Copies what lies at one place to another of the same shape. */
  copy(from: BufferView, to: BufferView): void;
  program(forks: readonly Fork[]): Program;
  freePrograms(): void;
  /** Gives everything back once nobody holds the stepper nor a tensor that it gave. */
  belongTo(stepper: object): void;
  free(): void;
}

const LEAST_BLOCK = 1 << 16;

export function stepperMemory(): StepperMemory {
  const home = machine();
  const own = arena(home.heap, LEAST_BLOCK);
  const scope: Scope = { open: true };
  const programs: Program[] = [];
  const memory: Memory = { own, programs };

  const place = (shape: Shape, type: BufferView['type']) =>
    new BufferView(home, own.allocate(4 * sizeOf(shape)), shape, type, scope);
  const put = (numbers: Numbers, { type, address }: BufferView) =>
    (type === 'int32' ? home.ints : home.floats).set(numbers, address / 4);

  return {
    machine: home,
    arena: own,
    scope,
    place,
    placed(x) {
      const numbers = checkedNumbers(x, 'stepper');
      const held = place(x.shape, x.type === 'int32' ? 'int32' : 'float32');
      put(numbers, held);
      return held;
    },
    put,
    copy({ address: from }, { address: to, shape }) {
      const size = sizeOf(shape);
      const rows = shape[0] ?? 1;
      if (size > 0) copyBlock(home, from, size / rows, to, size / rows, rows, size / rows);
    },
    program(forks) {
      const written = program(home, forks);
      programs.push(written);
      return written;
    },
    freePrograms: () => freeAll(programs),
    belongTo(stepper) {
      abandoned.register(stepper, memory, scope);
      scope.owner = stepper;
    },
    free() {
      if (!scope.open) return;
      abandoned.unregister(scope);
      scope.open = false;
      giveBack(memory);
    },
  };
}

/** What is to be given back; nothing in it leads to the stepper. */
interface Memory {
  readonly own: Arena;
  readonly programs: Program[];
}

function giveBack({ own, programs }: Memory): void {
  own.free();
  freeAll(programs);
}

function freeAll(programs: Program[]): void {
  for (const { address } of programs.splice(0)) machine().heap.free(address);
}

const abandoned = new FinalizationRegistry<Memory>(giveBack);
