/** From rules to words with tags. */
import type { RandomGenerator } from 'oxbow';

/** Draws one of the many ways to say something. */
export type Draw = (random: RandomGenerator) => string;

/**
 * What can be said. In a text `(a|b)` is one of both, which may be empty, `<rule>` one of that rule's texts, and `{slot}` a
 * value of that slot.
 */
export interface Domain {
  /** Texts by intent. */
  readonly intents: Readonly<Record<string, readonly string[]>>;
  readonly rules: Readonly<Record<string, readonly string[]>>;
  readonly values: Readonly<Record<string, Draw>>;
}

export interface Said {
  readonly words: readonly string[];
  readonly tags: readonly string[];
}

export const oneOf = <T>(random: RandomGenerator, values: readonly T[]): T => values[random.below(values.length)] as T;

/** One of them, the first ones more often: a few names are in everybody's mouth, most are rare. */
export const skewed = <T>(random: RandomGenerator, values: readonly T[]): T =>
  values[Math.floor(values.length * random.uniform() ** 2)] as T;

function entry<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) throw new RangeError(`the grammar has no ${name}; it has ${Object.keys(table).join(', ')}.`);
  return found;
}

/** A text with every choice made: words, and slots still to be filled. */
function choose(random: RandomGenerator, domain: Domain, text: string): string {
  let chosen = text;
  while (chosen.includes('<')) {
    chosen = chosen.replace(/<(\w+)>/, (_, name: string) => oneOf(random, entry(domain.rules, name)));
  }
  // From the innermost outwards.
  while (chosen.includes('(')) {
    chosen = chosen.replace(/\(([^()]*)\)/, (_, choices: string) => oneOf(random, choices.split('|')));
  }
  return chosen;
}

const wordsOf = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** Something that can be said, word by word. @throws RangeError where the grammar lacks a rule or a slot's values. */
export function expand(random: RandomGenerator, domain: Domain, text: string): Said {
  const words: string[] = [];
  const tags: string[] = [];
  for (const part of wordsOf(choose(random, domain, text))) {
    const slot = /^\{(\w+)\}$/.exec(part)?.[1];
    const value = slot === undefined ? [part] : wordsOf(entry(domain.values, slot)(random));
    words.push(...value);
    tags.push(...value.map((_, k) => (slot === undefined ? 'O' : `${k === 0 ? 'B' : 'I'}-${slot}`)));
  }
  return { words, tags };
}
