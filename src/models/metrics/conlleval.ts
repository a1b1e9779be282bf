/** How well slots were found, as conlleval counts it. */

import { isListOf, isRecord, requireKind } from '../../checks.js';
import { described } from '../../description.js';
import { type Chunk, chunksOf, endsBetween, outside, partsOf, startsBetween } from './chunks.js';
import { countedBefore } from './metric.js';

/** What is said of an utterance: a tag for each word, and what was wanted of it as a whole. */
export interface Labelled {
  readonly tags: readonly string[];
  readonly intent?: string;
}

/** How often slots were found rightly, found, and there, and the shares that follow, 0 where there is nothing. */
export interface SlotCounts {
  readonly right: number;
  readonly predicted: number;
  readonly wanted: number;
  /** `right / predicted`. */
  readonly precision: number;
  /** `right / wanted`. */
  readonly recall: number;
  /** `2 right / (predicted + wanted)`. */
  readonly f1: number;
}

/** What was taken for what: `O` stands for no slot, the same name twice for a slot whose ends are wrong. */
export interface SlotConfusion {
  readonly wanted: string;
  readonly predicted: string;
  readonly count: number;
}

/** How well slots, tags and intents were found, in all and slot by slot. */
export interface SlotScores extends SlotCounts {
  readonly utterances: number;
  readonly tokens: number;
  /** Of all words, the share with the right tag; NaN where there is none. */
  readonly tokenAccuracy: number;
  /** Of all utterances, the share whose tags are all right; NaN where there is none. */
  readonly sentenceAccuracy: number;
  /** Of the utterances whose intent is known, the share with the right one; NaN where there is none. */
  readonly intentAccuracy: number;
  /** Of all utterances, the share whose tags and intent, where it is known, are all right; NaN where there is none. */
  readonly frameAccuracy: number;
  /** By name. */
  readonly bySlot: readonly (SlotCounts & { readonly slot: string })[];
  /** The most frequent first. */
  readonly confusion: readonly SlotConfusion[];
}

/** Counts as it goes, utterance after utterance; what it keeps grows with the kinds of slots alone. */
export interface SlotAccumulator {
  /** @throws RangeError where there are not as many tags on both sides. */
  update(prediction: Labelled, target: Labelled): void;
  result(): SlotScores;
  /** What was counted so far, as plain data that `start` takes; without it a run that is kept and goes on counts from there on. */
  state?(): unknown;
}

/** What is counted of the slots of utterances; see {@link conlleval}. */
export interface SlotMetric {
  readonly name: string;
  readonly better: 'higher';
  /** Counts from nothing, or on from what `state` of an earlier one gave. */
  start(state?: unknown): SlotAccumulator;
}

interface Tally {
  right: number;
  predicted: number;
  wanted: number;
}

const share = (a: number, b: number): number => (b === 0 ? 0 : a / b);

const countsOf = ({ right, predicted, wanted }: Tally): SlotCounts => ({
  right,
  predicted,
  wanted,
  precision: share(right, predicted),
  recall: share(right, wanted),
  f1: share(2 * right, predicted + wanted),
});

/** The one of these that shares most words with a chunk, the first of equal ones. */
function nearest(chunk: Chunk, among: readonly Chunk[]): Chunk | undefined {
  let best: Chunk | undefined;
  let most = 0;
  for (const other of among) {
    const shared = Math.min(chunk.end, other.end) - Math.max(chunk.start, other.start);
    if (shared > most) [best, most] = [other, shared];
  }
  return best;
}

/** Calls with each mistake: a slot and what stands in its place, and what stands where there is none. */
function eachMistake(
  predicted: readonly Chunk[],
  wanted: readonly Chunk[],
  see: (wanted: string, predicted: string) => void,
): void {
  for (const chunk of wanted) {
    const found = nearest(chunk, predicted);
    const same = found && found.start === chunk.start && found.end === chunk.end && found.type === chunk.type;
    if (!same) see(chunk.type, found?.type ?? 'O');
  }
  for (const chunk of predicted) if (!nearest(chunk, wanted)) see('O', chunk.type);
}

