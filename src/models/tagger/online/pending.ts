/** Predictions whose corrections may still come. */
import { requireChoice, requireCount, shown } from '../../../checks.js';
import { checkedOptions } from '../../../options.js';
import type { TaggedWord, Tagging } from '../tagging.js';

/** What becomes of a prediction when as many wait as may: the oldest goes, this one does, or it is an error. */
export type PendingPolicy = 'drop-oldest' | 'drop-newest' | 'error';

/** The options of {@link pending}. */
export interface PendingOptions {
  /** How many predictions may wait for a correction. */
  readonly capacity: number;
  /** Default `drop-oldest`. */
  readonly policy?: PendingPolicy;
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
export interface PendingState {
  readonly given: number;
  readonly dropped: number;
  readonly entries: readonly (readonly [id: string, open: OpenTagging])[];
  readonly expired: readonly string[];
}

/** Predictions by id: `predictTags` adds to it, and `learnTags` looks up what a correction is of. */
export interface Pending {
  readonly depth: number;
  readonly dropped: number;
  /** Keeps a prediction under its own id, or gives it one. @throws RangeError where it is full and the policy is `error`. */
  add(open: OpenTagging, id?: string): string;
  get(id: string): OpenTagging | Missing;
  /** Puts in what has been made of one that waits. */
  replace(id: string, open: OpenTagging): void;
  state(): PendingState;
  /**
   * Becomes what was written down. Nothing changes where it throws.
   *
   * @throws RangeError where more wait there than may here; TypeError where it is not what `state` gave.
   */
  restore(state: PendingState): void;
}

const POLICIES: readonly PendingPolicy[] = ['drop-oldest', 'drop-newest', 'error'];

/**
 * Memory of predictions that may still be corrected, of bounded size. A prediction stays when it has been corrected, so
 * that an utterance may be corrected slot by slot; it goes when the capacity is reached and the policy says so. Ids are
 * the utterance's own, or `#0`, `#1`, … in order. Of as many ids as predictions may wait it is remembered that they have
 * expired.
 *
 * @param options how many predictions may wait, and what happens when there are more.
 * @returns a memory for `predictTags` and `learnTags` to share.
 * @throws RangeError where the capacity is not a whole number above 0.
 * @throws TypeError where the policy is none of the three, or an option is not known.
 * @example
 * const open = pending({ capacity: 1000 });
 * utterance$.pipe(predictTags(reader, open)).subscribe(({ id, words }) => console.log(id, words));
 * correction$.pipe(learnTags(reader, { optimizer: adam(1e-3), pending: open }));
 */
export function pending(options: PendingOptions): Pending {
  const { capacity, policy = 'drop-oldest' } = checkedOptions('pending', options, { capacity: true, policy: true });
  requireCount('pending', 'capacity', capacity);
  requireChoice('pending', 'policy', policy, POLICIES);
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
        `pending: ${capacity} predictions wait for their corrections; raise the capacity, or choose the policy ` +
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
      const problem = pendingProblem(state);
      if (problem !== undefined) throw new TypeError(`pending: ${problem}; give back what state() gave.`);
      if (state.entries.length > capacity) {
        throw new RangeError(
          `pending: ${state.entries.length} predictions were written down, but ${capacity} may wait here; raise the capacity.`,
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

/** What is wrong with the id of an utterance, which may have none. A state with any other could not be read again. */
export function idProblem(id: unknown): string | undefined {
  if (id === undefined || typeof id === 'string') return undefined;
  return `the id of an utterance is a text, not ${shown(id)}; put it in quotes, or leave it out.`;
}

/** What is wrong with what should be the state of predictions that wait, if anything. */
export function pendingProblem(state: unknown): string | undefined {
  const { given, dropped, entries, expired } = (state ?? {}) as Partial<PendingState>;
  if (!isCount(given) || !isCount(dropped)) {
    return `the state gave ${shown(given)} ids and dropped ${shown(dropped)}, which are no counts`;
  }
  if (!Array.isArray(entries) || !isTexts(expired)) return 'the state has no list of entries, or none of expired ids';
  const wrong = entries.findIndex((entry) => !isEntry(entry));
  if (wrong >= 0) return `entry ${wrong} of the state is not an id with an utterance and what was predicted of it`;
  return new Set(entries.map(([id]) => id)).size === entries.length ? undefined : 'an id of the state stands twice';
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const isName = (value: unknown): boolean => value === undefined || typeof value === 'string';

function isEntry(entry: unknown): boolean {
  if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== 'string') return false;
  const { words, prediction, taught } = (entry[1] ?? {}) as Partial<OpenTagging>;
  if (!isTexts(words) || !isTagging(prediction, words.length)) return false;
  if (taught === undefined) return true;
  return taught !== null && isTexts(taught.tags) && taught.tags.length === words.length && isName(taught.intent);
}

function isTagging(value: unknown, length: number): boolean {
  const { words, intent } = (value ?? {}) as Partial<Tagging>;
  const isTagged = (tagged: Partial<TaggedWord> | null) =>
    typeof tagged?.word === 'string' && typeof tagged.tag === 'string' && typeof tagged.probability === 'number';
  if (!Array.isArray(words) || words.length !== length || !words.every(isTagged)) return false;
  return intent === undefined || (typeof intent?.name === 'string' && typeof intent.probability === 'number');
}

/** Whether an id is one of those that were given. */
function wasGiven(id: string, given: number): boolean {
  return /^#(0|[1-9]\d*)$/.test(id) && Number(id.slice(1)) < given;
}
