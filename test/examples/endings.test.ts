/** Whatever ends an example before its time, what it has learnt is saved, and the exit code says what it was. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import { loadCheckpointEither } from 'oxbow';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeDigits } from './digits.js';
import { type Ending, endings, filesOf, program } from './program.js';

const verse = ['--file', 'verse.txt'];
const small = ['--features', '16', '--heads', '2', '--blocks', '1', '--context', '8'];

/** A run that would take for ever, and what it shows once there is something to lose. */
const runs: readonly (readonly [name: string, args: readonly string[], shown: string, by: readonly Ending[]])[] = [
  ['gpt', [...verse, ...small, '--steps', '1000000', '--json'], '"step":100,', ['SIGTERM', 'closed pipe']],
  ['seq2seq', ['--task', 'sort', '--steps', '1000000', '--json'], '"weights"', ['SIGHUP']],
  ['seq2seq', ['--task', 'sort', '--steps', '10'], ' weights; ', ['closed pipe']],
  ['alice', [...verse, '--iterations', '1000000'], 'iteration 1 ', ['SIGTERM', 'closed pipe']],
  ['lenet', ['--data', '.', '--epochs', '1000000', '--json'], '"epoch":1,', ['SIGHUP', 'closed pipe']],
  ['memory', ['--task', 'slots', 'adding-400', '--model', 'mlp', '--json'], '"slots"', ['SIGTERM']],
  ['memory', ['--task', 'slots', '--model', 'mlp', 'gru', 'rnn', '--json'], '"mlp"', ['closed pipe']],
  ['slots', ['--utterances', '1000000', '--units', '16'], ' 100  ', ['SIGHUP', 'closed pipe']],
];

const cases = runs.flatMap(([name, args, shown, by]) => by.map((ending) => ({ name, args, shown, ending })));

/** A file, the folder of a run, or a folder of such folders. */
async function isSaved(path: string): Promise<boolean> {
  const runs = [path, `${path}/slots-mlp`].filter(existsSync);
  const file = statSync(path).isFile() ? path : runs.flatMap(filesOf).at(-1);
  return file !== undefined && E.isRight(await loadCheckpointEither(file)());
}

describe.each(cases)('$name, by $ending', ({ name, args, shown, ending }) => {
  const { interrupt, inFolder } = program(name);
  beforeEach(() => {
    writeFileSync(inFolder('verse.txt'), 'The ship sails on the sea, and the sea on.\n'.repeat(20));
    writeDigits(inFolder, 'train', 64);
    writeDigits(inFolder, 't10k', 10);
  });

  test('saves', async () => {
    const ended = await interrupt([...args, '--save', 'saved'], shown, ending);
    expect(ended).toMatchObject({
      code: endings[ending],
      wrong: '',
      err: expect.stringMatching(/(^|\n)saved saved(\/[\w-]+)?( after update [\d,]+)?\n/),
    });
    expect(await isSaved(inFolder('saved'))).toBe(true);
  });
});

describe('char-rnn', () => {
  const { start, inFolder } = program('char-rnn');
  beforeEach(() => writeFileSync(inFolder('verse.txt'), 'The ship sails on the sea.\n'.repeat(40)));
  const tiny = [...verse, '--units', '16', '--embed', '8', '--length', '16', '--batch', '4'];

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s: it has saved while it trained, and saves',
    async (signal) => {
      const { child, ended } = start([...tiny, '--seconds', '600', '--save-every', '0.05', '--json']);
      let before: string | undefined;
      // A second signal ends it at once.
      child.stderr.once('data', () => {
        before = filesOf(inFolder('runs/char-rnn')).at(-1);
        child.kill(signal);
      });
      const { code, out, err, wrong } = await ended;
      expect({ code, wrong }).toEqual({ code: endings[signal], wrong: '' });
      expect(err).toMatch(
        /^saved runs\/char-rnn after update [\d,]+\n[\s\S]*saved runs\/char-rnn after update [\d,]+\n$/,
      );
      expect(JSON.parse(out.trimEnd().split('\n').at(-1) as string)).toMatchObject({ interrupted: true });
      expect(filesOf(inFolder('runs/char-rnn')).at(-1)).not.toBe(before);
      expect(await isSaved(inFolder('runs/char-rnn'))).toBe(true);
    },
  );

  test('a closed pipe: it ends quietly, and has saved', async () => {
    const { child, ended } = start([...tiny, '--seconds', '0.3']);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await ended).toMatchObject({
      code: 0,
      wrong: '',
      err: expect.stringContaining('saved runs/char-rnn after update '),
    });
    expect(await isSaved(inFolder('runs/char-rnn'))).toBe(true);
  });
});
