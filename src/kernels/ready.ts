import { kernels } from '#kernels';
import { type Tier, tierNames } from '../host/host.js';
import { checkedOptions } from '../options.js';
import { checkTier } from './machine.js';

/**
 * Waits until the kernels can be used. A browser fetches those of the best tier that its engine takes; Node has them, so that
 * nothing happens there. Everything that computes needs it once before, in a program that is to run in a browser.
 *
 * @param options.tier the tier that `configure` is going to be asked for, where it is not to be the best one.
 * @returns a promise, settled when the kernels can be used.
 * @throws RangeError for a tier that there is none of; Error where what a bundle is parted into cannot be fetched.
 * @throws TypeError where an option is not known.
 * @example
 * await ready();
 * model(of(ids([1, 1], [0]))).subscribe();
 */
export async function ready(options: { readonly tier?: Tier } = {}): Promise<void> {
  const { tier } = checkedOptions('ready', options, { tier: true });
  for (const candidate of tier === undefined ? tierNames : [checkTier(tier, 'ready')]) {
    const bytes = await kernels.load?.(candidate);
    if (bytes !== undefined && WebAssembly.validate(bytes as BufferSource)) return;
  }
}
