/** Rates: what happens a second, and what a client may do a second. */

/** Seconds over which a rate is taken. */
const OVER = 3;

/** How much a second there was lately; what is long ago counts ever less. */
export function rateMeter(now = () => performance.now()) {
  let rate = 0;
  let at = now();
  const decayed = () => rate * Math.exp(-(now() - at) / (1000 * OVER));
  return {
    add(count: number): void {
      rate = decayed() + count / OVER;
      at = now();
    },
    read: decayed,
  };
}

/** What each of many may spend: a store of `burst`, refilled by so much a second. */
export interface Allowance {
  /** Spends some; or how many seconds to wait, where there is not enough. */
  spend(who: string, amount: number): number;
  /** How many are known. */
  readonly size: number;
}

/** Beyond this those that are full again are forgotten, and then those that were heard of first. */
const MOST_KNOWN = 10_000;

export function allowance(perSecond: number, burst: number, now = () => performance.now()): Allowance {
  const known = new Map<string, { left: number; at: number }>();

  function forget(): void {
    for (const [who, { left, at }] of known) {
      if (left + ((now() - at) / 1000) * perSecond >= burst) known.delete(who);
    }
    for (const who of known.keys()) {
      if (known.size <= MOST_KNOWN / 2) break;
      known.delete(who);
    }
  }

  return {
    get size() {
      return known.size;
    },
    spend(who, amount) {
      const time = now();
      const entry = known.get(who) ?? { left: burst, at: time };
      const left = Math.min(burst, entry.left + ((time - entry.at) / 1000) * perSecond);
      // More than the store ever holds is spent from a full one.
      const asked = Math.min(amount, burst);
      if (left < asked) {
        known.set(who, { left, at: time });
        return (asked - left) / perSecond;
      }
      if (!known.has(who) && known.size >= MOST_KNOWN) forget();
      known.set(who, { left: left - amount, at: time });
      return 0;
    },
  };
}
