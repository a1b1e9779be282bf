/** What a tagger says of an utterance. */

export interface TaggedWord {
  readonly word: string;
  readonly tag: string;
  /** How probable the tag is, given all of the window. */
  readonly probability: number;
}

export interface Tagging {
  readonly words: readonly TaggedWord[];
  readonly intent?: { readonly name: string; readonly probability: number };
}
