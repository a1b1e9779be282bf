/** The `oxbow` command as processes: really piped, really signalled, really killed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNewest } from 'oxbow';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Ending, endings, program, records } from './program.js';

const { run, start, interrupt, inFolder } = program('oxbow', 'dist/cli.js');

const verse = 'The ship sails on the sea, and the sea on.\n'.repeat(60);
const small = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4'];
const line = (k: number) => `sshd[${(k * 7919) % 10_000}]: Connection from 10.0.0.${(k * 31) % 256} closed`;
const log = (lines: number, from = 1000) => `${Array.from({ length: lines }, (_, k) => line(from + k)).join('\n')}\n`;
const alien = 'kernel: Out of memory: Kill process (mysqld)';

beforeEach(() => writeFileSync(inFolder('verse.txt'), verse));

const stepIn = async (folder: string) => (await loadNewest(inFolder(folder))).found?.step ?? 0;

describe('train', () => {
  test('keeps a run, goes on from it, and generate and inspect read it', async () => {
    const first = await run(['train', 'verse.txt', ...small, '--epochs', '2', '--keep', 'model', '--json']);
    expect(first).toMatchObject({ code: 0, wrong: '' });
    expect(records(first).at(-1)).toMatchObject({
      interrupted: false,
      heldOut: { bitsPerCharacter: expect.any(Number) },
    });
    const step = await stepIn('model');
    const second = await run(['train', 'verse.txt', '--epochs', '2', '--keep', 'model']);
    expect(second.err).toMatch(`goes on after update ${step}, epoch`);
    expect(await stepIn('model')).toBe(2 * step);

    const said = await run(['generate', 'The ', '--model', 'model', '--length', '20', '--seed', '1', '--echo']);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toMatch(/^The .{20}\n$/su);
    const piped = await run(['generate', '--model', 'model', '--length', '20', '--seed', '1', '--json'], 'The ');
    expect(
      records(piped)
        .map(({ symbol }) => symbol)
        .join(''),
    ).toBe(said.out.slice(4, -1));

    const inspected = await run(['inspect', 'model', '--json']);
    expect(records(inspected)).toMatchObject([
      {
        checksum: 'ok',
        task: 'language',
        step: 2 * step,
        parent: expect.stringMatching(/^[0-9a-f]{64}$/),
        recipe: { units: 16 },
      },
    ]);
  });

  test.each([
    ['text', /\nvocabulary +\d+ symbols "/],
    ['bytes', /\nvocabulary +the 256 bytes of UTF-8\n/],
    ['ascii', /\nvocabulary +98 symbols "/],
  ])('inspect says what the symbols of a run are: %s', async (choice, what) => {
    await run(['train', 'verse.txt', ...small, '--steps', '1', '--keep', 'model', '--symbols', choice, '--no-serve']);
    expect((await run(['inspect', 'model'])).out).toMatch(what);
  });

  test.each([
    [[], true],
    [['--no-serve'], false],
  ])('with %j shows a page: %s', async (args, isShown) => {
    const options = [...small, '--epochs', '1', '--keep', 'model', '--port', '0', ...args];
    const { code, out } = await run(['train', 'verse.txt', ...options]);
    expect([code, out.includes('live page: http://127.0.0.1:')]).toEqual([0, isShown]);
  });

  test.each([
    [['--units', '17'], 2, /model has a run with --units 16, not 17/],
    [['--optimizer', 'sgd'], 2, /--optimizer adam, not sgd/],
  ])('refuses to go on with %j', async (args, code, message) => {
    await run(['train', 'verse.txt', ...small, '--epochs', '1', '--keep', 'model']);
    const refused = await run(['train', 'verse.txt', '--keep', 'model', ...args]);
    expect(refused).toMatchObject({ code, out: '' });
    expect(refused.wrong).toMatch(message);
  });

  test.each([
    ['a text that is not there', ['nowhere.txt']],
    ['an empty text', ['empty.txt']],
    ['a text of one character', ['one.txt']],
    ['a prompt of other symbols', ['verse.txt', '--prompt', '€']],
    ['windows longer than the text', ['verse.txt', '--length', '5000']],
    ['options that do not go together', ['verse.txt', '--stdin']],
    ['evaluation without a run', ['verse.txt', '--eval']],
    ['nothing piped in', ['--stdin'], ''],
    ['one character piped in', ['--stdin'], 'a'],
  ] satisfies readonly (readonly [string, readonly string[], string?])[])(
    'refuses %s, and leaves no folder',
    async (_, args, piped?: string) => {
      writeFileSync(inFolder('empty.txt'), '');
      writeFileSync(inFolder('one.txt'), 'a');
      const { code } = await run(['train', ...args, '--keep', 'deep/model', '--no-serve'], piped);
      expect(code).toBeGreaterThan(0);
      expect(existsSync(inFolder('deep'))).toBe(false);
    },
  );

  test('tag --learn that learns nothing leaves no folder, and says of none that it is saved', async () => {
    const ended = await run(['tag', '--learn', '--model', 'deep/tags'], '');
    expect(ended).toMatchObject({ code: 0, wrong: '', err: expect.stringMatching(/0 lessons learnt\n$/) });
    expect(existsSync(inFolder('deep'))).toBe(false);
  });

  test('refuses an empty text in a folder of the user, and leaves that as it was', async () => {
    writeFileSync(inFolder('empty.txt'), '');
    mkdirSync(inFolder('model'));
    writeFileSync(inFolder('model/notes.txt'), 'mine');
    expect((await run(['train', 'empty.txt', '--keep', 'model', '--no-serve'])).code).toBeGreaterThan(0);
    expect(readFileSync(inFolder('model/notes.txt'), 'utf8')).toBe('mine');
  });

  test.each([
    [['train', 'nowhere.txt'], /nowhere\.txt cannot be read/],
    [['generate', '--model', 'nowhere'], /nowhere cannot be read/],
    [['inspect', 'verse.txt'], /verse\.txt/],
    [['score', '--model', '.'], /has no checkpoint of a run/],
    [['score', 'nowhere.log', '--learn', '--keep', 'model'], /nowhere\.log cannot be read/],
    [['doctor', '--folder', 'nowhere', '--seconds', '0.1'], /^$/],
  ])('%j cannot be done, in one line and with code 1', async (args, message) => {
    const { code, wrong } = await run(args);
    expect(code).toBe(1);
    expect(wrong).toMatch(message);
    expect(wrong.split('\n')).toHaveLength(1);
  });

  const ending = Object.keys(endings) as readonly Ending[];
  test.each(ending)('%s: it saves, and goes on', async (by) => {
    const args = ['train', 'verse.txt', ...small, '--seconds', '600', '--keep', 'model'];
    const ended = await interrupt([...args, '--json'], '"said"', by);
    expect(ended).toMatchObject({
      code: endings[by],
      wrong: '',
      err: expect.stringMatching('saved model after update'),
    });
    expect(await stepIn('model')).toBeGreaterThan(0);
  });

  test('kill -9: it goes on from the last file', async () => {
    const args = ['train', 'verse.txt', ...small, '--seconds', '600', '--keep', 'model'];
    const { child, ended } = start([...args, '--save-every', '0.01']);
    while ((await stepIn('model').catch(() => 0)) < 20)
      await new Promise((resolve) => child.stderr.once('data', resolve).once('close', resolve));
    child.kill('SIGKILL');
    await ended;
    const step = await stepIn('model');
    const after = await interrupt(args, ' weights; ', 'SIGTERM');
    expect(after.err).toMatch(`goes on after update ${step.toLocaleString('en-US')}`);
  });
});

describe('score', () => {
  test('learns a pipe, marks what is strange, and goes on', async () => {
    const learning = ['score', '--learn', '--keep', 'model'];
    const first = await run([...learning, '--json'], `${log(600)}${alien}\n${log(20)}`);
    expect(first).toMatchObject({ code: 0, wrong: '' });
    const strange = records(first).filter((each) => each.strange);
    expect(strange.map(({ text }) => text)).toEqual([alien]);
    expect(records(first)).toHaveLength(621);

    const second = await run([...learning, '--only-strange'], `${log(10)}GET /etc/passwd ../../..\n`);
    expect(second.err).toMatch('model goes on after 621 lines');
    expect(second.out).toMatch(/^ *\d+\.\d\d ! GET \/etc\/passwd \.\.\/\.\.\/\.\.\n$/);
    const third = await run(['score', '--model', 'model', '--only-strange', '-'], `${log(10)}${'ZQ%'.repeat(9)}\n`);
    expect(third.out).toMatch(/^ *\d+\.\d\d ! (ZQ%){9}\n$/);
  });

  test('shows a line that waits, and saves when a signal comes', async () => {
    const { child, ended } = start(['score', '--learn', '--keep', 'model']);
    const shown = new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdin.write(log(9));
    await shown;
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143, wrong: '', err: expect.stringMatching('saved in model\n') });
    expect(await stepIn('model')).toBeGreaterThan(0);
  });

  test('ends quietly where nobody reads on', async () => {
    writeFileSync(inFolder('app.log'), log(5000));
    const ended = await interrupt(['score', 'app.log', '--learn', '--keep', 'model'], 'sshd', 'closed pipe');
    expect(ended).toMatchObject({ code: 0, wrong: '' });
  });
});

/** Of Loghub: OpenSSH_2k.log and HDFS_2k.log in `logs/` of OXBOW_DATA, or of ../shared/data. */
const data = process.env.OXBOW_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const aliens = readFileSync(new URL('../cli/aliens.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

describe.skipIf(!existsSync(join(data, 'logs')))('score, on the logs of Loghub (skipped without OXBOW_DATA)', () => {
  const linesOf = (name: string) =>
    readFileSync(join(data, `logs/${name}_2k.log`), 'utf8')
      .trimEnd()
      .split(/\r?\n/);
  const scored = async (lines: readonly string[]) =>
    records(await run(['score', '--learn', '--keep', 'model', '--json'], `${lines.join('\n')}\n`));

  test.each(['OpenSSH', 'HDFS'])(
    '%s: alien lines rank above 99 of 100 others, and are marked',
    { timeout: 180_000 },
    async (name) => {
      const lines = linesOf(name);
      for (const [k, each] of aliens.entries()) lines.splice(900 + 84 * k, 0, each);
      const all = await scored(lines);
      expect(all.map(({ text }) => text)).toEqual(lines);
      const isAlien = (each: (typeof all)[0]) => aliens.includes(each.text as string);
      const others = all.slice(400).filter((each) => !isAlien(each));
      for (const { text, excess, strange } of all.filter(isAlien)) {
        const below = others.filter((each) => (each.excess as number) < (excess as number)).length / others.length;
        expect({ text, strange, isAbove: below > 0.99 }).toEqual({ text, strange: true, isAbove: true });
      }
      expect(others.filter(({ strange }) => strange).length / others.length).toBeLessThan(0.01);
    },
  );

  test('HDFS: bits a line fall by half within 1,000 lines', { timeout: 180_000 }, async () => {
    const all = await scored(linesOf('HDFS').slice(0, 1000));
    const mean = (some: typeof all) =>
      some.reduce((sum, { bits, text }) => sum + (bits as number) * ((text as string).length + 1), 0) / some.length;
    expect(mean(all.slice(900))).toBeLessThan(mean(all.slice(0, 100)) / 2);
  });
});

describe('tag', () => {
  test('learns lessons and corrections, keeps them, and tags', async () => {
    const lesson = JSON.stringify({ words: ['to', 'boston'], tags: ['O', 'B-toloc'] });
    const correction = JSON.stringify({ id: '7', corrections: [{ slot: 'fromloc', words: 'boston' }] });
    const input = [lesson, JSON.stringify({ id: '7', text: 'from boston' }), correction, 'from boston', '{'].join('\n');
    const learnt = await run(['tag', '--learn', '--model', 'slots', '--json'], input);
    expect(learnt.code).toBe(0);
    expect(records(learnt).map(({ outcome }) => outcome)).toEqual([
      'learned',
      'predicted',
      'learned',
      'predicted',
      'rejected',
    ]);
    expect(await stepIn('slots')).toBe(2);
    const tagged = await run(['tag', '--model', 'slots'], 'from boston\n');
    expect(tagged).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^from\/\S+ boston\/\S+\n$/) });
    const wrong = await run(['generate', '--model', 'slots', 'from']);
    expect(wrong).toMatchObject({ code: 1, wrong: expect.stringMatching('slots is a run of the task tagger') });
  });
});

