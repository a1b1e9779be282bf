/** What the next symbol of a generation is drawn by: its options, its uniform numbers, and what was said lately. */
import { DRAWING_BYTES, writeAllowed, writeDrawing, writeRecent, writeUniform } from '../../kernels/drawing.js';
import { sample, sampleScratch } from '../../kernels/kernels.js';
import { machine } from '../../kernels/machine.js';
import { inWindow } from '../../ops/window.js';
import type { RandomGenerator } from '../../random.js';
import { type Numbers, tensor } from '../../tensor.js';
import { largestLogit } from '../logits.js';
import type { SamplingOptions } from '../sample.js';
import type { IdRange } from '../utf8.js';

/** What a generation's symbols are drawn by, beyond the draw from a distribution. */
export interface DrawingOptions extends SamplingOptions {
  readonly repetitionPenalty?: number;
  readonly repetitionWindow?: number;
  /** An id that is never said. */
  readonly never?: number | undefined;
  readonly constraint?: Constraint | undefined;
}

/** What may come next in a generation, by what was read and said before; all else is hidden before anything is cut off. */
export interface Constraint {
  /** Ids that may come next, as at most {@link MOST_RANGES} ranges in their order. */
  readonly next: readonly IdRange[];
  /** A symbol was read or said. */
  push(symbol: number): void;
}

const MOST_RANGES = 16;

export interface SymbolDrawing {
  /** Where the kernel reads it. */
  readonly address: number;
  /** Takes the uniform number of the next draw, and what it may be. */
  ready(): void;
  /** A symbol was said, or read. */
  said(symbol: number): void;
  /** Says why nothing could be drawn from a row. @throws RangeError */
  refuse(logits: Numbers): never;
  free(): void;
}

export const REPETITION_WINDOW = 64;

/** The drawing of one generation, in the kernels' memory until it is freed. */
export function symbolDrawing(
  {
    temperature = 1,
    topK = Number.POSITIVE_INFINITY,
    topP = 1,
    minP = 0,
    greedy = false,
    repetitionPenalty = 1,
    repetitionWindow = REPETITION_WINDOW,
    never = -1,
    constraint,
  }: DrawingOptions,
  draws: RandomGenerator,
): SymbolDrawing {
  const home = machine();
  const penalised = repetitionPenalty !== 1;
  const recent = penalised ? repetitionWindow : 0;
  const address = home.heap.allocate(DRAWING_BYTES + 4 * recent + (constraint ? 8 * MOST_RANGES : 0));
  const lately = address + DRAWING_BYTES;
  const allowed = lately + 4 * recent;
  let said = 0;
  writeDrawing(home, address, {
    temperature,
    topK: Number.isFinite(topK) ? topK : 0,
    topP,
    minP,
    greedy,
    penalty: repetitionPenalty,
    never,
  });
  return {
    address,
    ready() {
      if (!greedy) writeUniform(home, address, draws.uniform());
      if (constraint === undefined) return;
      const { next } = constraint;
      home.ints.set(next.flat(), allowed / 4);
      writeAllowed(home, address, allowed, next.length);
    },
    said(symbol) {
      constraint?.push(symbol);
      if (!penalised) return;
      // Their order does not matter, so the oldest gives its place.
      home.ints[lately / 4 + (said % recent)] = symbol;
      said += 1;
      writeRecent(home, address, lately, Math.min(said, recent));
    },
    refuse(logits) {
      const ranges = constraint?.next ?? [[0, logits.length - 1]];
      const mayCome = ranges.flatMap(([first, last]) => [...logits.subarray(first, last + 1)]);
      largestLogit('sampler', mayCome);
      throw new RangeError(
        `sampler: a repetitionPenalty of ${repetitionPenalty} makes logits infinite; choose one that is nearer to 1.`,
      );
    },
    free: () => home.heap.free(address),
  };
}

/** The symbol that is drawn from a row of logits; the drawing is ready. @throws RangeError where the model has diverged. */
export function drawnFrom(logits: Numbers, drawing: SymbolDrawing): number {
  const symbols = logits.length;
  const symbol = inWindow((_, space) => {
    const said = space.result([1], 'int32').address;
    const row = space.place(tensor([symbols], logits)).address;
    sample(space.machine, row, drawing.address, said, space.arena.allocate(sampleScratch(1, symbols)), 1, symbols);
    return space.machine.ints[said / 4] as number;
  });
  if (symbol < 0) drawing.refuse(logits);
  return symbol;
}
