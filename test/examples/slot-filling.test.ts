import { mkdirSync, writeFileSync } from 'node:fs';
import { loadRun, type SlotScores, type TaggedUtterance, type Tagger } from 'oxbow';
import { beforeEach, describe, expect, test } from 'vitest';
import { someUtterances } from '../../examples/slot-filling/grammar/index.js';
import type { Course } from '../../examples/slot-filling/prequential.js';
import { numbersOf, program, records } from './program.js';

const { run, start, interrupt, inFolder } = program('slots');

const utterances = someUtterances('flights', 3, 400);
beforeEach(() => {
  writeFolder('train', utterances.slice(0, 300));
  writeFolder('valid', utterances.slice(300, 350));
  writeFolder('test', utterances.slice(350));
});

function writeFolder(name: string, some: readonly TaggedUtterance[]): void {
  mkdirSync(inFolder(name));
  const lines = (line: (utterance: TaggedUtterance) => string) => `${some.map(line).join('\n')}\n`;
  writeFileSync(
    inFolder(`${name}/seq.in`),
    lines(({ words }) => words.join(' ')),
  );
  writeFileSync(
    inFolder(`${name}/seq.out`),
    lines(({ tags }) => tags.join(' ')),
  );
  writeFileSync(
    inFolder(`${name}/label`),
    lines(({ intent = '' }) => intent),
  );
}

const folders = ['--train', 'train', '--valid', 'valid', '--test', 'test'];

describe('the slots example, learning from folders', () => {
  test('chooses on one and tests on another, with a table and for machines', { timeout: 120_000 }, async () => {
    const args = [...folders, '--epochs', '16', '--units', '32'];
    const shown = await run([...args, '--seeds', '2']);
    expect({ code: shown.code, wrong: shown.wrong }).toEqual({ code: 0, wrong: '' });
    expect(shown.out).toContain('utterances: train 300, valid 50, test 50; ');
    expect(shown.err).toMatch(
      /(?:^|\n)seed 1 · epoch 16 of 16 · loss [\d.]+ · valid F1 [\d.]+, intents [\d.]+ · 0 s left\n/,
    );
    expect(shown.out).toMatch(/\nslot +precision +recall +F1 +there +found +right\n/);
    expect(shown.out).toMatch(/\nseed 2, epoch \d+: test F1 [\d.]+ .* · intents [\d.]+ · /);
    expect(shown.out).toMatch(/\n2 seeds, mean ± deviation: F1 [\d.]+ ± [\d.]+ · intents [\d.]+ ± [\d.]+\n$/);

    const [only] = records(await run([...args, '--json'])) as readonly { chosen: number; test: SlotScores }[];
    expect(only).toMatchObject({ seed: 1, epochs: 16, valid: { utterances: 50 }, test: { utterances: 50 } });
    const { chosen, test: tested } = only as NonNullable<typeof only>;
    expect(chosen).toBeGreaterThan(1);
    expect(tested.f1).toBeGreaterThan(0.4);
    // The same figures as those that were shown: a run follows from its seed.
    expect(shown.out).toContain(`\nseed 1, epoch ${chosen}: test F1 ${(100 * tested.f1).toFixed(2)} `);
  });

  test('ends at Ctrl-C with what it has learnt', { timeout: 60_000 }, async () => {
    const { child, ended } = start([...folders, '--epochs', '5000', '--units', '8']);
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGINT'), 1000));
    const { code, out } = await ended;
    expect(code).toBe(130);
    expect(out).toMatch(/\nseed 1, epoch \d+: test F1 [\d.]+ /);
  });

  test('says in one line what is wrong with them', { timeout: 60_000 }, async () => {
    const of = async (...args: readonly string[]) => {
      const { code, out, err } = await run(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      return err;
    };
    expect(await of('--train', 'nowhere')).toMatch(/^slots: nowhere\/seq\.in cannot be read: ENOENT[^\n]*\n$/);
    writeFolder('short', [{ words: ['to', 'Rome'], tags: ['O'], intent: 'flight' }]);
    expect(await of('--train', 'short')).toBe(
      'slots: short/seq.out:1: 1 tags for the 2 words of short/seq.in; each word has one tag. Put the line right, or leave it out.\n',
    );
    writeFolder('empty', []);
    expect(await of('--train', 'train', '--test', 'empty')).toBe('slots: empty/seq.in has no utterance.\n');
    expect(await of('--test', 'test')).toMatch(/^slots: --test goes with a folder/);
  });
});

describe('the slots example, learning as utterances come', () => {
  test('shows F1 rising and utterances with their slots', { timeout: 120_000 }, async () => {
    const args = ['--utterances', '300', '--units', '48'];
    const { code, out, wrong } = await run(args);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    expect(out).toMatch(/^300 utterances, [\d,]+ weights; \d+ threads?, tier \w+\n/);
    const marks = [...out.matchAll(/^ +(\d+) {2}[▁-█] F1 +([\d.]+) {2}[✓✗] \w/gm)];
    expect(marks.map(([, utterances]) => utterances)).toEqual(['100', '200', '300']);
    const [first = 0, , third = 0] = marks.map(([, , f1]) => Number(f1));
    expect(third).toBeGreaterThan(first + 20);
    expect(out).toMatch(/\[[^\]]+ toloc\]/);
    expect(out).toMatch(/\nseed 1: 300 utterances in [\d.]+ s; it knows \d+ words, \d+ tags, 5 intents\n/);
    expect(out).toMatch(/\nlatency while it learns: a word p50 [\d.]+ ms, p99 [\d.]+ ms; /);
    // No control codes outside of a terminal.
    expect(out).not.toContain('\u001b');

    const [only] = records(await run([...args, '--json'])) as readonly { course: Course; test: SlotScores }[];
    const { course, test: tested } = only as NonNullable<typeof only>;
    expect(course.blocks.map((f1) => (100 * f1).toFixed(2))).toEqual(marks.map(([, , f1]) => f1));
    expect(out).toContain(`afterwards, on 500 others: F1 ${(100 * tested.f1).toFixed(2)} `);
  });

  test('reads a folder once, and tests on another', { timeout: 60_000 }, async () => {
    const args = ['--online', '--train', 'train', '--test', 'test', '--units', '32', '--seeds', '2', '--json'];
    const runs = records(await run(args));
    expect(runs).toMatchObject([1, 2].map((seed) => ({ seed, course: { utterances: 300 }, test: { utterances: 50 } })));
    expect(runs[0]).toMatchObject({ names: { intents: 5 }, interrupted: false });
  });

  test('reads forwards where asked to, a tag a word', { timeout: 60_000 }, async () => {
    const { code, out } = await run(['--online', '--utterances', '150', '--units', '32', '--forwards']);
    expect(code).toBe(0);
    const [, revised = 'nothing'] = /\nof all words ([\d.]+) % had another tag in the end/.exec(out) ?? [];
    expect(Number(revised)).toBeGreaterThan(0);
    expect(Number(revised)).toBeLessThan(50);
  });

  test('ends at Ctrl-C with what there is to say', { timeout: 60_000 }, async () => {
    const { code, out } = await interrupt(['--utterances', '100000', '--units', '16'], ' 100  ');
    expect(code).toBe(130);
    expect(out).toMatch(/\nseed 1: \d+ utterances in /);
    expect(out).toMatch(/\neach tagged before it was learnt from: F1 /);
  });

  test('goes on with what was counted, also with more utterances', { timeout: 60_000 }, async () => {
    const args = ['--online', '--units', '16', '--seed', '3', '--json'];
    const [whole] = records(await run([...args, '--utterances', '140', '--save', 'whole']));
    await run([...args, '--utterances', '60', '--save', 'parts']);
    const [more] = records(await run(['--save', 'parts', '--resume', '--utterances', '140', '--json']));
    const counted = ({ course }: Record<string, unknown> = {}) => {
      const { scores, blocks, utterances, recent } = course as Course;
      return { scores, blocks, utterances, recent };
    };
    expect(counted(more)).toEqual(counted(whole));
    expect(await numbersOf(inFolder('parts'))).toBe(await numbersOf(inFolder('whole')));
    const done = await run(['--save', 'parts', '--resume', '--utterances', '140']);
    expect(done.err).toContain('it has learnt from 140 utterances of these already; give more to go on\n');
    expect(await run(['--save', 'parts', '--resume', '--units', '8'])).toMatchObject({
      code: 2,
      err: 'slots: --resume: the run in parts has --units 16, not 8; leave --units out.\n',
    });
  });
});

