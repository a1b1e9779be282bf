/** Runs of the examples in real processes that are killed, and go on: they end with the numbers of a run without a break. */
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { someUtterances } from '../../examples/slot-filling/grammar/index.js';
import { writeDigits } from './digits.js';
import { type Ended, endings, filesOf, numbersOf, program, records } from './program.js';

const verse = 'The ship sails on the sea, and the sea sails on the ship.\n';
const text = ['--file', 'verse.txt'];
const tiny = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4'];

interface Run {
  readonly name: string;
  readonly args: readonly string[];
  /** The run's own folder in that of `--save`. */
  readonly at?: string;
  readonly input?: string;
  /** What is given again to go on, since no folder keeps it. */
  readonly again?: readonly string[];
  /** What is said of where it goes on, between the update and the date. */
  readonly where: RegExp;
}

const stdin = ['--stdin', ...tiny.slice(0, -2)];
const piped = { input: verse.repeat(400), again: ['--piped-again'] };
const sizes = ['--features', '16', '--heads', '2', '--blocks', '1', '--context', '8'];

const runs: readonly Run[] = [
  { name: 'char-rnn', args: [...text, ...tiny, '--epochs', '30'], where: /epoch \d+, \d+ % of training/ },
  {
    name: 'char-rnn',
    args: stdin,
    ...piped,
    where: /[\d,]+ characters, passing over the first [\d,]+ characters of .*/,
  },
  { name: 'gpt', args: [...text, ...sizes, '--steps', '2000'], where: /\d+ % of training/ },
  { name: 'memory', args: ['--task', 'slots', '--model', 'mlp'], at: '/slots-mlp', where: /slots by mlp/ },
  { name: 'lenet', args: ['--data', '.', '--epochs', '24'], where: /epoch \d+, \d+ % of training/ },
  { name: 'slots', args: ['--online', '--utterances', '260', '--units', '16'], where: /utterance \d+ of 260/ },
  { name: 'slots', args: ['--train', 'train', '--epochs', '4', '--units', '16'], where: /epoch \d of 4/ },
];

describe.each(runs)('$name $args', ({ name, args, at = '', input, again = [], where }) => {
  const { start, run, inFolder } = program(name);
  beforeEach(() => {
    writeFileSync(inFolder('verse.txt'), verse.repeat(40));
    writeDigits(inFolder, 'train', 200);
    writeDigits(inFolder, 't10k', 20);
    mkdirSync(inFolder('train'));
    const utterances = someUtterances('flights', 3, 200);
    const lines = (of: (one: (typeof utterances)[number]) => string) => `${utterances.map(of).join('\n')}\n`;
    writeFileSync(
      inFolder('train/seq.in'),
      lines(({ words }) => words.join(' ')),
    );
    writeFileSync(
      inFolder('train/seq.out'),
      lines(({ tags }) => tags.join(' ')),
    );
    writeFileSync(
      inFolder('train/label'),
      lines(({ intent = '' }) => intent),
    );
  });

  /** Ends it by a signal once it has kept something. */
  function killed(more: readonly string[], signal: NodeJS.Signals): Promise<Ended> {
    const { child, ended, err } = start([...more, '--save-every', '0.05']);
    child.stderr.on('data', () => {
      if (/^saved killed/m.test(err())) child.kill(signal);
    });
    child.stdin.end(input);
    return ended;
  }

  it('killed, then asked to end, goes on to the numbers of a run without a break', async () => {
    expect(await run([...args, '--save', 'whole'], input)).toMatchObject({ code: 0, wrong: '' });
    expect(await killed([...args, '--save', 'killed'], 'SIGKILL')).toMatchObject({ code: null });
    const goOn = ['--save', 'killed', '--resume', ...again];
    expect(await killed(goOn, 'SIGTERM')).toMatchObject({ code: endings.SIGTERM, wrong: '' });
    const last = await run(goOn, input);
    expect(last).toMatchObject({ code: 0, wrong: '' });
    expect(last.err).toMatch(
      new RegExp(`(^|\n)goes on after update [\\d,]+, ${where.source}, saved 20[\\d-]+T[\\d:.]+Z\n`),
    );
    expect(await numbersOf(inFolder(`killed${at}`))).toBe(await numbersOf(inFolder(`whole${at}`)));
  });
});

describe('a run in a folder', () => {
  const { start, run, inFolder } = program('char-rnn');
  beforeEach(() => writeFileSync(inFolder('verse.txt'), verse.repeat(40)));
  const steady = [...text, ...tiny, '--floor', '1', '--json'];

  it('of one epoch and one more is one of two, in what it says too', async () => {
    const whole = records(await run([...steady, '--epochs', '2', '--save', 'whole']));
    await run([...steady, '--epochs', '1', '--save', 'parts']);
    const parts = records(await run(['--save', 'parts', '--resume', '--epochs', '2', '--json']));
    const end = (all: typeof whole) => ({ ...all.at(-1), saved: undefined });
    expect(end(parts)).toEqual(end(whole));
    expect(parts[0]).toMatchObject({ goesOn: { step: expect.any(Number), saved: expect.any(String) } });
    expect(await numbersOf(inFolder('parts'))).toBe(await numbersOf(inFolder('whole')));
    expect(await run(['--save', 'parts', '--resume', '--units', '8', '--lr', '1'])).toMatchObject({
      code: 2,
      err: 'char-rnn: --resume: the run in parts has --units 16, not 8, and --lr 0.004, not 1; leave --units and --lr out.\n',
    });
  });

  it('whose newest file is damaged goes on from the one before', async () => {
    await run([...steady, '--epochs', '6', '--save', 'whole']);
    await run([...steady, '--epochs', '6', '--save', 'damaged', '--save-every', '0.001']);
    const [before = '', newest = ''] = filesOf(inFolder('damaged')).slice(-2);
    truncateSync(newest, readFileSync(newest).length - 5);
    appendFileSync(newest, 'wrong');
    const resumed = await run(['--save', 'damaged', '--resume']);
    const step = Number(/step-(\d+)/.exec(before)?.[1]);
    expect(resumed.err).toContain('OXBOW_CHECKPOINT_SKIPPED');
    expect(resumed.err).toContain(`goes on after update ${step.toLocaleString('en-US')},`);
    expect(await numbersOf(inFolder('damaged'))).toBe(await numbersOf(inFolder('whole')));
  });

  it('that another process has is left to that', async () => {
    const { child, ended, err } = start([...text, ...tiny, '--seconds', '600', '--save-every', '0.05', '--save', 'a']);
    await new Promise<void>((resolve) => child.stderr.on('data', () => err().includes('saved a') && resolve()));
    expect(await run(['--save', 'a', '--resume'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(new RegExp(`^char-rnn: --resume: .*process ${child.pid} .*\\n$`)),
    });
    // What it had learnt may be used meanwhile.
    expect(await run([...text, '--load', 'a', '--epochs', '1', '--save', 'b'])).toMatchObject({ code: 0, wrong: '' });
    child.kill('SIGKILL');
    await ended;
  });
});
