/** The tiers' modules, and whether the one that is called the best is the fastest here. */
import * as fma from './generated/fma.js';
import * as simd from './generated/simd.js';
import * as wide from './generated/wide.js';
import { prepareTier, type Tier } from './host.js';

const modules = { wide, fma, simd };
const compiled = new Map<string, WebAssembly.Module>();

/** The module of a tier, compiled once; undefined where this engine does not take it. */
export function moduleOf(tier: Tier, shared: boolean): WebAssembly.Module | undefined {
  const key = `${tier} ${shared}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (!prepareTier(tier)) return undefined;
  const text = shared ? modules[tier].shared : modules[tier].unshared;
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    compiled.set(key, module);
    return module;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

/** C = A·B for a tile of so many rows and 16 columns; strides in bytes. */
export type Tile = (
  rows: number,
  k: number,
  a: number,
  lda: number,
  aStep: number,
  panel: number,
  step: number,
  c: number,
  ldc: number,
) => void;

const DEPTH = 128;
const A_STRIDE = 4 * DEPTH;
const PANEL_STRIDE = 64;
/** Bytes that the operands and the result of six rows take. */
export const RACE_BYTES = 6 * A_STRIDE + DEPTH * PANEL_STRIDE + 6 * PANEL_STRIDE;

let slow: boolean | undefined;

/**
 * Whether the wide tier is slower here than that of fused multiply-add, as it is where V8 does not widen it: its six rows of
 * sixteen then have more sums than there are registers. The other's tile, two rows, is in its module too, so that both
 * are timed in that. Asked once in a process.
 *
 * @param address of memory to work in, `RACE_BYTES` of it, zeros.
 */
export function wideIsSlow(tile: Tile, address: number): boolean {
  const panel = address + 6 * A_STRIDE;
  const c = panel + DEPTH * PANEL_STRIDE;
  const run = (rows: number, row: number) =>
    tile(rows, DEPTH, address + row * A_STRIDE, A_STRIDE, 4, panel, PANEL_STRIDE, c + row * PANEL_STRIDE, PANEL_STRIDE);
  slow ??= clearlySlower(
    () => run(6, 0),
    () => {
      for (let row = 0; row < 6; row += 2) run(2, row);
    },
  );
  return slow;
}

/** Calls that are timed as one: a few microseconds. */
const CALLS = 10;
/** Rounds whose least counts, before and after V8 has optimised both: by then they take a fifth of the time. */
const ROUNDS = 20;
const OPTIMISED = 0.5;
/** Far more than noise, and less than what spilt registers cost. */
const CLEARLY = 1.15;
const PATIENCE_MS = 50;

/**
 * Whether one function takes clearly more time than another, both of which V8 is yet to optimise: this takes some 3 ms.
 * Where V8 has no time for that they are taken for equal.
 */
export function clearlySlower(one: () => void, other: () => void, now = () => performance.now()): boolean {
  const time = (run: () => void) => {
    const from = now();
    for (let call = 0; call < CALLS; call += 1) run();
    return now() - from;
  };
  const end = now() + PATIENCE_MS;
  const [first, second] = [contestant(), contestant()];
  do {
    first.took(time(one));
    second.took(time(other));
    if (first.settled() && second.settled()) return first.least() > CLEARLY * second.least();
  } while (now() < end);
  return false;
}

/** What a function took, round by round: settled once so many have gone by since it became fast. */
function contestant() {
  let [cold, least, rounds, fast] = [0, Number.POSITIVE_INFINITY, 0, 0];
  return {
    took(milliseconds: number) {
      rounds += 1;
      // The first rounds have the first compilation in them; not even the least of these is much more than usual.
      if (rounds <= 5) cold = Math.min(cold || milliseconds, milliseconds);
      least = Math.min(least, milliseconds);
      if (least < OPTIMISED * cold) fast += 1;
    },
    settled: () => fast >= ROUNDS,
    least: () => least,
  };
}
