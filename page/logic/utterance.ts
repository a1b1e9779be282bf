/** An utterance as it is typed: which of its words the server has, and the tags that have come. */

export interface TaggedWord {
  readonly word: string;
  /** Undefined until it has come. */
  readonly tag: string | undefined;
  readonly probability: number;
}

/** Words of a text. While it is being typed the last one counts only once a space follows it. */
export function wordsOf(text: string, isWhole: boolean): string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return isWhole || /\s$/.test(text) ? words : words.slice(0, -1);
}

/** What is to be sent so that a server that has `sent` has `words`: the rest, or `undefined` where it has to begin again. */
export function restOf(sent: readonly string[], words: readonly string[]): string[] | undefined {
  return sent.length <= words.length && sent.every((word, k) => word === words[k])
    ? words.slice(sent.length)
    : undefined;
}

/** Words with tags that are new or revised. */
export function retagged(
  words: readonly TaggedWord[],
  news: readonly {
    readonly position: number;
    readonly word: string;
    readonly tag: string;
    readonly probability: number;
  }[],
): TaggedWord[] {
  const all = [...words];
  for (const { position, ...word } of news) all[position] = word;
  return Array.from(all, (word) => word ?? { word: '', tag: undefined, probability: 0 });
}

/** A slot of a tag: `B-city` and `I-city` are of `city`, `O` of none. */
export const slotOf = (tag: string | undefined): string | undefined =>
  tag === undefined || tag === 'O' ? undefined : tag.replace(/^[BI]-/, '');

/** The slots of tags, each once. */
export const slotsOf = (tags: readonly string[]): string[] =>
  [...new Set(tags.map(slotOf).filter((slot) => slot !== undefined))].sort();

/** Words `start` to before `end`. */
export interface Selection {
  readonly start: number;
  readonly end: number;
}

/** A click on a word: next to what is selected it is added, on the first or last one taken away, elsewhere it is the selection. */
export function selected(before: Selection | undefined, at: number): Selection | undefined {
  if (before === undefined) return { start: at, end: at + 1 };
  const { start, end } = before;
  if (at === start - 1) return { start: at, end };
  if (at === end) return { start, end: at + 1 };
  if (at === start) return end - start === 1 ? undefined : { start: start + 1, end };
  if (at === end - 1) return { start, end: at };
  return { start: at, end: at + 1 };
}

/** Which of so many colours a slot has, wherever it appears. */
export function colourOf(slot: string, colours: number): number {
  let hash = 7;
  for (const symbol of slot) hash = (hash * 31 + (symbol.codePointAt(0) as number)) >>> 0;
  return hash % colours;
}

/** Words and the slot that they are said to be of; `O` is none. */
export interface Mark extends Selection {
  readonly slot: string;
}

/** Marks and a further one, which takes the place of those that it overlaps. */
export const marked = (marks: readonly Mark[], mark: Mark): Mark[] =>
  [...marks.filter(({ start, end }) => end <= mark.start || start >= mark.end), mark].sort((a, b) => a.start - b.start);