/**
 * Goes through both sequences side by side, as conlleval does: a chunk is right where both start and end together. Whether
 * one is open that did so far is handed on from utterance to utterance: the rules see no end of a bare label (`x`).
 */
function countChunks(
  prediction: readonly string[],
  target: readonly string[],
  before: boolean,
  tally: (slot: string) => Tally,
): boolean {
  let [p, t] = [outside, outside];
  let together = before;
  for (let k = 0; k <= target.length; k += 1) {
    const nextP = k < target.length ? partsOf(prediction[k] as string) : outside;
    const nextT = k < target.length ? partsOf(target[k] as string) : outside;
    const ends = [endsBetween(p, nextP), endsBetween(t, nextT)] as const;
    const starts = [startsBetween(p, nextP), startsBetween(t, nextT)] as const;
    if (together && ends[0] && ends[1] && p.type === t.type) {
      tally(t.type).right += 1;
      together = false;
    } else if (ends[0] !== ends[1] || nextP.type !== nextT.type) {
      together = false;
    }
    if (starts[0]) tally(nextP.type).predicted += 1;
    if (starts[1]) tally(nextT.type).wanted += 1;
    if (starts[0] && starts[1] && nextP.type === nextT.type) together = true;
    [p, t] = [nextP, nextT];
  }
  return together;
}

const NOTHING = {
  utterances: 0,
  tokens: 0,
  tokensRight: 0,
  tagsRight: 0,
  intents: 0,
  intentsRight: 0,
  framesRight: 0,
};

/** What was counted, as plain data. */
interface Counted {
  readonly slots: readonly (readonly [slot: string, counts: Tally])[];
  readonly mistakes: readonly (readonly [wanted: string, predicted: string, count: number])[];
  readonly together: boolean;
  readonly seen: typeof NOTHING;
}

const isCounted = ({ slots, mistakes, together, seen }: Partial<Counted>) =>
  Array.isArray(slots) &&
  slots.every((each) => Array.isArray(each) && hasCounts(each[1], ['right', 'predicted', 'wanted'])) &&
  isListOf('object', mistakes) &&
  typeof together === 'boolean' &&
  hasCounts(seen, Object.keys(NOTHING));

const hasCounts = (value: unknown, names: readonly string[]) =>
  isRecord(value) && names.every((name) => Number.isSafeInteger(value[name]));