test('bench and doctor give figures', async () => {
  const measured = await run(['bench', '--seconds', '0.1', '--json']);
  expect(records(measured).map(({ name, perSecond }) => [name, (perSecond as number) > 0])).toEqual(
    ['train', 'generate', 'score'].map((name) => [name, true]),
  );
  const looked = await run(['doctor', '--seconds', '0.1', '--json']);
  expect(looked).toMatchObject({ code: 0, wrong: '' });
  expect(records(looked).map(({ name }) => name)).toEqual(['node', 'kernels', 'threads', 'memory', 'disk', 'speed']);
});

test('no colours where they are not wanted', () => {
  const file = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const shown = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, [file, 'score', '--learn', '--keep', 'model'], {
      cwd: inFolder(),
      env: { ...process.env, ...env },
      input: `${log(300)}${alien}\n`,
      encoding: 'utf8',
    }).stdout;
  expect(shown({ NO_COLOR: '', FORCE_COLOR: '1' })).toContain('\u001b[1;31m');
  expect(shown({ NO_COLOR: '1', FORCE_COLOR: '1' })).not.toContain('\u001b');
});

/** A shell in which `oxbow` is the command. */
function inBash(script: string) {
  mkdirSync(inFolder('bin'), { recursive: true });
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  writeFileSync(inFolder('bin/oxbow'), `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${inFolder('bin')}:${process.env.PATH}` };
  return spawnSync('bash', ['--norc', '-c', script], { cwd: inFolder(), env, encoding: 'utf8' });
}

