import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Ended, program, records } from './program.js';

const { run, inFolder } = program('gpt');
const sizes = ['--features', '16', '--heads', '2', '--blocks', '1', '--context', '8'];
const tiny = ['--file', 'verse.txt', '--steps', '30', ...sizes];
beforeEach(() => writeFileSync(inFolder('verse.txt'), 'The ship sails on the sea.\n'.repeat(40)));

describe('the gpt example', () => {
  it('learns, reports what it makes of unseen text, and speaks', async () => {
    const { code, out, err, wrong } = await run(tiny);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    expect(out).toMatch(/^1,080 characters, 14 symbols; the last 108 held out\n1 block of 16 features, 2 heads, /);
    expect(err).toMatch(/^step 30 of 30 · loss [\d.]+ nats · [\d,]+ characters\/s · 0 s left\nlearnt 30 windows in /);
    expect(Number(/held out: ([\d.]+) nats/.exec(out)?.[1])).toBeLessThan(Math.log(14));
    expect(out.split('bits per character\n')[1]).toHaveLength(502);
  });

  it('--json gives a line for the start, each hundred steps and the end', async () => {
    const told = records(await run([...tiny, '--steps', '150', '--json']));
    expect(told).toMatchObject([
      { characters: 1080, symbols: 14, heldOut: 108, features: 16, steps: 150 },
      { step: 100 },
      { step: 150 },
      { step: 150, heldOut: { loss: expect.any(Number) }, interrupted: false },
    ]);
    expect(told[3]?.said).toHaveLength(500);
  });

  it('speaks from a run that has learnt all its steps', async () => {
    const first = await run([...tiny, '--save', 'a']);
    const { out, err } = await run(['--resume', '--save', 'a']);
    expect(err).toContain('it has learnt from 30 windows already; give more --steps to go on\n');
    const end = (text: string) => text.slice(text.indexOf('held out: '));
    expect(end(out)).toBe(end(first.out));
    // A run of its own begins with these weights.
    const other = await run(['--file', 'verse.txt', '--load', 'a', '--steps', '1', '--lr', '1e-9']);
    const loss = ({ out }: Ended) => Number(/held out: ([\d.]+) nats/.exec(out)?.[1]);
    expect(loss(other)).toBeCloseTo(loss(first), 3);
  });

  it('tells in one line what does not go, and ends with code 2', async () => {
    writeFileSync(inFolder('short.txt'), 'The ship');
    writeFileSync(inFolder('other.txt'), 'ÆØÅ'.repeat(200));
    await run([...tiny, '--save', 'a']);
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [[...sizes, '--file', 'short.txt'], /the text has 8 symbols; give at least 90, or a smaller --context\./],
      [['--heads', '3'], /--features 128 cannot be cut into 3 heads; choose --features 129, or other --heads\./],
      [['--features', '20000'], /19,\d+,\d+,\d+ weights does not fit into memory.*fewer --features or --blocks\./],
      [['--steps', '0'], /--steps.*at least 1\. Try --help\./],
      [['--save', 'verse.txt'], /--save verse\.txt is no folder of a run/],
      [['--resume'], /--resume: say which run by --save FOLDER/],
      [['--load', 'none'], /--load: none cannot be read/],
      [['--load', 'verse.txt'], /--load: verse\.txt: /],
      [['--load', 'a', '--blocks', '2'], /--load: the model of a has --blocks 1, not 2; leave --blocks out\./],
      [
        ['--save', 'a', '--resume', '--seed', '7', '--lr', '1'],
        /--resume: the run in a has --lr 0\.001, not 1, and --seed 1337, not 7; leave --lr and --seed out\./,
      ],
      [['--save', 'a', '--resume', '--file', 'other.txt'], /the run in a learnt from another text \(.*verse\.txt\)/],
      [['--load', 'a', '--file', 'other.txt'], /the text has "Æ" \(U\+00c6\), which is not among .* 14 symbols/],
    ];
    // One after another: a run is one process's at a time.
    for (const [args, message] of cases) {
      const { code, out, err } = await run(['--file', 'verse.txt', ...args]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(message);
      expect(err).toMatch(/^gpt: .*\n$/);
    }
    const { code, err } = await run([...tiny, '--lr', '1e9']);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(/^gpt: window \d+ cannot be learnt from: trainer: .*Lower the learning rate.*\n$/),
    });
  });
});
