/** What the next symbol of a generation is drawn by: its options, its uniform numbers, and what was said lately. */
import { DRAWING_BYTES, writeDrawing, writeRecent, writeUniform } from '../../kernels/drawing.js';
import { sample, sampleScratch } from '../../kernels/kernels.js';
import { machine } from '../../kernels/machine.js';
import { inWindow } from '../../ops/window.js';
import type { RandomGenerator } from '../../random.js';
import { type Numbers, tensor } from '../../tensor.js';
import { largestLogit } from '../logits.js';
import type { SamplingOptions } from '../sample.js';

/** What a generation's symbols are drawn by, beyond the draw from a distribution. */
export interface DrawingOptions extends SamplingOptions {
  readonly repetitionPenalty?: number;
  readonly repetitionWindow?: number;
  /** An id that is never said. */
  readonly never?: number | undefined;
}

export interface SymbolDrawing {
  /** Where the kernel reads it. */
  readonly address: number;
  /** Takes the uniform number of the next draw. */
  ready(): void;
  /** A symbol was said, or read. */
  said(symbol: number): void;
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
  }: DrawingOptions,
  draws: RandomGenerator,
): SymbolDrawing {
  const home = machine();
  const penalised = repetitionPenalty !== 1;
  const recent = penalised ? repetitionWindow : 0;
  const address = home.heap.allocate(DRAWING_BYTES + 4 * recent);
  const lately = address + DRAWING_BYTES;
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
    },
    said(symbol) {
      if (!penalised) return;
      // Their order does not matter, so the oldest gives its place.
      home.ints[lately / 4 + (said % recent)] = symbol;
      said += 1;
      writeRecent(home, address, lately, Math.min(said, recent));
    },
    free: () => home.heap.free(address),
  };
}

/** The symbol that is drawn from a row of logits; the drawing is ready. @throws RangeError where the model has diverged. */
export function drawnFrom(logits: Numbers, { address }: SymbolDrawing): number {
  const symbols = logits.length;
  const symbol = inWindow((_, space) => {
    const said = space.result([1], 'int32').address;
    const row = space.place(tensor([symbols], logits)).address;
    sample(space.machine, row, address, said, space.arena.allocate(sampleScratch(1, symbols)), 1, symbols);
    return space.machine.ints[said / 4] as number;
  });
  if (symbol < 0) largestLogit('sampler', logits);
  return symbol;
}
