/** The kernels as modules that a browser fetches when they are asked for: what every bundler follows without configuration. */
import type { Kernels, Tier } from './host.js';

const modules: Partial<Record<Tier, () => Promise<{ readonly default: string }>>> = {
  fma: () => import('./generated/fma.js'),
  simd: () => import('./generated/simd.js'),
};

const loaded = new Map<Tier, Uint8Array>();

export const kernels: Kernels = {
  bytes: (tier) => loaded.get(tier),
  async load(tier) {
    const known = loaded.get(tier);
    const module = known ?? (await modules[tier]?.());
    if (module === undefined || module instanceof Uint8Array) return module;
    const deflated = Uint8Array.from(atob(module.default), (letter) => letter.charCodeAt(0));
    const inflated = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
    loaded.set(tier, bytes);
    return bytes;
  },
};
