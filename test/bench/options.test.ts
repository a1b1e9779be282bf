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
      scaling: false,
      kit: false,
      keyed: false,
      recurrences: false,
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

test('scaling is measured when it is named, alone or with workloads', () => {
  expect(parse('scaling')).toMatchObject(E.right({ workloads: [], scaling: true }));
  expect(parse('W1', 'scaling', '--peers')).toMatchObject(E.right({ workloads: ['W1'], scaling: true, peers: true }));
});

test('keyed streams are measured when they are named', () => {
  expect(parse('keyed')).toMatchObject(E.right({ workloads: [], scaling: false, keyed: true }));
});

test('recurrences are measured when they are named', () => {
  expect(parse('recurrences')).toMatchObject(E.right({ workloads: [], keyed: false, recurrences: true }));
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
