/**
 * All parameters of a model at once: the sum of their gradients' squares and their update are one fork each, however
 * many parameters there are. What an optimizer keeps for them is one piece of memory.
 */
import { finish, type PiecewiseTask } from '../piecewise-task.js';
import type { Arena } from './arena.js';
import { uncaptured } from './capture.js';
import { fork } from './fork.js';
import type { Want } from './heap.js';
import type { Holding } from './holding.js';
import { type Rule, SparsePolicy, Stage } from './jobs.js';
import { fill } from './kernels.js';
import { BLOCK } from './limits.js';
import { type Lengthened, lengthen, shorten } from './lines.js';
import type { Machine } from './machine-type.js';
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
  TAKEN_AT,
  WEIGHTS,
} from './span.js';

/** Blocks that a thread takes at a time: about 5 µs of work. */
const BLOCKS_TO_SUM = 32;
const BLOCKS_TO_UPDATE = 16;
/** Bytes that are made zeros in a piece. */
const CLEARED = 1 << 21;

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
  /** The weights that the gradient was taken at, where that is a copy of them. */
  readonly takenAt?: number | undefined;
  /** Arrays of the window that the rule takes after the slots; none by default. */
  readonly arrays?: readonly number[] | undefined;
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
  readonly sparsePolicy: SparsePolicy;
  /** The rule's own. */
  readonly numbers: readonly number[];
  /** First to last; none by default. */
  readonly stages?: readonly Preparing[];
  /** What the rule multiplies gradients by, all of them or each; 1 by default. */
  readonly scale?: number | ArrayLike<number>;
  /** Which slots the rule takes, and none of the window's arrays; by default the table's first ones, and the arrays. */
  readonly slots?: readonly number[];
}

/** One window's step. */
export interface UpdateStep {
  /** Of the gradients as they are, or as the stages prepare them. What it gives reads them, once the fork has run. */
  squares(stages?: readonly Preparing[]): () => Squares;
  /** Moves all parameters by a rule. */
  update(update: Update): void;
}

export interface ParameterTable {
  /** The numbers of a parameter's slot; zeros at first. */
  slot(parameter: number, slot: number): Float32Array;
  /** Follows a parameter that has grown. Its slots' new numbers are those given, by slot. */
  grow(parameter: number, extent: Extent, lengthened: readonly Lengthened[], first: readonly number[]): void;
  /** Follows a parameter that has become shorter again, by what had lengthened it. */
  shorten(parameter: number, extent: Extent, lengthened: readonly Lengthened[]): void;
  /** Makes it all zeros at first, in pieces; asking for a part of it has the rest done at once. */
  clearing(): PiecewiseTask<void>;
  /** Keeps everything where it lies until the function that is returned is called. */
  stay(): () => void;
  /** Gives the memory back, when nobody needs it any more. */
  free(): void;
  /** A step, its parameters in the order of their extents. What it needs besides comes from the window's arena. */
  step(moved: readonly Moved[], arena: Arena): UpdateStep;
}

