/** What a run of the example says of itself, and what it needs to go on. */
import type { FitTaggerSnapshot, LearnTagsSnapshot, SlotScores, Tagger, TaggerEpoch } from 'oxbow';
import type { About, Kept } from '../shared/run.js';
import type { SlotsRecipe } from './options.js';

/** How far a pass over utterances is: what was counted, as plain data. */
export interface PassState {
  readonly utterances: number;
  readonly all: unknown;
  readonly block: unknown;
  readonly blocks: readonly number[];
  /** Of the words that had a tag as they came: how many, and how many had another one in the end. */
  readonly spoken: readonly [words: number, wrong: number];
}

export type KeptEpoch = Pick<TaggerEpoch, 'epoch' | 'loss' | 'best' | 'seconds'> & { readonly validation: SlotScores };

export interface SlotsAbout extends About {
  readonly task: 'tagger';
  readonly recipe: SlotsRecipe;
  /** Of learning. */
  readonly seconds: number;
  /** Where utterances are learnt from one by one: how many of the source were read, and how it went. */
  readonly read?: number;
  readonly pass?: PassState;
  /** Where a folder is learnt from several times: the last epoch, and the best. */
  readonly epochs?: { readonly last?: KeptEpoch; readonly best?: KeptEpoch };
}

export const EXAMPLE = 'slots';

export type KeptSlots = Kept<Tagger, SlotsAbout, LearnTagsSnapshot & FitTaggerSnapshot>;

/** A tagger, and where its learning stands: what it needs in order to go on. */
export interface Learner {
  readonly model: Tagger;
  /** Undefined where nothing was learnt one by one. */
  readonly state: LearnTagsSnapshot | undefined;
}
