/** A small tagger that knows nothing yet, and utterances whose slots only their context tells apart. */
import { generator, parametersOf, type Tagger, type TaggerOptions, type Taught, tagger } from 'oxbow';
import { bytesOf } from '../../../training/training-run.js';

export const empty = (options: Partial<TaggerOptions> = {}): Tagger =>
  tagger({
    words: [],
    tags: ['O'],
    intents: ['none'],
    features: 12,
    units: 10,
    characters: { features: 4, maps: 5 },
    bidirectional: false,
    seed: 3,
    ...options,
  });

const cities = ['Taipei', 'Osaka', 'New York', 'Paris', 'Rome', 'San José'];
const days = ['monday', 'november 2nd', 'the third of may'];

/** Utterances without end, the same for the same seed. */
export function journeys(count: number, seed = 1): readonly (Taught & { readonly intent: string })[] {
  const random = generator(seed, 'journeys');
  const one = (list: readonly string[]) => list[random.below(list.length)] as string;
  return Array.from({ length: count }, () => {
    const words: string[] = [];
    const tags: string[] = [];
    const say = (text: string, slot?: string) => {
      text.split(' ').forEach((word, k) => {
        words.push(word);
        tags.push(slot === undefined ? 'O' : `${k === 0 ? 'B' : 'I'}-${slot}`);
      });
    };
    const leaves = random.below(2) === 0;
    say(leaves ? 'leave' : 'arrive');
    say(one(cities), leaves ? 'fromloc' : 'toloc');
    if (random.below(2) === 0) {
      say('on');
      say(one(days), 'date');
    }
    return { words, tags, intent: leaves ? 'leaving' : 'arriving' };
  });
}

/** Every bit of a model's weights, and its names. */
export const bitsOf = (model: Tagger) => ({
  weights: parametersOf(model.params).map(([path, { shape, data }]) => [path, shape, bytesOf(data)]),
  names: JSON.parse(JSON.stringify([model.words, model.tags, model.intents])),
});

export const tagsOf = ({ words }: { readonly words: readonly { readonly tag: string }[] }): readonly string[] =>
  words.map(({ tag }) => tag);