describe('the slots example, with the tagger of another run', () => {
  test('learns from another folder, several times over, what it did not know', { timeout: 60_000 }, async () => {
    await run(['--online', '--utterances', '40', '--units', '8', '--save', 'a']);
    const { code, wrong } = await run(['--load', 'a', ...folders, '--epochs', '1', '--save', 'b']);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    const names = async (folder: string) => (await loadRun<Tagger>(inFolder(folder))).model.words.names;
    expect((await names('b')).length).toBeGreaterThan((await names('a')).length);
    expect((await names('b')).slice(0, (await names('a')).length)).toEqual(await names('a'));
  });

  test.each([
    ['none', /^slots: --load: none cannot be read/],
    ['train/label', /^slots: --load: train\/label: .* not a safetensors file/],
  ])('%s is refused in one line', async (file, message) => {
    const { code, out, err } = await run(['--load', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/^.*\n$/);
  });
});

test('the slots example tries what is forgotten, with replay and without', { timeout: 120_000 }, async () => {
  const args = ['--forgetting', '--utterances', '250', '--units', '32'];
  const { code, out, wrong } = await run(args);
  expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
  const rows = [...out.matchAll(/^(with|without) +([\d.]+) +([\d.]+) +(-?[\d.]+) +([\d.]+)$/gm)];
  const [replayed, plain] = rows.map((row) => row.slice(2).map(Number)) as [number[], number[]];
  expect(rows.map(([, replay]) => replay)).toEqual(['with', 'without']);
  const [, , falls = 100] = replayed;
  const [, , fallsWithout = 0] = plain;
  expect(falls).toBeLessThan(10);
  expect(fallsWithout).toBeGreaterThan(falls + 20);
});
