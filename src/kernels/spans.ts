/**
 * All parameters of a model at once: the sum of their gradients' squares and their update are one fork each, however
 * many parameters there are. What an optimizer keeps for them is one piece of memory.
 */
import { Idle, Job, type Rule } from './jobs.js';
import { give, giveFloats } from './kernels.js';
import { BLOCK } from './limits.js';
import type { Machine } from './machine.js';
import {
  BLOCKS,
  COLUMNS,
  FIRST,
  GRADIENT,
  MOST_SLOTS,
  ROWS,
  SIZE,
  SLOTS,
  SPAN_BYTES,
  STORED,
  WEIGHTS,
} from './span.js';

/** Blocks that a thread takes at a time: about 5 µs of work. */
const BLOCKS_TO_SUM = 64;
const BLOCKS_TO_UPDATE = 64;

/** The sizes of a parameter: how many numbers, and how many of them are a row. */
export interface Extent {
  readonly size: number;
  readonly columns: number;
}

/** Rows of which a gradient is made up where all others are 0: which they are, in ascending order, and where that stands. */
export interface StoredRows {
  readonly numbers: Int32Array;
  readonly address: number;
}

/** Where a parameter's numbers and its gradient lie in a window. */
export interface Moved {
  readonly weights: number;
  readonly gradient: number;
  /** Where the gradient is some rows one after another, those. */
  readonly rows?: StoredRows | undefined;
}

/** One window's step. */
export interface Step {
  /** The sum of all gradients' squares, in an order that depends on the shapes alone. */
  squares(): number;
  /** Moves all parameters by a rule whose gradient is first multiplied by `clip`; `numbers` are the rule's own. */
  update(rule: Rule, idle: Idle, clip: number, numbers: readonly number[]): void;
}

export interface Spans {
  /** The block of memory that all of it is: to be freed when nobody needs it any more. */
  readonly address: number;
  /** The numbers of a parameter's slot; zeros at first. */
  slot(parameter: number, slot: number): Float32Array;
  /** A step, its parameters in the order of their extents. What it needs besides comes from the window's region. */
  step(moved: readonly Moved[]): Step;
}

/** Spans of parameters of these extents, with so many slots each. */
export function spans(machine: Machine, extents: readonly Extent[], slots: number): Spans {
  if (slots > MOST_SLOTS) throw new RangeError(`spans: an optimizer keeps ${MOST_SLOTS} arrays at most, not ${slots}.`);
  const zeros = (extents.length + 1) * SPAN_BYTES;
  let bytes = zeros + 4 * BLOCK;
  const offsets = extents.map(({ size }) =>
    Array.from({ length: slots }, () => {
      const offset = bytes;
      bytes += Math.ceil(size / 16) * 64;
      return offset;
    }),
  );
  const address = machine.heap.allocate(bytes);
  machine.floats.fill(0, address / 4, (address + bytes) / 4);
  extents.forEach(({ size, columns }, k) => {
    write(k, SIZE, size);
    write(k, COLUMNS, columns);
    offsets[k].forEach((offset, slot) => {
      write(k, SLOTS + 4 * slot, address + offset);
    });
  });

  function write(span: number, word: number, value: number): void {
    machine.ints[(address + span * SPAN_BYTES + word) / 4] = value;
  }

  /** Says which items are whose blocks, either all blocks or those with stored rows; how many items there are. */
  function share(lists: readonly (BlockList | undefined)[]): number {
    let items = 0;
    extents.forEach(({ size }, k) => {
      write(k, FIRST, items);
      write(k, BLOCKS, lists[k]?.address ?? 0);
      items += lists[k]?.count ?? Math.ceil(size / BLOCK);
    });
    write(extents.length, FIRST, items);
    return items;
  }

  return {
    address,
    slot(parameter, slot) {
      const from = (address + offsets[parameter][slot]) / 4;
      return machine.floats.subarray(from, from + extents[parameter].size);
    },
    step(moved) {
      const lists = moved.map(({ rows }, k) => rows && blocksOf(machine, rows.numbers, extents[k]));
      moved.forEach(({ weights, gradient, rows }, k) => {
        const { size, columns } = extents[k];
        write(k, WEIGHTS, weights);
        write(k, GRADIENT, gradient);
        write(k, ROWS, rows?.address ?? 0);
        write(k, STORED, rows?.numbers.length ?? size / columns);
      });
      return {
        squares() {
          const items = share(lists);
          const partial = machine.region.allocate(8 * items);
          give(machine, address, partial);
          machine.run(Job.squares, items, BLOCKS_TO_SUM);
          let sum = 0;
          for (let k = partial / 8; k < partial / 8 + items; k += 1) sum += machine.doubles[k];
          return sum;
        },
        update(rule, idle, clip, numbers) {
          const items = share(idle === Idle.moves ? [] : lists);
          give(machine, address, rule, idle, slots, address + zeros);
          giveFloats(machine, 5, clip, ...numbers);
          machine.run(Job.update, items, BLOCKS_TO_UPDATE);
          machine.weights += 1;
        },
      };
    },
  };
}

interface BlockList {
  readonly address: number;
  readonly count: number;
}

/** The blocks of a parameter in which stored rows lie, in ascending order. */
function blocksOf(machine: Machine, rows: Int32Array, { columns }: Extent): BlockList {
  const blocks: number[] = [];
  let next = 0;
  for (const row of rows) {
    const last = Math.floor((row * columns + columns - 1) / BLOCK);
    for (next = Math.max(next, Math.floor((row * columns) / BLOCK)); next <= last; next += 1) blocks.push(next);
  }
  const address = machine.region.allocate(4 * blocks.length);
  machine.ints.set(blocks, address / 4);
  return { address, count: blocks.length };
}
