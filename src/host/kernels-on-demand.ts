/** The kernels as modules that a browser fetches when they are asked for: what every bundler follows without configuration. */
import type { Kernels, Tier } from './host.js';

const modules: Partial<Record<Tier, () => Promise<{ readonly default: string }>>> = {
  fma: () => import('./generated/fma.js'),
  simd: () => import('./generated/simd.js'),
};

const loaded = new Map<Tier, Uint8Array>();

export const kernels: Kernels = {
  bytes: (tier) => loaded.get(tier),
  async load(tier, folder) {
    const known = loaded.get(tier);
    const module = modules[tier];
    if (known !== undefined || module === undefined) return known;
    const bytes = folder === undefined ? await inflated((await module()).default) : await fetched(tier, folder);
    loaded.set(tier, bytes);
    return bytes;
  },
};

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

function inflated(text: string): Promise<Uint8Array> {
  const deflated = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return bytesOf(new Response(new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'))));
}

/** A tier's file of a folder, whose URL may lack its last slash. */
async function fetched(tier: Tier, folder: string | URL): Promise<Uint8Array> {
  const url = new URL(`${tier}.wasm`, new URL(folder, globalThis.location?.href).href.replace(/\/?$/, '/'));
  const fail = (what: string, cause?: unknown) =>
    new Error(
      `ready: the kernels cannot be fetched from ${url.href} (${what}); \`kernels\` is the URL of a folder with the files of ` +
        `the package's dist/host/generated/, and a content security policy has to allow 'connect-src ${url.origin}'.`,
      { cause },
    );
  const response = await fetch(url).catch((error: unknown) => {
    throw fail(String(error), error);
  });
  if (!response.ok) throw fail(`status ${response.status}`);
  const bytes = await bytesOf(response);
  // A server that has another answer to everything gives a page.
  if (bytes[0] !== 0 || bytes[1] !== 0x61) throw fail('what is there is no WebAssembly');
  return bytes;
}
