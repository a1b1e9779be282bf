/** The lecture's slot filling: the same city is a destination after "arrive" and a place of departure after "leave". */
import { crossEntropy, padded, type RandomGenerator } from 'oxbow';
import { drawMany, likeliest, oneOf, percent, type Task } from './task.js';

const labels = ['other', 'destination', 'departure', 'time'] as const;
type Label = (typeof labels)[number];

const cities = 'Taipei Beijing Shanghai Tokyo Paris London Berlin Madrid Rome Vienna'.split(' ');
const months = 'January March May July September November'.split(' ');
const days = '1st 2nd 3rd 7th 12th 20th 28th 31st'.split(' ');
const openings = ['', 'please', 'i would like to', 'we want to', 'can i'];
const words = [...cities, ...months, ...days, ...'arrive leave on and please i would like to we want can'.split(' ')];
const number = new Map(words.map((word, k) => [word, k]));

type Tagged = readonly (readonly [word: string, label: Label])[];

const others = (text: string): Tagged => (text === '' ? [] : text.split(' ').map((word) => [word, 'other'] as const));

function journey(random: RandomGenerator, verb: string): Tagged {
  const when: Tagged = [
    ['on', 'other'],
    [oneOf(random, months), 'time'],
    [oneOf(random, days), 'time'],
  ];
  const city = [oneOf(random, cities), verb === 'arrive' ? 'destination' : 'departure'] as const;
  return [[verb, 'other'], city, ...(random.below(3) > 0 ? when : [])];
}

/** "please leave Rome on May 3rd and arrive Paris": one verb or both, in either order. */
function sentence(random: RandomGenerator): Tagged {
  const verbs = oneOf(random, [['arrive'], ['leave'], ['arrive', 'leave'], ['leave', 'arrive']]);
  const journeys = verbs.flatMap((verb, k) => [...(k > 0 ? others('and') : []), ...journey(random, verb)]);
  return [...others(oneOf(random, openings)), ...journeys];
}

const idOf = (word: string) => number.get(word) as number;
const sequenceOf = (tagged: Tagged) => ({
  input: tagged.map(([word]) => idOf(word)),
  target: tagged.map(([, label]) => labels.indexOf(label)),
});

const lecture = ['arrive Taipei on November 2nd', 'leave Taipei on November 2nd'];

export const slots: Task = {
  name: 'slots',
  about: 'fill slots: "arrive Taipei on November 2nd" against "leave Taipei on November 2nd"',
  measure: 'words with the right slot (passes at 99.9 %)',
  input: { symbols: words.length },
  outputs: labels.length,
  loss: crossEntropy(),
  span: 12,
  updates: 800,
  units: 16,
  learningRates: {
    mlp: 1e-2,
    rnn: 1e-2,
    lstm: 1e-2,
    gru: 1e-2,
    minGru: 1e-2,
    minLstm: 1e-2,
    griffin: 1e-2,
    gatedDeltaNet: 1e-2,
  },
  window: (random) => padded(drawMany(32, () => sequenceOf(sentence(random)))),
  exam(random) {
    const sentences = drawMany(500, () => sequenceOf(sentence(random)));
    return {
      input: padded(sentences).input,
      grade(prediction) {
        const right = sentences.map(
          ({ target }, b) => target.filter((label, t) => likeliest(prediction, t, b) === label).length,
        );
        const asked = sentences.reduce((sum, { target }) => sum + target.length, 0);
        const figure = right.reduce((sum, count) => sum + count, 0) / asked;
        return { figure, passed: figure >= 0.999 };
      },
    };
  },
  show: percent,
  examples(predict) {
    return lecture.map((text) => {
      const input = text.split(' ').map(idOf);
      const prediction = predict(padded([{ input, target: input }]).input);
      return `${text} → ${input.map((_, t) => labels[likeliest(prediction, t, 0)]).join(' ')}`;
    });
  },
};
