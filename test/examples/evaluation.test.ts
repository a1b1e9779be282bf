/** Recipes, evaluation and reports of char-rnn and of `oxbow train`, as processes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Ended, numbersOf, program, records } from './program.js';

const verse = 'The ship sails on the sea, and the sea sails on the <b>ship</b> & on.\n';
const tiny = ['--units', '16', '--embed', '8', '--length', '16', '--batch', '4'];
const score = {
  bitsPerCharacter: expect.any(Number),
  natsPerCharacter: expect.any(Number),
  perplexity: expect.any(Number),
};

const last = (ended: Ended) => records(ended).at(-1) as Record<string, Record<string, number>>;

describe('char-rnn', () => {
  const { run, start, inFolder } = program('char-rnn');
  beforeEach(() => writeFileSync(inFolder('verse.txt'), verse.repeat(60)));
  const learn = ['--file', 'verse.txt', '--epochs', '2', ...tiny];

  test('evaluates a run as its training did, by dynamic evaluation too, and leaves it as it was', async () => {
    const trained = last(await run([...learn, '--validation', '0.1', '--dynamic', '--json']));
    const before = await numbersOf(inFolder('runs/char-rnn'));
    const files = readdirSync(inFolder());
    const evaluated = await run(['--eval', '--load', 'runs/char-rnn', '--json']);
    expect(evaluated).toMatchObject({ code: 0, wrong: '' });
    expect(last(evaluated)).toEqual({
      heldOut: { characters: 419, ...score },
      dynamic: {
        characters: 419,
        ...score,
        ...{ dynamicRule: 'rms', dynamicRate: 1e-3, dynamicDecay: 0.01, dynamicLength: 20 },
      },
      interrupted: false,
    });
    expect(last(evaluated).heldOut).toEqual(trained.heldOut);
    expect(last(evaluated).dynamic).toEqual(trained.dynamic);
    expect(last(evaluated).dynamic?.bitsPerCharacter).toBeLessThan(last(evaluated).heldOut?.bitsPerCharacter as number);

    const tuned = await run([
      '--eval',
      '--load',
      'runs/char-rnn',
      '--tune-dynamic',
      '--dynamic-rule',
      'plain',
      '--json',
    ]);
    expect(tuned.err).toMatch(/dynamic evaluation by plain, rate 0\.1, decay 0\.01, windows of 20: [\d.]+ nats\n/);
    expect(tuned.err).not.toContain('by rms');
    expect(last(tuned).dynamic?.natsPerCharacter).toBeLessThan(last(tuned).heldOut?.natsPerCharacter as number);
    const said = await run(['--eval', '--load', 'runs/char-rnn', '--dynamic-rate', '0.002']);
    expect(said.out).toMatch(
      /\nheld out: [\d.]+ bits per character \([\d.]+ nats, perplexity [\d.]+\), 419 characters\n/,
    );
    expect(said.out).toMatch(
      /\nheld out, by dynamic evaluation \(rms, rate 0\.002, decay 0\.01, windows of 20\): [\d.]+ bits per character/,
    );
    expect(await numbersOf(inFolder('runs/char-rnn'))).toBe(before);
    expect(readdirSync(inFolder())).toEqual(files);
  });

  test.each([
    [['--eval', '--load', 'nowhere'], /--load: nowhere cannot be read/],
    [['--eval', '--load', 'a', '--tune-dynamic'], /--tune-dynamic needs a validation part/],
    [['--eval', '--load', 'a', '--units', '7'], /--load: the model of a has --units 16, not 7; leave --units out/],
    [['--eval', '--load', 'a', '--held-out', '0.2'], /has --held-out 0\.1, not 0\.2; leave --held-out out/],
    [['--resume', '--save', 'piped', '--dynamic'], /piped learns from stdin, which does not go with --dynamic/],
    [
      ['--file', 'verse.txt', '--report', 'verse.txt'],
      /--report verse\.txt cannot be written: it is no page of HTML; give/,
    ],
    [
      ['--eval', '--load', 'piped'],
      /piped learns from stdin, which does not go with --eval: what is piped in holds nothing out; leave that out/,
    ],
    [['--file', 'verse.txt', '--report', 'nowhere/r.html'], /--report nowhere\/r\.html cannot be written/],
    [['--file', 'verse.txt', '--report', 'folder'], /--report folder cannot be written/],
    [['--file', 'verse.txt', '--residual', '--embed', '8'], /residual links go around layers/],
    [['--file', 'verse.txt', '--validation', '0.5', '--held-out', '0.49'], /too short for one window/],
  ])('%j: one line on stderr, exit code 2', async (args, message) => {
    mkdirSync(inFolder('folder'));
    await run([...learn, '--save', 'a']);
    await run(['--stdin', '--units', '8', '--save', 'piped'], verse.repeat(3));
    const { code, err } = await run(args.includes('--save') ? args : [...args, '--save', 'b']);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(message);
    expect(code).toBe(2);
  });

  test('by a recipe, with all that it may have, learns and goes on bit for bit', async () => {
    const args = [
      '--file',
      'verse.txt',
      '--recipe',
      'shakespeare',
      ...tiny.slice(0, 2),
      '--embed',
      '16',
      '--length',
      '16',
    ];
    const more = [
      '--layers',
      '2',
      '--drop-between',
      '0.1',
      '--drop-connect',
      '0.1',
      '--tied',
      '--residual',
      '--drop-symbols',
      '0.1',
      '--ar',
      '2',
      '--tar',
      '1',
      '--smoothing',
      '0.1',
    ];
    const all = [...args, ...more, '--batch', '4', '--json'];
    expect(last(await run([...all, '--steps', '40', '--save', 'whole']))).toMatchObject({ heldOut: score });
    // The schedule is that of all 40 steps, so that the part is made by ending it.
    const { child, ended } = start([...all, '--steps', '40', '--save', 'part', '--save-every', '0.01']);
    child.stderr.on('data', () => child.kill('SIGTERM'));
    await ended;
    const resumed = await run([
      '--resume',
      '--save',
      'part',
      '--recipe',
      'shakespeare',
      ...tiny.slice(0, 2),
      '--json',
      ...more,
      '--embed',
      '16',
      '--length',
      '16',
      '--batch',
      '4',
      '--steps',
      '40',
    ]);
    expect(resumed).toMatchObject({ code: 0, wrong: '' });
    expect(await numbersOf(inFolder('part'))).toBe(await numbersOf(inFolder('whole')));
  });

  test('windows of random places go on bit for bit', async () => {
    const args = ['--windows', 'random', '--schedule', 'constant'];
    await run([...learn.slice(0, 2), ...tiny, ...args, '--steps', '30', '--save', 'whole']);
    await run([...learn.slice(0, 2), ...tiny, ...args, '--steps', '11', '--save', 'part']);
    await run(['--resume', '--save', 'part', '--steps', '30']);
    expect(await numbersOf(inFolder('part'))).toBe(await numbersOf(inFolder('whole')));
  });

  test('writes a report at once, at each checkpoint, and at the end', async () => {
    const args = ['--file', 'verse.txt', ...tiny, '--seconds', '600', '--validation', '0.1', '--save-every', '0.2'];
    const { child, ended } = start([...args, '--report', 'report.html', '--prompt', 'The <b>']);
    const states = new Set<string>();
    child.stderr.on('data', () => {
      if (!existsSync(inFolder('report.html'))) return;
      const page = readFileSync(inFolder('report.html'), 'utf8');
      states.add(page);
      // Once: a process that ends has no more handler for another one.
      if (!child.killed && states.size >= 3 && page.includes('<h3>validation</h3>')) child.kill('SIGTERM');
    });
    expect(await ended).toMatchObject({ code: 143, wrong: '' });
    const pages = [...states];
    for (const page of pages) expect(page).toMatch(/^<!doctype html>.*(learning|time); written.*<\/html>\n$/s);
    const page = readFileSync(inFolder('report.html'), 'utf8');
    expect(page).toContain('ended before its time; written');
    expect(page).toContain('npm run example:char-rnn -- --file verse.txt --units 16');
    expect(page).toContain('--prompt &#39;The &lt;b&gt;&#39;');
    expect(page).toContain('<h3>validation</h3>');
    expect(page).not.toMatch(/<b>/);
    expect(readdirSync(inFolder()).sort()).toEqual(['report.html', 'runs', 'verse.txt']);
  });

  test('shows what a run that was kept has come to', async () => {
    await run([...learn, '--validation', '0.1']);
    const evaluated = await run(['--eval', '--load', 'runs/char-rnn', '--report', 'later.html']);
    expect(evaluated.err).toContain('the report is in later.html\n');
    const page = readFileSync(inFolder('later.html'), 'utf8');
    for (const shown of [
      'Loss over updates',
      'trained weights',
      'dynamic evaluation: rms',
      '<h3>held out</h3>',
      '--tied',
    ]) {
      expect(page.includes(shown) ? shown : `no ${shown}`).toBe(shown);
    }
  });
});

describe('oxbow train', () => {
  const { run, start, inFolder } = program('oxbow', 'dist/cli.js');
  beforeEach(() => writeFileSync(inFolder('verse.txt'), verse.repeat(60)));
  const quiet = ['--no-serve', '--keep', 'model', '--json'];

  test('by a recipe, goes on by the same line, and is evaluated', async () => {
    const line = [
      'train',
      'verse.txt',
      '--recipe',
      'shakespeare',
      ...tiny,
      '--steps',
      '30',
      '--report',
      'r.html',
      ...quiet,
    ];
    expect(await run(line)).toMatchObject({ code: 0, wrong: '' });
    const again = await run(line);
    expect(again).toMatchObject({ code: 0, wrong: '', err: expect.stringContaining('goes on after update 30') });
    expect(last(again)).toMatchObject({ heldOut: score });
    const written = statSync(inFolder('r.html')).mtimeMs;
    const evaluated = await run(['train', 'verse.txt', '--eval', ...quiet]);
    expect(evaluated).toMatchObject({ code: 0, wrong: '' });
    expect(last(evaluated).heldOut).toEqual(last(again).heldOut);
    expect(last(evaluated)).toMatchObject({ dynamic: score });
    expect(statSync(inFolder('r.html')).mtimeMs).toBe(written);
    const other = await run(['train', 'verse.txt', '--validation', '0.2', ...quiet]);
    expect(other).toMatchObject({ code: 2, err: expect.stringMatching(/--validation 0, not 0\.2/) });
    const generated = await run(['generate', 'The ', '--model', 'model', '--length', '20', '--seed', '1']);
    expect(generated).toMatchObject({ code: 0, err: '' });
  });

  test('learns what is piped in, and goes on with more', async () => {
    const line = ['train', '--recipe', 'online-log', '--units', '16', ...quiet];
    const first = last(await run(line, verse.repeat(30)));
    const second = await run(line, verse.repeat(30));
    expect(second).toMatchObject({ code: 0, wrong: '' });
    expect(last(second).characters).toBeGreaterThan(1.9 * Number(first.characters));
    expect(last(second).bitsPerCharacter).toBeLessThan(Number(first.bitsPerCharacter));
    const known = await run([...line, '--piped-again'], verse.repeat(90));
    expect(known.err).toMatch(/passing over the first [\d,]+ characters/);
  });

  test.each([
    [['--eval'], /--eval: model has no run to evaluate/],
    [['--weight-decay', '0.1'], /--weight-decay is that of adamw/],
    [['--stdin', '--batch', '2'], /--stdin does not go with --batch/],
    [['--piped-again'], /--piped-again: model has no run yet/],
    [['verse.txt', '--recipe', 'online-log'], /--recipe online-log does not go with a file/],
    [['--stdin', '--tune-dynamic'], /--stdin does not go with --tune-dynamic: what is piped in holds nothing out/],
    [
      ['verse.txt', '--tune-dynamic'],
      /--tune-dynamic needs a validation part to choose by; give --validation 0\.05 too/,
    ],
  ])('%j: one line, exit code 2, and no folder', async (args, message) => {
    const ended = await run(['train', ...args, ...quiet]);
    expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
    expect(ended.err.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(inFolder('model'))).toBe(false);
  });

  test('what is piped in and a text do not go together', async () => {
    const ended = await run(['train', 'verse.txt', '--stdin', ...quiet]);
    expect(ended).toMatchObject({ code: 2, err: expect.stringContaining('--stdin does not go with a file') });
    await run(['train', '--stdin', '--units', '8', ...quiet], verse);
    for (const [args, what] of [
      [['verse.txt'], 'a file'],
      [['--eval'], '--eval'],
      [['--dynamic'], '--dynamic'],
    ] as const) {
      const { code, err } = await run(['train', ...args, ...quiet]);
      expect(err).toContain(`model learns from stdin, which does not go with ${what}: `);
      expect(code).toBe(2);
    }
  });

  test('says so where another text is scored than was learnt', async () => {
    await run(['train', 'verse.txt', ...tiny, '--steps', '2', ...quiet]);
    const note = 'the text is not the one that the run learnt from';
    const evaluated = () => run(['train', 'verse.txt', '--eval', ...quiet]);
    expect((await evaluated()).err).not.toContain(note);
    writeFileSync(inFolder('verse.txt'), verse.repeat(61));
    expect(await evaluated()).toMatchObject({ code: 0, err: expect.stringContaining(note) });
  });

  describe('a report', () => {
    const line = ['train', 'verse.txt', ...tiny, '--steps', '50', ...quiet];
    const page = () => readFileSync(inFolder('r.html'), 'utf8');

    test('is never written over a text, and takes an empty file', async () => {
      const { code, err } = await run([...line, '--report', 'verse.txt']);
      expect(err).toContain('it is no page of HTML; give another place.');
      expect(code).toBe(2);
      expect(readFileSync(inFolder('verse.txt'), 'utf8')).toBe(verse.repeat(60));
      writeFileSync(inFolder('r.html'), '');
      expect(await run([...line, '--report', 'r.html'])).toMatchObject({ code: 0 });
      expect(page()).toContain('<p>finished; written');
    });

    test('says what went wrong where its training ends by an error', async () => {
      const wild = ['--optimizer', 'sgd', '--lr', '1e30', '--clip', '1e30'];
      expect(await run([...line, ...wild, '--report', 'r.html'])).toMatchObject({ code: 1 });
      expect(page()).toMatch(/<p>ended by an error: window \d+ cannot be learnt from.*; written/);
    });

    test('whose place is gone takes no figures with it', async () => {
      mkdirSync(inFolder('gone'));
      const { child, ended } = start([...line, '--steps', '3000', '--save-every', '1', '--report', 'gone/r.html']);
      child.stdout.once('data', () => rmSync(inFolder('gone'), { recursive: true }));
      const whole = await ended;
      expect(last(whole)).toMatchObject({ heldOut: score });
      expect(whole.err).toMatch(/\noxbow: --report gone\/r\.html was not written: [^;]+; make room for it/);
      expect(whole.code).toBe(1);
    });
  });
});