/** Parameters of these extents, with so many slots each, of which rules take the first ones unless they say so. */
export function parameterTable(
  machine: Machine,
  atFirst: readonly Extent[],
  slots: number,
  ofRule: number = slots,
): ParameterTable {
  if (slots > MOST_SLOTS) throw new RangeError(`spans: an optimizer keeps ${MOST_SLOTS} arrays at most, not ${slots}.`);
  const extents = [...atFirst];
  const firstSlots = Array.from({ length: ofRule }, (_, slot) => slot);
  // First the zeros of gradients that are not stored.
  let bytes = 4 * BLOCK;
  /** Where a parameter's slots lie: in what holding, from where, one every so many bytes. */
  interface Slots {
    /** The one of all if there is none of its own. */
    readonly own?: Holding;
    readonly offset: number;
    readonly stride: number;
  }
  const places = extents.map(({ size }): Slots => {
    const place = { offset: bytes, stride: Math.ceil(size / 16) * 64 };
    bytes += slots * place.stride;
    return place;
  });
  const common = machine.holdings.take(bytes, KEPT);
  /** Bytes of it that are zeros already. */
  let cleared = 0;
  const leave = common.stay();

  function* clearing(): PiecewiseTask<void> {
    while (cleared < bytes) {
      const size = Math.min(CLEARED, bytes - cleared);
      // What was used before it is not written to until all of it is clear.
      uncaptured(machine, () => fill(machine, common.address + cleared, Math.ceil(size / 64) * 16, 0));
      cleared += size;
      if (cleared === bytes) leave();
      yield;
    }
  }

  /** Has everything in the kernels' memory. */
  function settle(): void {
    if (cleared < bytes) finish(clearing());
  }

  function slotAt(k: number, slot: number): number {
    const { own, offset, stride } = places[k];
    return (own ?? common).address + offset + slot * stride;
  }

  /** Writes spans down in the window's arena, where they stay as they are until it ends, whatever grows meanwhile. */
  function put(
    moved: readonly Moved[],
    lists: readonly (BlockList | undefined)[],
    scale: number | ArrayLike<number>,
    arena: Arena,
    own?: readonly number[],
  ): Spans {
    const address = arena.allocate((extents.length + 1) * SPAN_BYTES);
    const { ints, floats } = machine;
    const firsts = [0];
    moved.forEach(({ weights, gradient, takenAt = weights, arrays = [], rows }, k) => {
      const { size, columns, bias = false } = extents[k];
      const write = (word: number, value: number) => {
        ints[(address + k * SPAN_BYTES + word) / 4] = value;
      };
      write(WEIGHTS, weights);
      write(GRADIENT, gradient);
      write(SIZE, size);
      write(COLUMNS, columns);
      write(FIRST, firsts[k]);
      write(BLOCKS, lists[k]?.address ?? 0);
      write(ROWS, rows?.address ?? 0);
      write(STORED, rows?.numbers.length ?? size / columns);
      floats[(address + k * SPAN_BYTES + SCALE) / 4] = typeof scale === 'number' ? scale : scale[k];
      write(BIAS, bias ? 4 : 0);
      write(TAKEN_AT, takenAt);
      const taken = (own ?? firstSlots).map((slot) => slotAt(k, slot));
      [...taken, ...(own ? [] : arrays)].forEach((address, n) => {
        write(SLOTS + 4 * n, address);
      });
      firsts.push(firsts[k] + (lists[k]?.count ?? Math.ceil(size / BLOCK)));
    });
    const items = firsts[extents.length];
    ints[(address + extents.length * SPAN_BYTES + FIRST) / 4] = items;
    return { address, firsts, items };
  }

  return {
    clearing,
    slot(parameter, slot) {
      settle();
      const from = slotAt(parameter, slot) / 4;
      return machine.floats.subarray(from, from + extents[parameter].size);
    },
    grow(parameter, extent, lengthened, first) {
      settle();
      const { own, stride } = places[parameter];
      const from = first.map((_, slot) => slotAt(parameter, slot) / 4);
      if (slots > 0 && 4 * extent.size > stride) {
        const wider = 64 * Math.ceil(extent.size / 16);
        // What is left stays until its numbers have moved.
        const leave = (own ?? common).stay();
        try {
          places[parameter] = roomFor(machine, wider, slots);
        } finally {
          leave();
        }
      }
      const { size } = extents[parameter];
      first.forEach((value, slot) => {
        const to = slotAt(parameter, slot) / 4;
        if (to !== from[slot]) machine.floats.copyWithin(to, from[slot], from[slot] + size);
        for (const step of lengthened) lengthen(machine.floats, to, to, step, value);
      });
      if (places[parameter].own !== own) own?.free();
      extents[parameter] = extent;
    },
    shorten(parameter, extent, lengthened) {
      settle();
      for (let slot = 0; slot < slots; slot += 1) {
        for (const step of lengthened.toReversed()) shorten(machine.floats, slotAt(parameter, slot) / 4, step);
      }
      extents[parameter] = extent;
    },
    stay() {
      settle();
      const leave = [common, ...places.flatMap(({ own }) => own ?? [])].map((each) => each.stay());
      return () => {
        for (const each of leave) each();
      };
    },
    free() {
      common.free();
      for (const { own } of places) own?.free();
    },
    step(moved, arena) {
      settle();
      const lists = moved.map(({ rows }, k) => rows && blocksOf(machine, arena, rows.numbers, extents[k]));
      const arrays = moved[0]?.arrays?.length ?? 0;
      // What a weight adds to its gradient, it adds to that of a row that was not touched.
      const reachesAll = (stages: readonly Preparing[]) => stages.some(({ stage }) => stage === Stage.decay);
      return {
        squares(stages = []) {
          const { address, firsts, items } = put(moved, reachesAll(stages) ? [] : lists, 1, arena);
          const partial = arena.allocate(8 * items);
          const prepared = { stages: putStages(machine, arena, stages), howMany: stages.length };
          fork(machine, 'squares', { spans: address, partial, ...prepared }, items, BLOCKS_TO_SUM);
          return () => {
            const each = new Float64Array(moved.length);
            let total = 0;
            moved.forEach((_, k) => {
              for (let item = firsts[k]; item < firsts[k + 1]; item += 1) {
                const sum = machine.doubles[partial / 8 + item];
                each[k] += sum;
                total += sum;
              }
            });
            return { total, each };
          };
        },
        update({ rule, sparsePolicy: own, numbers, stages = [], scale = 1, slots: taken }) {
          const sparsePolicy = own === SparsePolicy.stays && reachesAll(stages) ? SparsePolicy.moves : own;
          const listed = sparsePolicy === SparsePolicy.moves ? [] : lists;
          const { address, items } = put(moved, listed, scale, arena, taken);
          const prepared = { stages: putStages(machine, arena, stages), howMany: stages.length };
          const kept = { slots: taken?.length ?? ofRule + arrays, zeros: common.address };
          fork(
            machine,
            'update',
            { spans: address, rule, sparsePolicy, ...kept, ...prepared, numbers },
            items,
            BLOCKS_TO_UPDATE,
          );
        },
      };
    },
  };
}

