/** The tiers' modules, and whether the one that is called the best is the fastest here. */
import { host } from '#host';
import { kernels } from '#kernels';
import { type Tier, tierNames } from '../host/host.js';

const compiled = new Map<string, WebAssembly.Module>();

/** The module of a tier, compiled once; undefined where it is not loaded, or this engine does not take it. */
export function moduleOf(tier: Tier, shared: boolean): WebAssembly.Module | undefined {
  const key = `${tier} ${shared}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (!host.prepareTier(tier)) return undefined;
  const bytes = kernels.bytes(tier);
  if (bytes === undefined) return undefined;
  try {
    const module = new WebAssembly.Module((shared ? bytes : overUnshared(bytes)) as BufferSource);
    compiled.set(key, module);
    return module;
  } catch (error) {
    // A policy's refusal is an EvalError in Safari.
    if (!(error instanceof WebAssembly.CompileError || error instanceof EvalError)) throw error;
    if (!WebAssembly.validate(bytes as BufferSource)) return undefined;
    throw new Error(
      `machine: the kernels may not be compiled here (${error.message}); a content security policy has to allow ` +
        "'wasm-unsafe-eval' in its script-src.",
      { cause: error },
    );
  }
}

/** How the module's import of its memory is written: `env`, `memory`, a memory, and the flags of a shared one with a maximum. */
const IMPORT = [3, ...ascii('env'), 6, ...ascii('memory'), 2, 3];

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

/** The same kernels over memory that is not shared: a flag says which, and whatever is atomic works in both. */
function overUnshared(bytes: Uint8Array): Uint8Array {
  const at = bytes.findIndex((_, from) => IMPORT.every((byte, k) => bytes[from + k] === byte));
  const copy = bytes.slice();
  copy[at + IMPORT.length - 1] = 1;
  return copy;
}

/** Why there are no kernels to choose from, if that is because nobody has waited for them. */
export function missing(forced: Tier | undefined): Error | undefined {
  const wanted = forced === undefined ? tierNames : [forced];
  if (kernels.load === undefined || wanted.some((tier) => kernels.bytes(tier) !== undefined)) return undefined;
  const call = forced === undefined ? 'ready()' : `ready({ tier: '${forced}' })`;
  return new Error(`machine: the kernels are not loaded yet, which takes a browser a moment; \`await ${call}\` first.`);
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

/** First calls, each timed by itself: the first compiles, and some hundred have to go by until V8 optimises. */
const COLD_CALLS = 10;
/** Calls that are timed as one: a few microseconds. */
const CALLS = 10;
/** Rounds whose least counts, once V8 has optimised both: what they take then is a seventh of what they took, or less. */
const ROUNDS = 20;
const OPTIMISED = 0.4;
/** Far more than noise, and less than what spilt registers cost. */
const CLEARLY = 1.15;
/** Where V8 never optimises them, or has no processor to do it on, this is the end. */
const MOST_ROUNDS = 1000;
const MOST_MS = 500;

/**
 * Whether one function takes clearly more time than another, both of which V8 is yet to optimise: this takes some 3 ms.
 * Where V8 has no time for that they are taken for equal.
 */
export function clearlySlower(one: () => void, other: () => void, now = () => performance.now()): boolean {
  const [first, second] = [contestant(one, now), contestant(other, now)];
  const end = now() + MOST_MS;
  for (let round = 0; round < MOST_ROUNDS && now() < end; round += 1) {
    first.round();
    second.round();
    if (first.settled() && second.settled()) return first.least() > CLEARLY * second.least();
  }
  return false;
}

/** A function and what a call of it takes: settled once so many rounds have gone by since it became fast. */
function contestant(run: () => void, now: () => number) {
  const time = (calls: number) => {
    const from = now();
    for (let call = 0; call < calls; call += 1) run();
    return (now() - from) / calls;
  };
  const cold = Math.min(...Array.from({ length: COLD_CALLS }, () => time(1)));
  let [least, fast] = [Number.POSITIVE_INFINITY, 0];
  return {
    round() {
      least = Math.min(least, time(CALLS));
      if (least < OPTIMISED * cold) fast += 1;
    },
    settled: () => fast >= ROUNDS,
    least: () => least,
  };
}
