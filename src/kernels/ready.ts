import { host } from '#host';
import { kernels } from '#kernels';
import { type Tier, tierNames } from '../host/host.js';
import { checkedOptions, type Names } from '../options.js';
import { checkTier } from './machine.js';

/** Options of {@link ready}. */
export interface ReadyOptions {
  /** The tier that `configure` is going to be asked for, where it is not to be the best one. */
  readonly tier?: Tier | undefined;
  /**
   * The URL of a folder that has the package's `dist/host/generated/fma.wasm` and `simd.wasm`, from which a browser fetches them.
   * By default they come with the bundle.
   */
  readonly kernels?: string | URL | undefined;
  /**
   * The URL of the package's `dist/worker.js`, of the page's own origin, from which a browser starts its workers. By default they
   * start from a Blob, which a content security policy has to allow by `worker-src blob:`.
   */
  readonly worker?: string | URL | undefined;
}

const names: Names<ReadyOptions> = { tier: true, kernels: true, worker: true };

/**
 * Waits until the kernels can be used. A browser fetches those of the best tier that its engine takes; Node has them, so that
 * nothing happens there. Everything that computes needs it once before, in a program that is to run in a browser.
 *
 * @param options the tier, and where a page gets kernels and workers, if not from its bundle.
 * @returns a promise, settled when the kernels can be used.
 * @throws RangeError for a tier that there is none of; Error where the kernels cannot be fetched.
 * @throws TypeError where an option is not known, or a URL is none.
 * @example
 * await ready();
 * model(of(ids([1, 1], [0]))).subscribe();
 *
 * @example
 * // Where a page serves the package's files itself.
 * await ready({ kernels: '/oxbow/', worker: '/oxbow/worker.js' });
 */
export async function ready(options: ReadyOptions = {}): Promise<void> {
  const { tier, kernels: folder, worker } = checkedOptions('ready', options, names);
  const candidates = tier === undefined ? tierNames : [checkTier(tier, 'ready')];
  checkUrl('kernels', folder);
  checkUrl('worker', worker);
  if (worker !== undefined) host.workersFrom?.(worker);
  for (const candidate of candidates) {
    const bytes = await kernels.load?.(candidate, folder);
    if (bytes !== undefined && WebAssembly.validate(bytes as BufferSource)) return;
  }
}

function checkUrl(name: string, url: unknown): void {
  if (url === undefined || url instanceof URL || (typeof url === 'string' && url !== '')) return;
  throw new TypeError(`ready: ${name} is a URL or the text of one, not ${url === '' ? "''" : typeof url}.`);
}
