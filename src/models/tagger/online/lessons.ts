/** What a learning tagger takes, and what it answers. */

import { shown } from '../../../checks.js';
import type { BadWindow, BadWindowCounts } from '../../../streams/bad-windows.js';
import type { TrainerState } from '../../../training/trainer-state.js';
import type { SlotScores } from '../../metrics/conlleval.js';
import type { Grown } from '../growth.js';
import type { LexiconData } from '../lexicon.js';
import type { Tagger } from '../tagger.js';
import type { Tagging } from '../tagging.js';
import type { SlotCorrection } from './corrections.js';
import { type PendingState, pendingProblem } from './pending.js';
import type { Asked, Predicted } from './predict-tags.js';
import { type ReservoirState, reservoirProblem } from './reservoir.js';

/** An utterance with its tags. With the id of a prediction that waits, it is a correction of that. */
export interface Taught extends Asked {
  readonly tags: readonly string[];
  readonly intent?: string | undefined;
}

/** A correction of what was predicted under an id. What it does not mention was right. */
export interface Corrected {
  readonly id: string;
  /** All tags. */
  readonly tags?: readonly string[] | undefined;
  /** Single slots. */
  readonly corrections?: readonly SlotCorrection[] | undefined;
  readonly intent?: string | undefined;
}

/** An utterance to learn from, a correction, or an utterance that is only to be tagged. */
export type TagLesson = Taught | Corrected | Asked;

/** Where learning stands after a lesson. */
interface After {
  /** Updates so far, this lesson's included. */
  readonly step: number;
  /**
   * All that this run needs, besides the model, to go on: option `from` of `learnTags`. A copy, to be called before the next lesson's
   * outcome is there.
   *
   * @throws Error where it is.
   */
  snapshot(): LearnTagsSnapshot;
}

/** The utterance was learnt from. */
export interface LearnedTags extends After {
  readonly outcome: 'learned';
  readonly id: string | undefined;
  /** What was learnt. */
  readonly words: readonly string[];
  readonly tags: readonly string[];
  readonly intent: string | undefined;
  /** What the model said before it learnt it. */
  readonly prediction: Tagging;
  /** What the model did not know before. */
  readonly grown: Grown;
  /** Utterances from the reservoir that were learnt with it. */
  readonly replayed: number;
  /** The loss of the weights as they were before this update, over the utterance and what was replayed. */
  readonly loss: number;
  /** Global norm of the gradient, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Lessons that could not be learnt so far, and were left out. */
  readonly bad: BadWindowCounts;
  /** How good the predictions before learning were, over all utterances so far. */
  scores(): SlotScores;
  /**
   * What goes on from here, a copy. Call it while the outcome is being handled: once the next lesson has begun it is gone.
   *
   * @throws Error where the next lesson has begun.
   */
  state(): LearnTagsState;
}

/** The utterance came without tags: it was tagged, and waits for its correction. */
export interface PredictedTags extends Predicted, After {
  readonly outcome: 'predicted';
}

/**
 * Nothing was learnt: there is nothing under the id (any more), what came is impossible, or its loss or gradient was not finite, by which
 * the model may have gone back to an earlier state (`rolledBack`).
 */
export interface RefusedTags extends After {
  readonly outcome: 'unknown' | 'expired' | 'rejected' | BadWindow['done'];
  readonly id: string | undefined;
  readonly message: string;
}

/** What became of a lesson; `outcome` says which it is. */
export type TagOutcome = LearnedTags | PredictedTags | RefusedTags;

/** What learning needs beyond the model in order to go on as if it had never stopped. Without tensors it is plain JSON. */
export interface LearnTagsState {
  readonly trainer: TrainerState;
  readonly replay?: ReservoirState<Taught> | undefined;
  readonly pending?: PendingState | undefined;
}

/** All that a run of `learnTags` needs, beyond the model, to go on as if it had never stopped; as {@link LearnTagsState}, and more. */
export interface LearnTagsSnapshot extends LearnTagsState {
  /** What was counted of predictions, where the metric says it. */
  readonly scores?: unknown;
  /** A lesson for which the model had grown already, though its update was not done: it is expected next. */
  readonly begun?: BegunLesson | undefined;
}

