/** Utterances whose words come one by one. */
import { type Core, evaluate } from '../../layer.js';
import { type Numbers, type Tensor, tensor } from '../../tensor.js';
import type { ChainTable } from './chain-sums.js';
import type { TaggerInput, Words } from './encoding.js';
import type { Lexicon } from './lexicon.js';
import type { TaggerCarry, TaggerOutput } from './net.js';
import { growingPath } from './path.js';
import type { Tagging } from './tagging.js';

/** A word's tag as far as it is known by now. */
export interface ProvisionalTag {
  readonly position: number;
  readonly word: string;
  readonly tag: string;
  /** How probable the tag is, given the words so far. */
  readonly probability: number;
}

/** An utterance that is tagged while its words come. */
export interface OpenUtterance {
  /** The words so far. */
  readonly words: Words;
  /** A further word: the words whose tags change with it, in order, the new one last. */
  add(word: string): readonly ProvisionalTag[];
  /** The utterance as it is when nothing follows. While no weight changes this is what the model says of it at once. */
  end(): Tagging;
}

interface Model {
  readonly core: Core<TaggerCarry, TaggerInput, TaggerOutput>;
  readonly tags: Lexicon;
  encode(utterances: readonly Words[]): TaggerInput;
  decode(output: TaggerOutput, utterances: readonly Words[]): readonly Tagging[];
  table(count: number): ChainTable;
}

export function openUtterance({ core, tags, encode, decode, table }: Model): OpenUtterance {
  const words: string[] = [];
  let scores: Numbers[] = [];
  let path = growingPath();
  let carry = core.initial(1);
  let intents: Tensor | undefined;

  /** Tags of words before have been forgotten since. */
  function startOver(known: ChainTable): void {
    scores = scores.map((row) => row.slice(0, known.count) as Numbers);
    path = growingPath();
    for (const row of scores) path.add(row, known);
  }

  return {
    words,
    add(word) {
      const [output, after] = evaluate(core, carry, encode([[word]]));
      carry = after;
      intents = output.intents;
      const known = table(output.tags.data.length);
      if (scores.some(({ length }) => length > known.count)) startOver(known);
      words.push(word);
      scores.push(output.tags.data);
      return path.add(output.tags.data, known).map(({ position, tag, probability }) => ({
        position,
        word: words[position] as string,
        tag: tags.names[tag] as string,
        probability,
      }));
    },
    end() {
      if (words.length === 0) return decode(evaluate(core, carry, encode([[]]))[0], [[]])[0] as Tagging;
      // A tag that came since a word was read was impossible there.
      const count = Math.min(
        tags.size,
        scores.reduce((most, { length }) => Math.max(most, length), 0),
      );
      const data = new Float32Array(words.length * count).fill(Number.NEGATIVE_INFINITY);
      scores.forEach((row, step) => {
        data.set(row.subarray(0, count), step * count);
      });
      const output = { tags: tensor([words.length, 1, count], data), ...(intents && { intents }) };
      return decode(output, [words])[0] as Tagging;
    },
  };
}
