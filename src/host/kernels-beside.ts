/** The kernels as files next to this one, of which a process reads those that it tries. */
import { readFileSync } from 'node:fs';
import type { Kernels } from './host.js';

export const kernels: Kernels = {
  bytes(tier) {
    const file = new URL(`./generated/${tier}.wasm`, import.meta.url);
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new Error(
        `machine: the kernels cannot be read (${(cause as Error).message}). In a bundle they come along by the condition ` +
          "'module' of the package's imports, which bundlers have by default; where you give conditions of your own, add it.",
        { cause },
      );
    }
  },
};
