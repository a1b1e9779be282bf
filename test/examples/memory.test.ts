import { readFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import { generator, type Padded, type Tensor, tensor } from 'oxbow';
import { describe, expect, it, test } from 'vitest';
import { parseOptions } from '../../examples/memory/options.js';
import { modelNames, recipe } from '../../examples/memory/recipe.js';
import { tableOf } from '../../examples/memory/report.js';
import { begin } from '../../examples/memory/saved.js';
import { tasks } from '../../examples/memory/tasks/index.js';
import { type Task, taskNames } from '../../examples/memory/tasks/task.js';
import { program, records } from './program.js';

const { run, interrupt, inFolder } = program('memory');

describe('the memory example', () => {
  test('shows who can remember, as a table and for machines', async () => {
    const args = ['--task', 'slots', 'adding-100', '--model', 'mlp', 'gru'];
    const ended = await run([...args, '--json']);
    expect(ended).toMatchObject({ code: 0, wrong: '' });
    const results = records(ended);
    expect(results.map(({ task, model, passed }) => [task, model, passed])).toEqual([
      ['slots', 'mlp', false],
      ['slots', 'gru', true],
      ['adding-100', 'mlp', false],
      ['adding-100', 'gru', true],
    ]);
    // Without memory both cities are the same, and the best that can be said of a sum is its mean.
    expect(results[0]?.figure).toBeLessThan(0.95);
    expect(results[2]?.figure).toBeGreaterThan(0.15);

    const slots = await run(['--task', 'slots', '--model', 'gru']);
    expect(slots.out).toContain('arrive Taipei on November 2nd → other destination other time time');
    expect(slots.out).toContain('leave Taipei on November 2nd → other departure other time time');
    expect(slots.out).toMatch(/\ntask +GRU\nslots +✓ [\d.]+ % \(\d+\)\n$/);
  });

  test('draws how gradients flow', async () => {
    const { code, out } = await run(['--flow', 'flow.svg']);
    expect(code).toBe(0);
    const svg = readFileSync(inFolder('flow.svg'), 'utf8');
    expect(svg.match(/<path /g)).toHaveLength(6);
    const factor = (name: string) =>
      Number(
        out
          .split('\n')
          .find((line) => line.startsWith(name))
          ?.match(/× ([\d.]+)/)?.[1],
      );
    expect(factor('linear RNN')).toBe(1.1);
    expect(factor('tanh RNN, γ ≤ 0.8')).toBeLessThan(0.8);
    expect(factor('LSTM, chrono')).toBeGreaterThan(0.97);
  });

  test('says in one line what is wrong', async () => {
    for (const [args, message] of [
      [['--task', 'adding'], /^memory: option '--task.*Allowed choices are slots, .*Try --help\.\n$/],
      [['--resume'], /^memory: --resume: say which run by --save FOLDER\.\n$/],
      [['--resume', '--save', 'none'], /^memory: --resume: none has no run yet; .*\n$/],
      [['--flow', 'none/flow.svg'], /^memory: --flow none\/flow.svg cannot be written: .*\n$/],
    ] as const) {
      const { code, out, err } = await run(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(message);
    }
  });

  test('Ctrl-C ends it with the table so far', async () => {
    const args = ['--task', 'slots', 'adding-400', '--model', 'gru', '--save', 'runs'];
    const { code, out, wrong } = await interrupt(args, 'adding-400: ');
    expect({ code, wrong }).toEqual({ code: 130, wrong: '' });
    expect(out).toMatch(/\ntask +GRU\nslots +✓ [\d.]+ % \(\d+\)\n$/);

    const goOn = ['--task', 'slots', '--model', 'mlp', 'gru', '--save', 'runs', '--resume'];
    const resumed = await run(goOn);
    expect(resumed).toMatchObject({ code: 0, wrong: '' });
    // What is through is not learnt again, and stays in the table.
    expect(resumed.out).not.toContain('✓ GRU');
    expect(resumed.out).toMatch(/\ntask +no memory +GRU\nslots +✗ .* ✓ [\d.]+ % \(\d+\)\n$/);

    expect(await run([...goOn, '--seed', '5'])).toMatchObject({
      code: 2,
      err: 'memory: --resume: the run in runs has --seed 1, not 5; leave --seed out.\n',
    });
    expect(await run(args)).toMatchObject({ code: 2, err: expect.stringContaining('--save runs has a run already;') });
  });
});

describe('its options', () => {
  it('have what was typed alone', () => {
    expect(parseOptions([])).toEqual(E.right({ saveEvery: 30 }));
  });

  it('without any, a new run is all tasks and all models', async () => {
    expect(await begin({ saveEvery: 30 })()).toEqual(
      E.right({ plan: { task: taskNames, model: modelNames, seed: recipe.seed }, results: [] }),
    );
  });

  it.each([
    [['--model', 'transformer'], /Allowed choices are mlp, rnn, lstm, gru, minGru, minLstm, griffin, gatedDeltaNet/],
    [['--seed', '-1'], /whole number of at least 0/],
    [['--threads', '0'], /whole number from 1 to 64/],
    [['slots'], /too many arguments/],
  ])('%j is refused', (args, message) => {
    expect(parseOptions(args)).toMatchObject(E.left({ message: expect.stringMatching(message) }));
  });
});

/** What would be said by somebody who knows all targets of the exam: a prediction that is right everywhere. */
function perfect({ window }: Task, seed: string): { input: Padded; target: Tensor } {
  const { input, target } = window(generator(1, seed));
  return { input, target };
}

describe('its tasks', () => {
  it.each(tasks.map((task) => [task.name, task] as const))('%s draws the same from the same seed', (_, task) => {
    expect(task.window(generator(1, 'a'))).toEqual(task.window(generator(1, 'a')));
    expect(task.window(generator(1, 'a'))).not.toEqual(task.window(generator(1, 'b')));
  });

  it('parity: each state is that before, turned by a one', () => {
    const { input, target } = perfect(tasks.find(({ name }) => name === 'parity') as Task, 'parity');
    const lanes = input.shape[1] as number;
    input.lengths.forEach((length, b) => {
      let odd = 0;
      for (let t = 0; t < length; t += 1) {
        odd = (odd + (input.data[t * lanes + b] as number)) % 2;
        expect(target.data[t * lanes + b]).toBe(odd);
      }
    });
  });

  it('reber: strings are of the grammar, and end as they began', () => {
    const { input } = perfect(tasks.find(({ name }) => name === 'reber') as Task, 'reber');
    const lanes = input.shape[1] as number;
    const strings = input.lengths.map((length, b) =>
      Array.from({ length }, (_, t) => 'BTPSXVE'[input.data[t * lanes + b] as number]).join(''),
    );
    const leads: Readonly<Record<string, string>> = {
      ...{ '0B': '1', '1T': '2', '1P': '3', '2S': '2', '2X': '4', '3T': '3', '3V': '5' },
      ...{ '4X': '3', '4S': '6', '5P': '4', '5V': '6', '6E': 'end' },
    };
    for (const string of strings) {
      expect(string).toMatch(/^B([TP])B[TPSXV]+E\1$/);
      expect([...string.slice(2, -1)].reduce((state, symbol) => leads[state + symbol] ?? 'nowhere', '0')).toBe('end');
    }
  });

  it('adding: two numbers are marked, and the target is their sum', () => {
    const { input, target } = perfect(tasks.find(({ name }) => name === 'adding-100') as Task, 'adding');
    const lanes = input.shape[1] as number;
    for (let b = 0; b < lanes; b += 1) {
      const steps = Array.from({ length: 100 }, (_, t) =>
        input.data.subarray(2 * (t * lanes + b), 2 * (t * lanes + b) + 2),
      );
      const marked = steps.map(([value, mark]) => (mark === 1 ? (value as number) : 0));
      expect(steps.filter(([, mark]) => mark === 1)).toHaveLength(2);
      expect(marked.reduce((sum, value) => sum + value, 0)).toBeCloseTo(target.data[b] as number, 6);
    }
  });

  it('copying: what was said among blanks is asked for in its order', () => {
    const { input, target } = perfect(tasks.find(({ name }) => name === 'copying') as Task, 'copying');
    const [steps = 0, lanes = 0] = input.shape;
    for (let b = 0; b < lanes; b += 1) {
      const said = Array.from({ length: steps }, (_, t) => input.data[t * lanes + b] as number);
      const asked = Array.from({ length: steps }, (_, t) => target.data[t * lanes + b] as number);
      expect(asked.filter((symbol) => symbol >= 0)).toEqual(said.filter((symbol) => symbol < 8));
      expect(asked.map((symbol) => symbol >= 0)).toEqual(said.map((symbol) => symbol === 9));
      expect(said.slice(-4)).toEqual([9, 9, 9, 9]);
    }
  });

  it('an exam is passed by who knows, and by nobody who says the same each time', () => {
    for (const task of tasks.filter(({ name }) => name.startsWith('adding'))) {
      const exam = task.exam(generator(1, 'exam'));
      const [steps = 0, lanes = 0] = exam.input.shape;
      const says = (value: (b: number) => number) =>
        tensor(
          [steps, lanes, 1],
          Float32Array.from({ length: steps * lanes }, (_, k) => value(k % lanes)),
        );
      const { data } = exam.input;
      const sum = (b: number) =>
        Array.from({ length: steps }, (_, t) => 2 * (t * lanes + b)).reduce(
          (total, at) => total + (data[at] as number) * (data[at + 1] as number),
          0,
        );
      const sums = Array.from({ length: lanes }, (_, b) => sum(b));
      expect(exam.grade(says((b) => sums[b] as number))).toEqual({ figure: expect.closeTo(0, 9), passed: true });
      const { figure, passed } = exam.grade(says(() => 1));
      expect(figure).toBeGreaterThan(0.14);
      expect(figure).toBeLessThan(0.2);
      expect(passed).toBe(false);
    }
  });
});

test('the table has a row for each task and a column for each model that took part', () => {
  const result = { task: 'parity', seed: 1, updates: 200, seconds: 1 } as const;
  const lines = tableOf([
    { ...result, model: 'mlp', figure: 0.5, passed: false },
    { ...result, model: 'lstm', figure: 1, passed: true },
  ]);
  expect(lines).toEqual(['task     no memory        LSTM', 'parity   ✗ 50.0 % (200)   ✓ 100.0 % (200)']);
});
