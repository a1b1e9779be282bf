/** Utterances without end, the same for the same seed. */
import { generator, type TaggedUtterance } from 'oxbow';
import { dining } from './dining.js';
import { type Domain, expand, oneOf, type Said } from './expand.js';
import { flights } from './flights.js';

export const domains = { flights, dining } satisfies Record<string, Domain>;

export type DomainName = keyof typeof domains;
export const domainNames = Object.keys(domains) as readonly DomainName[];

const fillers = ['uh', 'um', 'well', 'er'];
const closings = ['please', 'thanks', 'then'];

/** Something before a word that begins or is outside: nobody says "New uh York". */
function withFiller({ words, tags }: Said, filler: string, from: number): Said {
  const place = tags.findIndex((tag, k) => k >= from && !tag.startsWith('I-'));
  const at = place < 0 ? tags.length : place;
  return { words: words.toSpliced(at, 0, filler), tags: tags.toSpliced(at, 0, 'O') };
}

/** An utterance of the grammar, by its number. */
export interface GrammarUtterance extends TaggedUtterance {
  readonly id: string;
  readonly intent: string;
}

/**
 * What people ask for, utterance after utterance. One in four is in small letters, some hesitate, and some are polite.
 */
export function* utterances(name: DomainName, seed: number): Generator<GrammarUtterance, never, void> {
  const random = generator(seed, `utterances ${name}`);
  const domain: Domain = domains[name];
  const intents = Object.entries(domain.intents).flatMap(([intent, texts]) => texts.map((text) => ({ intent, text })));
  for (let number = 1; ; number += 1) {
    const { intent, text } = oneOf(random, intents);
    let said = expand(random, domain, text);
    if (random.below(10) === 0) said = withFiller(said, oneOf(random, fillers), random.below(said.words.length));
    if (random.below(10) === 0) said = withFiller(said, oneOf(random, closings), said.words.length);
    const words = random.below(4) === 0 ? said.words.map((word) => word.toLowerCase()) : said.words;
    yield { id: `${name}-${number}`, words, tags: said.tags, intent };
  }
}

/** So many, each made when it is asked for. */
export interface Stream extends Iterable<TaggedUtterance> {
  readonly length: number;
}

export const streamOf = (name: DomainName, seed: number, length: number): Stream => ({
  length,
  *[Symbol.iterator]() {
    const source = utterances(name, seed);
    for (let k = 0; k < length; k += 1) yield source.next().value;
  },
});

/** The first so many. */
export function someUtterances(name: DomainName, seed: number, count: number): readonly TaggedUtterance[] {
  return [...streamOf(name, seed, count)];
}