/** Spans in a window: where they lie, the first item of each and the end of the last one. */
interface Spans {
  readonly address: number;
  readonly firsts: readonly number[];
  readonly items: number;
}

/** What an optimizer keeps wants memory for. */
const KEPT: Want = { what: 'what the optimizer keeps', remedy: 'make the model smaller' };

/** Slots of a parameter that has grown, twice as wide where there is room: so growing by ones copies each number seldom. */
function roomFor(machine: Machine, stride: number, slots: number) {
  const twice = machine.heap.allocateSpare(2 * slots * stride);
  if (twice !== undefined) machine.heap.free(twice);
  const width = twice === undefined ? stride : 2 * stride;
  return { own: machine.holdings.take(slots * width, KEPT), offset: 0, stride: width };
}

/** The stages in the window's arena. */
function putStages(machine: Machine, arena: Arena, stages: readonly Preparing[]): number {
  if (stages.length === 0) return 0;
  const address = arena.allocate(STAGE_BYTES * stages.length);
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
function blocksOf(machine: Machine, arena: Arena, rows: Int32Array, { columns }: Extent): BlockList {
  const blocks: number[] = [];
  let next = 0;
  for (const row of rows) {
    const last = Math.floor((row * columns + columns - 1) / BLOCK);
    for (next = Math.max(next, Math.floor((row * columns) / BLOCK)); next <= last; next += 1) blocks.push(next);
  }
  const address = arena.allocate(4 * blocks.length);
  machine.ints.set(blocks, address / 4);
  return { address, count: blocks.length };
}
