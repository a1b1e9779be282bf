import { concat, concatMap, defer, type OperatorFunction } from 'rxjs';
import { requireCount, shown } from '../../../checks.js';
import { checkedOptions } from '../../../options.js';
import type { OpenUtterance, ProvisionalTag } from '../streaming.js';
import type { Tagger } from '../tagger.js';
import type { Tagging } from '../tagging.js';

/** Says that the words before it are an utterance; one without words, where there are none. */
export interface EndOfUtterance {
  readonly endOfUtterance: true;
}

/**
 * The end of an utterance, as a value among words; any record like it is one.
 *
 * @example
 * from(['to', 'taipei', endOfUtterance]).pipe(tag(reader), slots()) // one utterance
 */
export const endOfUtterance: EndOfUtterance = Object.freeze({ endOfUtterance: true });

/** A word, the end of an utterance, or a whole utterance. */
export type Spoken = string | EndOfUtterance | readonly string[];

/** A word's tag as far as it is known by now. */
export interface WordTagged {
  /** Which utterance of the stream, from 0. */
  readonly utterance: number;
  /** Which word of the utterance, from 0. */
  readonly position: number;
  readonly word: string;
  readonly tag: string;
  /** How probable the tag is, given the words so far. */
  readonly probability: number;
  /** Whether the word had another tag before. */
  readonly revised: boolean;
  readonly final: false;
}

/** An utterance that has ended: what its words' tags are in the end. */
export interface UtteranceTagged extends Tagging {
  readonly utterance: number;
  /** Positions whose tag is another one than was last emitted. */
  readonly revised: readonly number[];
  readonly final: true;
}

/** The options of {@link tag}. */
export interface TagOptions {
  /** Words after which an utterance ends by itself, so that one without an end cannot fill the memory; default 10 000. */
  readonly longest?: number;
}

/**
 * Tags words as they come. After each word go out the words whose tag changes with it: earlier ones, whose tag is revised by
 * what was said since, and the word itself. At the end of an utterance its words go out together with their final tags,
 * and its intent. A stream's end ends an utterance that has words.
 *
 * A model that reads both ways needs the whole utterance: each word goes out once, at the end, before the utterance.
 *
 * The weights are read at each word, so a model that is learning meanwhile tags with what it has learnt by then.
 *
 * Carry: from word to word; an utterance starts from the zero carry. Each subscription has its own.
 *
 * Law: while no weight changes, the final tags are those of `model.tag`.
 *
 * @param model tags the words.
 * @param options after how many words an utterance ends by itself.
 * @returns an operator that gives tags as they come, and each utterance at its end.
 * @throws TypeError where an option is not known.
 * @throws RangeError where `longest` is not a whole number above 0.
 * @throws TypeError (as an error notification) at what is no word, utterance or end of one.
 * @example
 * words$.pipe(tag(reader)).subscribe((event) => event.final || console.log(event.word, event.tag, event.revised));
 * words$.pipe(tag(reader), slots()).subscribe(console.log); // { toloc: 'taipei', date: 'november 2nd' }
 */
export function tag(model: Tagger, options: TagOptions = {}): OperatorFunction<Spoken, WordTagged | UtteranceTagged> {
  const { longest = 10_000 } = checkedOptions('tag', options, { longest: true });
  requireCount('tag', 'longest', longest);
  return (source) =>
    defer(() => {
      const { take, flush } = tagging(model, longest);
      return concat(source.pipe(concatMap(take)), defer(flush));
    });
}

const isUtterance = (spoken: Spoken): spoken is readonly string[] => Array.isArray(spoken);

function isEnd(spoken: unknown): boolean {
  return typeof spoken === 'object' && spoken !== null && (spoken as EndOfUtterance).endOfUtterance === true;
}

type Event = WordTagged | UtteranceTagged;

function tagging(model: Tagger, longest: number) {
  let utterance = 0;
  let open = openOf(model);
  /** The last tag that was given for each word. */
  let given: string[] = [];

  const tell = (found: readonly ProvisionalTag[]): readonly Event[] =>
    found.map((provisional) => {
      const { position, tag: name } = provisional;
      const revised = given[position] !== undefined;
      given[position] = name;
      return { utterance, ...provisional, revised, final: false };
    });

  function end(): readonly Event[] {
    const ended = open.end();
    const late = model.streams ? [] : tell(ended.words.map((word, position) => ({ ...word, position })));
    const revised = ended.words.flatMap(({ tag: name }, position) => (given[position] === name ? [] : [position]));
    const last: Event = { utterance, ...ended, revised, final: true };
    utterance += 1;
    open = openOf(model);
    given = [];
    return [...late, last];
  }

  const flush = (): readonly Event[] => (open.words.length > 0 ? end() : []);

  function add(word: unknown): readonly Event[] {
    if (typeof word !== 'string') {
      throw new TypeError(
        `tag: takes words, lists of words and endOfUtterance, not ${shown(word)}; split texts into words first.`,
      );
    }
    const events = tell(open.add(word));
    return open.words.length < longest ? events : [...events, ...end()];
  }

  function take(spoken: Spoken): readonly Event[] {
    if (!isUtterance(spoken)) return isEnd(spoken) ? end() : add(spoken);
    const before = flush();
    const events = spoken.flatMap(add);
    // One that ended by itself with its last word is not ended twice.
    return [...before, ...events, ...(spoken.length === 0 ? end() : flush())];
  }

  return { take, flush };
}

/** Words of an utterance that is to be tagged as it grows, or once it is whole. */
function openOf(model: Tagger): OpenUtterance {
  if (model.streams) return model.open();
  const words: string[] = [];
  return {
    words,
    add(word) {
      words.push(word);
      return [];
    },
    end: () => model.tag([words])[0] as Tagging,
  };
}
