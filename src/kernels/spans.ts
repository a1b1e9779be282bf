/**
 * All parameters of a model at once: the sum of their gradients' squares and their update are one fork each, however
 * many parameters there are. What an optimizer keeps for them is one piece of memory.
 */
import { Idle, Job, type Rule, Stage } from './jobs.js';
import { give, giveFloats } from './kernels.js';
import { BLOCK } from './limits.js';
import { type Lengthened, lengthen } from './lines.js';
import type { Machine } from './machine.js';
import type { Region } from './region.js';
import {
  BIAS,
  BLOCKS,
  COLUMNS,
  FIRST,
  GRADIENT,
  MOST_SLOTS,
  ROWS,
  SCALE,
  SIZE,
  SLOTS,
  SPAN_BYTES,
  STAGE_BYTES,
  STORED,
  WEIGHTS,
} from './span.js';

/** Blocks that a thread takes at a time: about 5 µs of work. */
const BLOCKS_TO_SUM = 32;
const BLOCKS_TO_UPDATE = 16;

/** A parameter: how many numbers, how many of them are a row, and whether it counts as a bias. */
export interface Extent {
  readonly size: number;
  readonly columns: number;
  readonly bias?: boolean;
}

/** What is done to all gradients before sums and rules see them, with its number for weights and for biases. */
export interface Preparing {
  readonly stage: Stage;
  readonly weights: number;
  readonly biases: number;
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

/** Sums of squares, added in an order that depends on the shapes alone: of all gradients, and of each. */
export interface Squares {
  readonly total: number;
  readonly each: Float64Array;
}

export interface Update {
  readonly rule: Rule;
  readonly idle: Idle;
  /** The rule's own. */
  readonly numbers: readonly number[];
  /** First to last; none by default. */
  readonly stages?: readonly Preparing[];
  /** What the rule multiplies gradients by, all of them or each; 1 by default. */
  readonly scale?: number | ArrayLike<number>;
}

/** One window's step. */
export interface Step {
  /** Of the gradients as they are, or as the stages prepare them. What it gives reads them, once the fork has run. */
  squares(stages?: readonly Preparing[]): () => Squares;
  /** Moves all parameters by a rule. */
  update(update: Update): void;
}

export interface Spans {
  /** The numbers of a parameter's slot; zeros at first. */
  slot(parameter: number, slot: number): Float32Array;
  /** Follows a parameter that has grown. Its slots' new numbers are those given, by slot. */
  grow(parameter: number, extent: Extent, lengthened: readonly Lengthened[], first: readonly number[]): void;
  /** Gives the memory back, when nobody needs it any more. */
  free(): void;
  /** A step, its parameters in the order of their extents. What it needs besides comes from the window's region. */
  step(moved: readonly Moved[], region: Region): Step;
}

/** Spans of parameters of these extents, with so many slots each. */
export function spans(machine: Machine, atFirst: readonly Extent[], slots: number): Spans {
  if (slots > MOST_SLOTS) throw new RangeError(`spans: an optimizer keeps ${MOST_SLOTS} arrays at most, not ${slots}.`);
  const extents = [...atFirst];
  const zeros = (extents.length + 1) * SPAN_BYTES;
  let bytes = zeros + 4 * BLOCK;
  /** Where a parameter's slots lie, one every so many bytes. */
  const places = extents.map(({ size }) => {
    const place = { address: bytes, stride: Math.ceil(size / 16) * 64, own: false };
    bytes += slots * place.stride;
    return place;
  });
  const address = machine.heap.allocate(bytes);
  machine.floats.fill(0, address / 4, (address + bytes) / 4);
  extents.forEach((_, k) => {
    places[k].address += address;
    describe(k);
  });

  function describe(k: number): void {
    const { size, columns, bias = false } = extents[k];
    write(k, SIZE, size);
    write(k, COLUMNS, columns);
    write(k, BIAS, bias ? 4 : 0);
    for (let slot = 0; slot < slots; slot += 1) write(k, SLOTS + 4 * slot, slotAt(k, slot));
  }

  function slotAt(k: number, slot: number): number {
    return places[k].address + slot * places[k].stride;
  }

  function write(span: number, word: number, value: number): void {
    machine.ints[(address + span * SPAN_BYTES + word) / 4] = value;
  }

  const read = (span: number, word: number) => machine.ints[(address + span * SPAN_BYTES + word) / 4];

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
    slot(parameter, slot) {
      const from = slotAt(parameter, slot) / 4;
      return machine.floats.subarray(from, from + extents[parameter].size);
    },
    grow(parameter, extent, lengthened, first) {
      const old = places[parameter];
      const from = first.map((_, slot) => slotAt(parameter, slot) / 4);
      if (slots > 0 && 4 * extent.size > old.stride) {
        // Twice what is wanted, so that growing by ones copies each number a few times at most.
        const stride = 128 * Math.ceil(extent.size / 16);
        places[parameter] = { address: machine.heap.allocate(slots * stride), stride, own: true };
      }
      const { size } = extents[parameter];
      first.forEach((value, slot) => {
        const to = slotAt(parameter, slot) / 4;
        if (to !== from[slot]) machine.floats.copyWithin(to, from[slot], from[slot] + size);
        for (const step of lengthened) lengthen(machine.floats, to, to, step, value);
      });
      if (places[parameter] !== old && old.own) machine.heap.free(old.address);
      extents[parameter] = extent;
      describe(parameter);
    },
    free() {
      machine.heap.free(address);
      for (const place of places) if (place.own) machine.heap.free(place.address);
    },
    step(moved, region) {
      const lists = moved.map(({ rows }, k) => rows && blocksOf(machine, region, rows.numbers, extents[k]));
      moved.forEach(({ weights, gradient, rows }, k) => {
        const { size, columns } = extents[k];
        write(k, WEIGHTS, weights);
        write(k, GRADIENT, gradient);
        write(k, ROWS, rows?.address ?? 0);
        write(k, STORED, rows?.numbers.length ?? size / columns);
      });
      // What a weight adds to its gradient, it adds to that of a row that was not touched.
      const reachesAll = (stages: readonly Preparing[]) => stages.some(({ stage }) => stage === Stage.decay);
      return {
        squares(stages = []) {
          const items = share(reachesAll(stages) ? [] : lists);
          const partial = region.allocate(8 * items);
          give(machine, address, partial, putStages(machine, region, stages), stages.length);
          const firsts = Array.from({ length: extents.length + 1 }, (_, k) => read(k, FIRST));
          machine.run(Job.squares, items, BLOCKS_TO_SUM);
          return () => {
            const each = new Float64Array(extents.length);
            let total = 0;
            extents.forEach((_, k) => {
              for (let item = firsts[k]; item < firsts[k + 1]; item += 1) {
                const sum = machine.doubles[partial / 8 + item];
                each[k] += sum;
                total += sum;
              }
            });
            return { total, each };
          };
        },
        update({ rule, idle: own, numbers, stages = [], scale = 1 }) {
          const idle = own === Idle.stays && reachesAll(stages) ? Idle.moves : own;
          const items = share(idle === Idle.moves ? [] : lists);
          extents.forEach((_, k) => {
            machine.floats[(address + k * SPAN_BYTES + SCALE) / 4] = typeof scale === 'number' ? scale : scale[k];
          });
          give(machine, address, rule, idle, slots, address + zeros, putStages(machine, region, stages), stages.length);
          giveFloats(machine, 7, ...numbers);
          machine.run(Job.update, items, BLOCKS_TO_UPDATE);
        },
      };
    },
  };
}

/** The stages in the window's region. */
function putStages(machine: Machine, region: Region, stages: readonly Preparing[]): number {
  if (stages.length === 0) return 0;
  const address = region.allocate(STAGE_BYTES * stages.length);
  stages.forEach(({ stage, weights, biases }, k) => {
    const at = (address + k * STAGE_BYTES) / 4;
    machine.ints[at] = stage;
    machine.floats[at + 1] = weights;
    machine.floats[at + 2] = biases;
  });
  return address;
}

interface BlockList {
  readonly address: number;
  readonly count: number;
}

/** The blocks of a parameter in which stored rows lie, in ascending order. */
function blocksOf(machine: Machine, region: Region, rows: Int32Array, { columns }: Extent): BlockList {
  const blocks: number[] = [];
  let next = 0;
  for (const row of rows) {
    const last = Math.floor((row * columns + columns - 1) / BLOCK);
    for (next = Math.max(next, Math.floor((row * columns) / BLOCK)); next <= last; next += 1) blocks.push(next);
  }
  const address = region.allocate(4 * blocks.length);
  machine.ints.set(blocks, address / 4);
  return { address, count: blocks.length };
}
