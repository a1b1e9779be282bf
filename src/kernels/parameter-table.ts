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
import { type Lengthened, lengthen } from './lines.js';
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
}

/** One window's step. */
export interface Step {
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
  /** Makes it all zeros at first, in pieces; asking for a part of it has the rest done at once. */
  clearing(): PiecewiseTask<void>;
  /** Keeps everything where it lies until the function that is returned is called. */
  stay(): () => void;
  /** Gives the memory back, when nobody needs it any more. */
  free(): void;
  /** A step, its parameters in the order of their extents. What it needs besides comes from the window's arena. */
  step(moved: readonly Moved[], arena: Arena): Step;
}

/** Spans of parameters of these extents, with so many slots each. */
export function parameterTable(machine: Machine, atFirst: readonly Extent[], slots: number): ParameterTable {
  if (slots > MOST_SLOTS) throw new RangeError(`spans: an optimizer keeps ${MOST_SLOTS} arrays at most, not ${slots}.`);
  const extents = [...atFirst];
  const zeros = (extents.length + 1) * SPAN_BYTES;
  let bytes = zeros + 4 * BLOCK;
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
  let address = common.address;
  /** Bytes of it that are zeros already. */
  let cleared = 0;
  let described = false;
  let moves = common.moves;
  const leave = common.stay();

  function* clearing(): PiecewiseTask<void> {
    while (cleared < bytes) {
      const size = Math.min(CLEARED, bytes - cleared);
      // What was used before it is not written to until all of it is clear.
      uncaptured(machine, () => fill(machine, common.address + cleared, Math.ceil(size / 64) * 16, 0));
      cleared += size;
      yield;
    }
    if (described) return;
    described = true;
    leave();
    extents.forEach((_, k) => {
      describe(k);
    });
  }

  /** Has everything in the kernels' memory, and says anew where it lies if it has moved. */
  function settle(): void {
    if (!described) finish(clearing());
    address = common.address;
    let now = common.moves;
    for (const { own } of places) {
      if (own === undefined) continue;
      void own.address;
      now += own.moves;
    }
    if (now === moves) return;
    moves = now;
    extents.forEach((_, k) => {
      describe(k);
    });
  }

  function describe(k: number): void {
    const { size, columns, bias = false } = extents[k];
    write(k, SIZE, size);
    write(k, COLUMNS, columns);
    write(k, BIAS, bias ? 4 : 0);
    for (let slot = 0; slot < slots; slot += 1) write(k, SLOTS + 4 * slot, slotAt(k, slot));
  }

  function slotAt(k: number, slot: number): number {
    const { own, offset, stride } = places[k];
    return (own?.address ?? address) + offset + slot * stride;
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
      describe(parameter);
      // Another holding's count, perhaps: it says nothing about the next.
      moves = -1;
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
          const partial = arena.allocate(8 * items);
          const prepared = { stages: putStages(machine, arena, stages), howMany: stages.length };
          const firsts = Array.from({ length: extents.length + 1 }, (_, k) => read(k, FIRST));
          fork(machine, 'squares', { spans: address, partial, ...prepared }, items, BLOCKS_TO_SUM);
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
        update({ rule, sparsePolicy: own, numbers, stages = [], scale = 1 }) {
          const sparsePolicy = own === SparsePolicy.stays && reachesAll(stages) ? SparsePolicy.moves : own;
          const items = share(sparsePolicy === SparsePolicy.moves ? [] : lists);
          extents.forEach((_, k) => {
            machine.floats[(address + k * SPAN_BYTES + SCALE) / 4] = typeof scale === 'number' ? scale : scale[k];
          });
          const prepared = { stages: putStages(machine, arena, stages), howMany: stages.length };
          const values = { spans: address, rule, sparsePolicy, slots, zeros: address + zeros, ...prepared, numbers };
          fork(machine, 'update', values, items, BLOCKS_TO_UPDATE);
        },
      };
    },
  };
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
