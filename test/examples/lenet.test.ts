import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { writeDigits as writeAt } from './digits.js';
import { program, records } from './program.js';

const { run, inFolder } = program('lenet');

const writeDigits = (name: string, count: number) => writeAt(inFolder, name, count);

describe('the LeNet example', () => {
  test('learns digits, reports each epoch and what is taken for what', async () => {
    writeDigits('train', 200);
    writeDigits('t10k', 50);
    const { code, out, wrong } = await run(['--data', '.', '--recipe', 'better', '--epochs', '10']);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    expect(out).toMatch(/^200 digits, [\d,]+ weights; \d threads?, tier \w+\n/);
    expect(
      out.match(/^epoch \d+: loss [\d.]+, training accuracy [\d.]+, test accuracy [\d.]+, [\d.]+ s of training$/gm),
    ).toHaveLength(10);
    expect(out).toContain('    9     ·    ·    ·    ·    ·    ·    ·    ·    ·    5\n');
    expect(out).toMatch(
      /\ntraining accuracy 1\.0000, test accuracy 1\.0000 \(0 of 50 wrong\) after [\d.]+ s of training\n$/,
    );
  });

  test('--json gives a line for the start, each epoch and the end, the same for the same seed', async () => {
    writeDigits('train', 130);
    writeDigits('t10k', 20);
    const lines = async (...more: string[]) =>
      records(await run(['--data', '.', '--recipe', 'lecture', '--epochs', '2', '--json', ...more]));
    const told = await lines('--threads', '1');
    expect(told).toHaveLength(4);
    const [start = {}, first = {}, second = {}, end = {}] = told;
    expect(start).toMatchObject({ recipe: 'lecture', digits: 130, weights: 44_426, epochs: 2 });
    expect([first.epoch, second.epoch]).toEqual([1, 2]);
    expect([end.trainingAccuracy, end.testAccuracy]).toEqual([second.trainingAccuracy, second.testAccuracy]);
    // Whole digits of those that were learnt from.
    expect(130 * (end.trainingAccuracy as number)).toBeCloseTo(Math.round(130 * (end.trainingAccuracy as number)), 9);
    expect((end.confusion as number[][]).flat().reduce((a, b) => a + b)).toBe(20);
    const again = await lines('--threads', '2');
    expect(again.map(({ loss }) => loss)).toEqual([undefined, first.loss, second.loss, undefined]);
  });

  test('--help is code 0; what the user can put right is code 2 and one line', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--recipe <name>') });
    for (const [args, message] of [
      [['--recipe', 'none'], /^lenet: .*'none' is invalid\. Allowed choices are lecture, better\. Try --help\.\n$/],
      [['--epochs', '0'], /^lenet: .*must be a whole number of at least 1\. Try --help\.\n$/],
      [
        ['--data', '.'],
        /^lenet: MNIST cannot be read: .*Run npm ci, or give a folder with the four files by --data\.\n$/,
      ],
    ] as const) {
      const { code, out, err } = await run(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(message);
    }
    writeDigits('train', 20);
    writeDigits('t10k', 20);
    writeFileSync(inFolder('t10k-labels-idx1-ubyte'), 'none of it');
    expect((await run(['--data', '.'])).err).toContain('is no IDX file of labels, or not whole');
  });
});
