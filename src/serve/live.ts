/** What a live model is, for all that use one: the server, the command, a program of one's own. */
import type { Observable } from 'rxjs';
import type { Core } from '../layer.js';
import type { ProvisionalTag } from '../models/tagger/streaming.js';
import type { Tagger } from '../models/tagger/tagger.js';
import type { Tagging } from '../models/tagger/tagging.js';
import type { GenerationRequest, ModelMetrics, Requests } from '../protocol/types.js';
import type { Tokenizer } from '../streams/tokenizer/tokenizer.js';
import type { Vocabulary } from '../streams/vocabulary.js';
import type { Ids, Tensor } from '../tensor.js';

/** The figures of a live model: those of `metrics` messages that are its own. */
export type LiveMetrics = Omit<ModelMetrics, 'clients' | 'loopDelayMs'>;

/** What every live model has. */
export interface LiveBase {
  /** Updates so far, those of earlier processes too. */
  readonly step: number;
  /** That of the weights: how often they have been changed in this process. */
  readonly version: number;
  /** Numbers that it learns. */
  readonly parameters: number;
  /** Whether it learns from what it hears. Switched off, what waits stays, and what comes is refused; off for good once learning has failed. */
  learning: boolean;
  /** Of the updates from now on. */
  learningRate: number;
  /** Its figures now. */
  metrics(): LiveMetrics;
  /** Its figures after each update, and at least every second; several subscribers share one timer. */
  readonly metrics$: Observable<LiveMetrics>;
  /** Whether it learns from what clients say; one that a program trains learns from that alone. */
  readonly hears: boolean;
  /**
   * Has a checkpoint written now, where something is new.
   *
   * @returns resolves with whether what was learnt is on the disk: not where the model is kept in no folder, or has learnt nothing yet.
   */
  save(): Promise<boolean>;
  /**
   * Takes nothing more, ends what is under way, finishes the window that is being learnt, saves, and lets its folder go.
   *
   * @returns resolves with what was not learnt any more.
   */
  close(): Promise<Unlearnt>;
  /** Rejects when learning ends by an error, as when the loss is not finite; resolves at `close`. */
  readonly ended: Promise<void>;
}

/** What waited to be learnt from when a model was closed, and was not: the rest of its texts has to be pushed again. */
export interface Unlearnt {
  /** Characters, or corrections. */
  readonly waiting: number;
  /** Windows that they would have filled. */
  readonly windows: number;
}

/** Text that follows itself, from one connection, file or pipe. */
export interface TextSource {
  /**
   * Has a text learnt, all of it or nothing.
   *
   * @returns how many of its symbols the model knows.
   * @throws ServeError where learning is off, or there is no room: `overloaded`, with the time after which to try again.
   */
  push(text: string): number;
  /** Resolves as soon as there is room; for sources that can wait. */
  room(): Promise<void>;
  /** Resolves when all that was pushed has been learnt, but for its last symbol. */
  learnt(): Promise<void>;
  /** No more will come. */
  end(): void;
}

/** Symbols of a source that were learnt, with their surprise before that: scoring costs no second pass. */
export interface HeardSymbols {
  readonly source: TextSource;
  /** Symbols of the source before; the first symbol of a text that begins afresh has no surprise and is not among them. */
  readonly at: number;
  /** Whether the source had begun afresh before them, as after its place was another's. */
  readonly afresh: boolean;
  /** The symbols. */
  readonly text: string;
  /** Of each, in bits. */
  readonly bits: Float64Array;
}

/** An update. */
export interface LiveUpdate {
  readonly step: number;
  /** Mean over its symbols, in nats, by the weights before. */
  readonly loss: number;
  readonly symbols: number;
  readonly heard: readonly HeardSymbols[];
}

/** A symbol that was said. */
export interface SaidSymbol {
  /** Whole characters: '' for bytes of one that is not whole yet. */
  readonly text: string;
  /** That of the weights. */
  readonly version: number;
  /** In bits, where it was asked for. */
  readonly surprisal?: number;
  /** The most probable symbols in its place, where they were asked for. */
  readonly alternatives?: readonly AlternativeText[];
}

/** A symbol that was among the most probable, and its surprise in bits. */
export interface AlternativeText {
  readonly text: string;
  readonly surprisal: number;
}

/** How many of the most probable symbols an answer has for each place. */
export interface Alternatives {
  /** Default 0. */
  readonly alternatives?: number | undefined;
}

/** A text's surprise. */
export interface ScoredText {
  /** In bits, of each code point; null for one that the model passes over. */
  readonly bits: (number | null)[];
  /** The most probable symbols in the place of each, where they were asked for; null where nothing was predicted. */
  readonly alternatives?: readonly (readonly AlternativeText[] | null)[];
  readonly version: number;
}

/** One language model that learns from all that it hears while it answers, with the same weights. */
export interface LiveLanguageModel extends LiveBase {
  readonly task: 'language';
  readonly model: Core<unknown, Ids, Tensor>;
  readonly vocab: Vocabulary | Tokenizer;
  /** A place for text that is to be learnt from. */
  source(): TextSource;
  /** Each update. */
  readonly updates$: Observable<LiveUpdate>;
  /**
   * Generates symbols; those of several subscribers are one batch. Unsubscribing ends it at once, queued or not; a source that is
   * held (`holdSource`) waits. Complete at its length, or at a stop.
   */
  generate(request: GenerationRequest & Alternatives): Observable<SaidSymbol>;
  /** The surprise of each symbol of a text, given those before. */
  score(text: string, options?: Alternatives): Observable<ScoredText>;
}

/** An utterance whose words arrive. */
export interface LiveUtterance {
  /** A further word: those whose tags change with it. */
  add(word: string): readonly ProvisionalTag[];
  /** All of it, under an id by which a correction finds it. */
  end(): Tagging & { readonly id: string };
}

/** What was learnt of a correction. */
export interface LearntCorrection {
  readonly tags: readonly string[];
  readonly loss: number;
  readonly step: number;
  readonly version: number;
}

/** One tagger that learns from corrections while it tags. */
export interface LiveTagger extends LiveBase {
  readonly task: 'tagger';
  readonly model: Tagger;
  /** An utterance that is to be tagged as it arrives. */
  open(): LiveUtterance;
  /** Tags an utterance, and keeps it for corrections. */
  tag(words: readonly string[]): Tagging & { readonly id: string };
  /**
   * Learns a correction.
   *
   * @returns what was learnt. @throws ServeError (as a rejection) where nothing waits under the id, or it cannot be.
   */
  correct(
    correction: Pick<Requests['correct'], 'utterance' | 'tags' | 'corrections' | 'intent'>,
  ): Promise<LearntCorrection>;
}

/** A model that learns while it answers. */
export type LiveModel = LiveLanguageModel | LiveTagger;
