/** An utterance: what was said, word by word, and what is known of it. */
export interface Utterance {
  /** By which a correction that comes later finds it. */
  readonly id?: string;
  readonly words: readonly string[];
  /** A tag for each word, as `B-toloc`, `I-toloc`, `O`. */
  readonly tags?: readonly string[];
  readonly intent?: string;
}