function counting(state?: unknown): SlotAccumulator {
  const before = countedBefore<Counted>('conlleval', state, isCounted);
  const slots = new Map<string, Tally>(before?.slots.map(([slot, counts]) => [slot, { ...counts }]));
  const mistakes = new Map<string, Map<string, number>>();
  for (const [wanted, predicted, count] of before?.mistakes ?? []) {
    mistakes.set(wanted, (mistakes.get(wanted) ?? new Map()).set(predicted, count));
  }
  /** Whether a bare label that both have is open: conlleval counts it where the next chunk ends, or at the last. */
  let together = before?.together ?? false;
  const seen = { ...(before?.seen ?? NOTHING) };

  function tally(slot: string): Tally {
    const known = slots.get(slot) ?? { right: 0, predicted: 0, wanted: 0 };
    slots.set(slot, known);
    return known;
  }
  function mistake(wanted: string, predicted: string): void {
    const row = mistakes.get(wanted) ?? new Map<string, number>();
    mistakes.set(wanted, row.set(predicted, (row.get(predicted) ?? 0) + 1));
  }

  return {
    update(prediction, target) {
      const { length } = target.tags;
      if (prediction.tags.length !== length) {
        throw new RangeError(
          `conlleval: got ${prediction.tags.length} predicted tags and ${length} right ones; each word has one of each.`,
        );
      }
      together = countChunks(prediction.tags, target.tags, together, tally);
      eachMistake(chunksOf(prediction.tags), chunksOf(target.tags), mistake);
      const right = target.tags.filter((tag, k) => {
        const [a, b] = [partsOf(tag), partsOf(prediction.tags[k] as string)];
        return a.prefix === b.prefix && a.type === b.type;
      }).length;
      const intentRight = prediction.intent === target.intent;
      seen.utterances += 1;
      seen.tokens += length;
      seen.tokensRight += right;
      if (right === length) seen.tagsRight += 1;
      if (right === length && (intentRight || target.intent === undefined)) seen.framesRight += 1;
      if (target.intent !== undefined) {
        seen.intents += 1;
        if (intentRight) seen.intentsRight += 1;
      }
    },
    result() {
      const tallies = new Map(slots);
      const bare = slots.get('');
      if (together && bare) tallies.set('', { ...bare, right: bare.right + 1 });
      const all = { right: 0, predicted: 0, wanted: 0 };
      for (const { right, predicted, wanted } of tallies.values()) {
        all.right += right;
        all.predicted += predicted;
        all.wanted += wanted;
      }
      return {
        ...countsOf(all),
        utterances: seen.utterances,
        tokens: seen.tokens,
        tokenAccuracy: seen.tokensRight / seen.tokens,
        sentenceAccuracy: seen.tagsRight / seen.utterances,
        intentAccuracy: seen.intentsRight / seen.intents,
        frameAccuracy: seen.framesRight / seen.utterances,
        bySlot: [...tallies]
          .sort(([a], [b]) => compare(a, b))
          .map(([slot, counted]) => ({ slot, ...countsOf(counted) })),
        confusion: [...mistakes]
          .flatMap(([wanted, row]) => [...row].map(([predicted, count]) => ({ wanted, predicted, count })))
          .sort((a, b) => b.count - a.count || compare(a.wanted, b.wanted) || compare(a.predicted, b.predicted)),
      };
    },
    state: (): Counted => ({
      slots: Array.from(slots, ([slot, counts]) => [slot, { ...counts }]),
      mistakes: [...mistakes].flatMap(([wanted, row]) =>
        Array.from(row, ([predicted, count]) => [wanted, predicted, count] as const),
      ),
      together,
      seen: { ...seen },
    }),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Precision, recall and F1 of slots, overall and slot by slot, with accuracies and mistakes: a slot is right where its
 * name, its first word and its last are.
 *
 * Equation: `f1 = 2 right / (predicted + wanted)`.
 * Source: Tjong Kim Sang, conlleval.pl, version of 2004, whose counts these are for any tags (see {@link chunksOf}); van
 * Rijsbergen, Information retrieval (1979).
 *
 * A mistake in `confusion` is a slot that is not right, next to the predicted one that shares most words with it, and a
 * predicted slot that shares none with any.
 *
 * @returns a metric of utterances, named `slotF1`; each start counts from nothing.
 * @example
 * const counted = conlleval().start();
 * counted.update({ tags: ['O', 'B-toloc'] }, { tags: ['O', 'B-fromloc'] });
 * counted.result().confusion; // [{ wanted: 'fromloc', predicted: 'toloc', count: 1 }]
 */
export function conlleval(): SlotMetric {
  return described({ name: 'slotF1', better: 'higher', start: counting }, 'conlleval', []);
}

/**
 * The scores of all utterances at once; see {@link conlleval}.
 *
 * @param predictions what was said of each utterance.
 * @param targets what is right of each, in the same order.
 * @returns the scores of all of them.
 * @throws RangeError where there are not as many predictions as targets, or not as many tags in two of them.
 * @example
 * scoreSlots([{ tags: ['O', 'B-toloc'] }], [{ tags: ['O', 'B-toloc'] }]).f1; // 1
 */
export function scoreSlots(predictions: readonly Labelled[], targets: readonly Labelled[]): SlotScores {
  for (const given of [predictions, targets]) {
    const fits = Array.isArray(given) && given.every((each) => isListOf('string', each?.tags));
    requireKind('scoreSlots', fits, 'lists of { tags }', given, 'give one of each for an utterance');
  }
  if (predictions.length !== targets.length) {
    throw new RangeError(
      `scoreSlots: got ${predictions.length} predictions and ${targets.length} targets; each has one of the other.`,
    );
  }
  const { update, result } = counting();
  for (const [k, prediction] of predictions.entries()) update(prediction, targets[k] as Labelled);
  return result();
}
