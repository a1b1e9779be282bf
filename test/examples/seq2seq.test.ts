import { readFileSync } from 'node:fs';
import { generator, ids } from 'oxbow';
import { describe, expect, it } from 'vitest';
import { draw, laneOf } from '../../examples/seq2seq/data.js';
import { program, records } from './program.js';

const { run, interrupt, inFolder } = program('seq2seq');

describe('the seq2seq example', () => {
  it('learns what it is asked to, counts what it gets right, and shows some of it', async () => {
    const { code, out, wrong } = await run(['--task', 'sort', '--steps', '3']);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    expect(out).toMatch(
      /sort: \d+ of 1,024 unseen sequences right to the last symbol \([\d.]+ %\)\n( {2}(\d ){4,}→ .*\n){3}$/,
    );
    expect(out).not.toContain('reverse');
  });

  it('learns both, and --json gives a line for the start, each hundred steps and the end', async () => {
    const told = records(await run(['--steps', '100', '--json']));
    expect(told).toMatchObject([
      { tasks: ['reverse', 'sort'], weights: expect.any(Number) },
      { task: 'reverse', step: 100, loss: expect.any(Number) },
      { task: 'reverse', step: 100, asked: 1024, interrupted: false },
      { task: 'sort', step: 100, loss: expect.any(Number) },
      { task: 'sort', step: 100, asked: 1024, interrupted: false },
    ]);
  });

  it('goes on from where Ctrl-C stopped it to the weights of a run that never stopped', async () => {
    const args = ['--task', 'sort', '--steps', '40', '--save'];
    const whole = await run([...args, 'whole']);
    const stopped = await interrupt([...args, 'half'], ' weights; ');
    expect(stopped).toMatchObject({ code: 130, wrong: '' });
    expect(stopped.err).toMatch(/(?:^|\n)sort: stopped after step \d+ of 40; .*\nsaved half\n$/);
    const resumed = await run(['--load', 'half', '--save', 'resumed']);
    expect(readFileSync(inFolder('resumed')).equals(readFileSync(inFolder('whole')))).toBe(true);
    const exam = (out: string) => out.slice(out.indexOf(' of 1,024') - 5);
    expect(exam(resumed.out)).toBe(exam(whole.out));
    const done = await run(['--load', 'whole']);
    expect(done.err).toContain('sort: it has learnt from 40 batches already; give more --steps to go on\n');
  });

  it('tells in one line what does not go, and ends with code 2', async () => {
    await interrupt(['--task', 'sort', '--save', 'a'], ' weights; ');
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [['--task', 'shuffle'], /Allowed choices are reverse, sort\. Try --help\./],
      [['--steps', 'many'], /--steps.*at least 1\. Try --help\./],
      [['--save', 'b'], /--save keeps one model: say which by --task reverse or --task sort\./],
      [['--task', 'sort', '--save', 'none/b'], /--save none\/b cannot be written/],
      [['--load', 'none'], /--load: none cannot be read/],
      [
        ['--load', 'a', '--task', 'reverse'],
        /--load a: it learnt to sort, not to reverse; leave --task out, or --load\./,
      ],
    ];
    await Promise.all(
      cases.map(async ([args, message]) => {
        const { code, out, err } = await run(args);
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toMatch(message);
        expect(err).toMatch(/^seq2seq: .*\n$/);
      }),
    );
  });
});

describe('its data', () => {
  it('are sequences, the same one step later behind a symbol that starts it, and their image with an end', () => {
    const { source, before, target } = draw(generator(1, 'data'), 'reverse');
    for (let lane = 0; lane < 64; lane += 1) {
      const read = laneOf(source, lane);
      expect(read.length).toBeGreaterThanOrEqual(4);
      expect(laneOf(target, lane)).toEqual(read.toReversed());
      const at = (t: number) => before.data[t * 64 + lane];
      expect([at(0), at(1)]).toEqual([10, read.at(-1)]);
      expect(target.data[read.length * 64 + lane]).toBe(11);
    }
  });

  it('end where a lane is filled up', () => {
    const window = ids([3, 2], Int32Array.of(1, 5, 10, 7, 10, 2));
    expect([laneOf(window, 0), laneOf(window, 1)]).toEqual([[1], [5, 7, 2]]);
  });
});
