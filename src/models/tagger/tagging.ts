/** A word with its tag. */
export interface TaggedWord {
  readonly word: string;
  readonly tag: string;
  /** How probable the tag is, given all of the window. */
  readonly probability: number;
}

/** What a tagger says of an utterance: a tag for each word, and the intent where the model has intents. */
export interface Tagging {
  readonly words: readonly TaggedWord[];
  readonly intent?: { readonly name: string; readonly probability: number };
}
