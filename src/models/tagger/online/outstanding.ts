/** Predictions whose corrections may still come. */
import { requireChoice, requireCount } from '../../../streams/options.js';
import type { Tagging } from '../tagger.js';

/** What becomes of a prediction when as many wait as may: the oldest goes, this one does, or it is an error. */
export type OutstandingPolicy = 'drop-oldest' | 'drop-newest' | 'error';

export interface OutstandingOptions {
  /** How many predictions may wait for a correction. */
  readonly capacity: number;
  /** Default `drop-oldest`. */
  readonly policy?: OutstandingPolicy;
}

/** A prediction that waits, and what has been made of it since. */
export interface OpenTagging {
  readonly words: readonly string[];
  /** What the model said when it was asked. */
  readonly prediction: Tagging;
  /** What was taught of it, once something was. */
  readonly taught?: { readonly tags: readonly string[]; readonly intent?: string | undefined } | undefined;
}

/** Why there is nothing under an id: it never had anything, or what it had was dropped since. */
export type Missing = 'unknown' | 'expired';

/** What waits as plain data, which JSON takes. */
export interface OutstandingState {
  readonly given: number;
  readonly dropped: number;
  readonly entries: readonly (readonly [id: string, open: OpenTagging])[];
  readonly expired: readonly string[];
}

/** Predictions by id: `predictTags` adds to it, and `learnTags` looks up what a correction is of. */
export interface Outstanding {
  readonly depth: number;
  readonly dropped: number;
  /** Keeps a prediction under its own id, or gives it one. @throws RangeError where it is full and the policy is `error`. */
  add(open: OpenTagging, id?: string): string;
  get(id: string): OpenTagging | Missing;
  /** Puts in what has been made of one that waits. */
  replace(id: string, open: OpenTagging): void;
  state(): OutstandingState;
  /** Becomes what was written down. @throws RangeError where more wait there than may here. */
  restore(state: OutstandingState): void;
}

const POLICIES: readonly OutstandingPolicy[] = ['drop-oldest', 'drop-newest', 'error'];

/**
 * Memory of predictions that may still be corrected, of bounded size. A prediction stays when it has been corrected, so
 * that an utterance may be corrected slot by slot; it goes when the capacity is reached and the policy says so. Ids are
 * the utterance's own, or `#0`, `#1`, … in order. Of as many ids as predictions may wait it is remembered that they have
 * expired.
 *
 * @throws RangeError, TypeError where an option is impossible.
 * @example
 * const open = outstanding({ capacity: 1000 });
 * utterance$.pipe(predictTags(model, open)).subscribe(show);
 * correction$.pipe(learnTags(model, { optimizer: adam(1e-3), outstanding: open }));
 */
export function outstanding({ capacity, policy = 'drop-oldest' }: OutstandingOptions): Outstanding {
  requireCount('outstanding', 'capacity', capacity);
  requireChoice('outstanding', 'policy', policy, POLICIES);
  // Maps and sets keep the order in which keys came: the first is the oldest.
  const entries = new Map<string, OpenTagging>();
  const expired = new Set<string>();
  let given = 0;
  let dropped = 0;

  function expire(id: string): void {
    dropped += 1;
    expired.delete(id);
    expired.add(id);
    if (expired.size > capacity) expired.delete(expired.values().next().value as string);
  }

  function makeRoom(id: string): boolean {
    if (entries.size < capacity) return true;
    if (policy === 'error') {
      throw new RangeError(
        `outstanding: ${capacity} predictions wait for their corrections; raise the capacity, or choose the policy ` +
          "'drop-oldest' or 'drop-newest'.",
      );
    }
    if (policy === 'drop-newest') {
      expire(id);
      return false;
    }
    const oldest = entries.keys().next().value as string;
    entries.delete(oldest);
    expire(oldest);
    return true;
  }

  return {
    get depth() {
      return entries.size;
    },
    get dropped() {
      return dropped;
    },
    add(open, own) {
      const id = own ?? `#${given}`;
      if (own === undefined) given += 1;
      // An id that comes again is that of the later utterance.
      entries.delete(id);
      if (makeRoom(id)) {
        entries.set(id, open);
        expired.delete(id);
      }
      return id;
    },
    get: (id) => entries.get(id) ?? (expired.has(id) || wasGiven(id, given) ? 'expired' : 'unknown'),
    replace(id, open) {
      entries.set(id, open);
    },
    state: () => ({ given, dropped, entries: [...entries], expired: [...expired] }),
    restore(state) {
      if (state.entries.length > capacity) {
        throw new RangeError(
          `outstanding: ${state.entries.length} predictions were written down, but ${capacity} may wait here; raise the capacity.`,
        );
      }
      entries.clear();
      expired.clear();
      for (const [id, open] of state.entries) entries.set(id, open);
      for (const id of state.expired) expired.add(id);
      ({ given, dropped } = state);
    },
  };
}

/** Whether an id is one of those that were given. */
function wasGiven(id: string, given: number): boolean {
  return /^#(0|[1-9]\d*)$/.test(id) && Number(id.slice(1)) < given;
}
