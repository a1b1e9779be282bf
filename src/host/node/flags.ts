import { setFlagsFromString } from 'node:v8';
import type { Tier } from '../host.js';

const nodeMajor = Number(process.versions.node.split('.')[0]);

/**
 * The flag that has V8 widen pairs of 128-bit operations, by V8's version; undefined where there is none, or none that works.
 * A V8 that does not know a flag says so on stderr, so it must not be asked.
 *
 * Source: V8's feature-flags.h, which has it under its new name since it was staged in 15.4.
 */
export function revectorizeFlag(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const since = (first: number, second: number) => major > first || (major === first && minor >= second);
  if (since(15, 4)) return '--wasm-revectorize';
  // Those before 13.6 (Node 24) refuse it, or take it without effect.
  return since(13, 6) ? '--experimental-wasm-revectorize' : undefined;
}

/**
 * A switch belongs to the whole process and stays on: kernels that are still cold are compiled later. No other switch is ever
 * touched (V8 dies if others change while it compiles).
 */
export function prepareTier(tier: Tier): boolean {
  if (tier === 'wide') {
    const flag = revectorizeFlag(process.versions.v8 ?? '');
    if (flag === undefined) return false;
    setFlagsFromString(flag);
  } else if (tier === 'fma' && nodeMajor < 21) {
    setFlagsFromString('--experimental-wasm-relaxed-simd');
  }
  return true;
}