describe('in a shell', () => {
  test.each([
    '--help',
    'train --help',
    'help score',
    '--version',
    'completion bash',
    'complete -- t',
    'doctor --seconds 0.01',
  ])('oxbow %s is quiet where nobody reads it, and that is no failure', (args) => {
    const { stderr, stdout } = inBash(`oxbow ${args} | true; echo "\${PIPESTATUS[0]}"`);
    expect({ stderr, stdout }).toEqual({ stderr: '', stdout: '0\n' });
  });

  test.skipIf(!existsSync('/dev/full')).each(['--help', 'completion bash', 'doctor --seconds 0.01'])(
    'oxbow %s says in a line that there is no room for it',
    (args) => {
      const { stderr, status } = inBash(`oxbow ${args} > /dev/full`);
      expect({ stderr, status }).toEqual({
        stderr: expect.stringMatching(/^oxbow: the output cannot be written: ENOSPC[^\n]*\n$/),
        status: 1,
      });
    },
  );

  test.each([
    ['tra', 'train'],
    ['train --cell ', 'rnn lstm gru minGru minLstm griffin gatedDeltaNet'],
    ['train --ce', '--cell'],
    ['completion z', 'zsh'],
    ['inspect ', ''],
  ])('bash completes %j', (line, found) => {
    const words = ['oxbow', ...line.split(' ')].map((word) => `'${word}'`);
    const { stdout, stderr } = inBash(`source <(oxbow completion bash)
      [[ "$(complete -p oxbow)" =~ -F\\ ([a-z_]+) ]]
      COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${words.length - 1}
      "\${BASH_REMATCH[1]}"
      echo "\${COMPREPLY[*]}"`);
    expect({ stdout, stderr }).toEqual({ stdout: `${found}\n`, stderr: '' });
  });
});