/** What has been done of a lesson before its update. */
export interface BegunLesson {
  readonly taught: Taught;
  readonly prediction: Tagging;
  readonly grown: Grown;
}

/** Whether it is that lesson that comes again. */
export const isLesson = ({ taught }: BegunLesson, { id, words, tags, intent }: Taught): boolean =>
  taught.id === id && taught.intent === intent && sameWords(taught.words, words) && sameWords(taught.tags, tags);

export function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, k) => word === b[k]);
}

/** Names that a model knows: what was taught of others cannot be learnt again. */
export interface KnownNames {
  readonly tags: ReadonlySet<string>;
  readonly intents: ReadonlySet<string> | undefined;
}

/** The names of lexicons, which may be those of a file, to be looked up. */
export const namesKnown = (tags: Names, intents: Names | null | undefined): KnownNames => ({
  tags: new Set(tags.names),
  intents: intents ? new Set(intents.names) : undefined,
});

type Names = Pick<LexiconData, 'names'>;

/** What is wrong with what should be an utterance that was taught to a model of these names, if anything. */
function taughtProblem(taught: unknown, known: KnownNames): string | undefined {
  const { id, words, tags, intent } = (taught ?? {}) as Partial<Taught>;
  const isTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (!isTexts(words) || !isTexts(tags) || words?.length === 0 || words?.length !== tags?.length) {
    return 'is not words with a tag each';
  }
  for (const [what, name] of Object.entries({ id, intent })) {
    if (name !== undefined && typeof name !== 'string') return `has an ${what} that is no text, ${shown(name)}`;
  }
  const strange = tags?.find((tag) => !known.tags.has(tag));
  if (strange !== undefined) return `has the tag ${shown(strange)}, which the model has not`;
  if (intent === undefined || known.intents === undefined || known.intents.has(intent)) return undefined;
  return `has the intent ${shown(intent)}, which the model has not`;
}

/** What is wrong with what should be kept of lessons to a model of these names, if anything. */
export function keptProblem(
  { replay, pending, begun }: Omit<LearnTagsSnapshot, 'trainer'>,
  known: KnownNames,
): string | undefined {
  const started =
    begun && (taughtProblem(begun.taught, known) ?? (begun.prediction && begun.grown ? undefined : 'is none'));
  if (started !== undefined) return `the lesson that had begun ${started}`;
  const problem = replay === undefined ? undefined : reservoirProblem(replay, (item) => taughtProblem(item, known));
  if (problem !== undefined) return `of what is replayed, ${problem}`;
  const waiting = pending === undefined ? undefined : pendingProblem(pending);
  return waiting === undefined ? undefined : `of what is pending, ${waiting}`;
}

/** @throws TypeError where a state is not what `state()` gave of this model. */
export function checkLearnTagsState({ tags, intents }: Pick<Tagger, 'tags' | 'intents'>, state: LearnTagsState): void {
  const problem =
    typeof state === 'object' && state !== null && typeof state.trainer === 'object' && state.trainer !== null
      ? keptProblem(state, namesKnown(tags, intents))
      : 'there is no trainer';
  if (problem === undefined) return;
  throw new TypeError(
    `learnTags: of the state, ${problem}; give what state() or restoreTagger gave, or leave it out to start afresh.`,
  );
}

/** Pieces of at most so many words, cut before a word that does not go on with a slot; the intent is the first one's. */
export function cutUtterance(taught: Taught, longest: number): readonly Taught[] {
  const { words, tags, intent } = taught;
  const pieces: Taught[] = [];
  for (let start = 0; start < words.length; ) {
    let end = Math.min(words.length, start + longest);
    const goesOn = (at: number) => at < words.length && (tags[at] as string).startsWith('I-');
    while (end > start + 1 && goesOn(end)) end -= 1;
    // A slot that is longer than a piece is cut all the same.
    if (goesOn(end)) end = Math.min(words.length, start + longest);
    const first = start === 0 && intent !== undefined ? { intent } : {};
    pieces.push({ words: words.slice(start, end), tags: tags.slice(start, end), ...first });
    start = end;
  }
  return pieces;
}
