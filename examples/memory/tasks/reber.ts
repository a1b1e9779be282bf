/**
 * The embedded Reber grammar (Reber, 1967; Hochreiter and Schmidhuber, 1997): B, then T or P, then a string of Reber's own
 * grammar, then the same one of T and P again, then E. What stands last but one must be remembered through the whole
 * string between.
 */
import { crossEntropy, padded, type RandomGenerator } from 'oxbow';
import { drawMany, likeliest, oneOf, percent, type Task, type TaskName } from './task.js';

const symbols = ['B', 'T', 'P', 'S', 'X', 'V', 'E'] as const;
type Symbol = (typeof symbols)[number];

/** What may follow, and where that leads; the loops are those of S and of T. */
const grammar: readonly (readonly (readonly [symbol: Symbol, next: number])[])[] = [
  [['B', 1]],
  [
    ['T', 2],
    ['P', 3],
  ],
  [
    ['S', 2],
    ['X', 4],
  ],
  [
    ['T', 3],
    ['V', 5],
  ],
  [
    ['X', 3],
    ['S', 6],
  ],
  [
    ['P', 4],
    ['V', 6],
  ],
  [['E', 7]],
];
const end = 7;

interface Text {
  readonly input: readonly number[];
  readonly target: readonly number[];
  /** What may follow at each step. */
  readonly legal: readonly (readonly number[])[];
}

const idOf = (symbol: Symbol) => symbols.indexOf(symbol);

function text(random: RandomGenerator, loops: number): Text {
  const mark = oneOf(random, ['T', 'P'] as const);
  const string: Symbol[] = ['B', mark];
  const legal: Symbol[][] = [['T', 'P'], ['B']];
  for (let state = 0; state !== end; ) {
    const moves = grammar[state] as (typeof grammar)[number];
    const loop = moves.find(([, next]) => next === state);
    const stays = loop !== undefined && random.uniform() < loops;
    const [symbol, next] = stays
      ? loop
      : oneOf(random, loop === undefined ? moves : moves.filter((move) => move !== loop));
    string.push(symbol);
    legal.push(next === end ? [mark] : (grammar[next] as typeof moves).map(([following]) => following));
    state = next;
  }
  string.push(mark, 'E');
  legal.push(['E']);
  const ids = string.map(idOf);
  return { input: ids.slice(0, -1), target: ids.slice(1), legal: legal.map((following) => following.map(idOf)) };
}

const marks = [idOf('T'), idOf('P')];

function reber(name: TaskName, loops: number, about: string, rest: Pick<Task, 'span' | 'updates'>): Task {
  return {
    ...rest,
    name,
    about: `embedded Reber grammar, ${about}`,
    measure: 'strings told right from first to last (passes at 99 %)',
    input: { symbols: symbols.length },
    outputs: symbols.length,
    loss: crossEntropy(),
    units: 32,
    learningRates: {
      mlp: 1e-2,
      rnn: 5e-3,
      lstm: 1e-2,
      gru: 5e-3,
      minGru: 1e-2,
      minLstm: 1e-2,
      griffin: 5e-3,
      gatedDeltaNet: 1e-2,
    },
    window: (random) => padded(drawMany(32, () => text(random, loops))),
    exam(random) {
      const texts = drawMany(500, () => text(random, loops));
      return {
        input: padded(texts).input,
        grade(prediction) {
          const right = texts.filter(({ target, legal }, b) =>
            legal.every((following, t) =>
              t === target.length - 2
                ? likeliest(prediction, t, b, marks) === target[t]
                : following.includes(likeliest(prediction, t, b)),
            ),
          );
          const figure = right.length / texts.length;
          return { figure, passed: figure >= 0.99 };
        },
      };
    },
    show: percent,
  };
}

export const reberShort = reber('reber', 0.5, 'loops taken every other time', { span: 20, updates: 2000 });
export const reberLong = reber('reber-long', 29 / 30, 'loops taken 29 times of 30', { span: 150, updates: 2000 });
