import { type Tier, tierNames } from '../../src/host/host.js';
import { createMachine } from '../../src/kernels/machine.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { generator } from '../../src/random.js';

const machines = new Map<string, Machine>();

/** A machine of a tier, a number of threads and a kind of memory, kept for the file. */
export function machineOf(tier: Tier, threads = 1, shared = true): Machine {
  const key = `${tier} ${threads} ${shared}`;
  const known = machines.get(key) ?? createMachine({ tier, threads, shared });
  machines.set(key, known);
  return known;
}

/** The tiers that this Node has: all of them from 24 on, without the widest before. */
export const tiersHere: readonly Tier[] = tierNames.filter(
  (tier) => tier !== 'wide' || Number(process.versions.node.split('.')[0]) >= 24,
);

/** Puts numbers into the machine's memory and gives their address. */
export function put(machine: Machine, numbers: Float32Array | Int32Array): number {
  const address = machine.arena.allocate(4 * numbers.length);
  (numbers instanceof Int32Array ? machine.ints : machine.floats).set(numbers as Float32Array, address / 4);
  return address;
}

/** A copy of `size` numbers at an address. */
export function take(machine: Machine, address: number, size: number): Float32Array {
  return Float32Array.from(machine.floats.subarray(address / 4, address / 4 + size));
}

export function uniform(size: number, seed: number, low = -1, high = 1): Float32Array {
  const random = generator(seed);
  return Float32Array.from({ length: size }, () => low + (high - low) * random.uniform());
}

/** The bits of numbers as text, for comparisons that let nothing pass. */
export const bits = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');
