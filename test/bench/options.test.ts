import * as E from 'fp-ts/lib/Either.js';
import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.js';

const known = [
  { id: 'W1', title: 'one' },
  { id: 'W3', title: 'three' },
  { id: 'W5', title: 'five' },
];
const parse = (...args: readonly string[]) => parseOptions(args, known);

test('all workloads, without peers, where nothing is asked for', () => {
  expect(parse()).toEqual(
    E.right({
      workloads: ['W1', 'W3', 'W5'],
      tables: [],
      json: false,
      peers: false,
      allSettings: false,
      repetitions: 7,
      seconds: 0.4,
    }),
  );
});

test('workloads by name, in their own order, with what goes with them', () => {
  const options = parse('W5', 'W3', '--json', '--threads', '2', '--tier', 'wide', '--repetitions', '3');
  expect(options).toMatchObject(
    E.right({ workloads: ['W3', 'W5'], json: true, threads: 2, tier: 'wide', repetitions: 3 }),
  );
});

test.each<readonly [args: readonly string[], measured: object]>([
  [['scaling'], { workloads: [], tables: ['scaling'] }],
  [['W1', 'scaling', '--peers'], { workloads: ['W1'], tables: ['scaling'], peers: true }],
  [['keyed'], { workloads: [], tables: ['keyed'] }],
  [['recurrences', 'kit'], { workloads: [], tables: ['kit', 'recurrences'] }],
])('tables are measured when they are named, alone or with workloads: %j', (args, measured) => {
  expect(parse(...args)).toMatchObject(E.right(measured));
});

test('all settings of the peers are peers', () => {
  expect(parse('--all-settings')).toMatchObject(E.right({ peers: true, allSettings: true }));
});

test.each<readonly [args: readonly string[], message: RegExp]>([
  [['W2'], /no workload W2; there are W1, W3, W5, scaling, kit, keyed, recurrences/],
  [['w1'], /no workload w1/],
  [['--peer'], /unknown option '--peer'.*--help/],
  [['--threads', '0'], /--threads.*whole number above 0/],
  [['--threads', ''], /--threads.*whole number above 0/],
  [['--repetitions', '2.5'], /--repetitions.*whole number above 0/],
  [['--seconds', 'Infinity'], /--seconds.*seconds above 0/],
  [['--tier', 'narrow'], /--tier.*Allowed choices are wide, fma, simd/],
  [['keyed', '--peers'], /keyed is measured without peers/],
  [['recurrences', '--peers'], /recurrences is measured without peers/],
  [['scaling', '--peers'], /scaling is measured without peers/],
])('%j is refused', (args, message) => {
  const options = parse(...args);
  expect(E.isLeft(options) && options.left).toMatch(message);
});
