/** The kernels as text, for a bundle that runs in Node: it needs no other file. */
import { inflateRawSync } from 'node:zlib';
import fma from './generated/fma.js';
import simd from './generated/simd.js';
import wide from './generated/wide.js';
import type { Kernels } from './host.js';

const texts = { wide, fma, simd };

export const kernels: Kernels = {
  bytes: (tier) => inflateRawSync(Buffer.from(texts[tier], 'base64')),
};
