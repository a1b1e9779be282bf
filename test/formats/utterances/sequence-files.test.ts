import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { fromSequenceFiles } from '../../../src/formats/utterances/sequence-files.js';
import { all, folderOf } from './files.js';

const trip = { 'seq.in': 'arrive Taipei\nleave  Taipei \n', 'seq.out': 'O B-to\nO\tB-from\n', label: 'go\nleave\n' };

/** The tag and the message of what it fails with, without the folder. */
const fault = async (folder: string): Promise<unknown> => {
  const error: unknown = await all(fromSequenceFiles(folder)).catch((thrown) => thrown);
  const { _tag, line, message } = error as { _tag: string; line?: number; message: string };
  return [_tag, line, message.replaceAll(`${folder}/`, '')];
};

describe('words, tags and intents in files of their own', () => {
  it('are utterances line by line', async () => {
    expect(await all(fromSequenceFiles(folderOf(trip)))).toEqual([
      { words: ['arrive', 'Taipei'], tags: ['O', 'B-to'], intent: 'go' },
      { words: ['leave', 'Taipei'], tags: ['O', 'B-from'], intent: 'leave' },
    ]);
  });

  it('need no intents, and other names can be told', async () => {
    const { label: _, ...two } = trip;
    expect(await all(fromSequenceFiles(folderOf(two)).pipe(take(1)))).toEqual([
      { words: ['arrive', 'Taipei'], tags: ['O', 'B-to'] },
    ]);
    expect(await all(fromSequenceFiles(folderOf(trip), { intents: null, tags: null }).pipe(take(1)))).toEqual([
      { words: ['arrive', 'Taipei'] },
    ]);
    const named = folderOf({ w: 'hi\n', t: 'O\n', i: 'greet\n' });
    expect(await all(fromSequenceFiles(named, { words: 'w', tags: 't', intents: 'i' }))).toEqual([
      { words: ['hi'], tags: ['O'], intent: 'greet' },
    ]);
  });

  it('are read alike with CRLF, a byte-order mark, no end of line, or blank lines at the end', async () => {
    const plain = await all(fromSequenceFiles(folderOf(trip)));
    const changes: readonly ((text: string) => string)[] = [
      (text) => text.replaceAll('\n', '\r\n'),
      (text) => `\uFEFF${text}`,
      (text) => text.slice(0, -1),
      (text) => `${text}\n \n\r\n`,
    ];
    for (const change of changes) {
      const files = Object.fromEntries(Object.entries(trip).map(([name, text]) => [name, change(text)]));
      expect(await all(fromSequenceFiles(folderOf(files)))).toEqual(plain);
    }
    expect(await all(fromSequenceFiles(folderOf({ ...trip, 'seq.in': `${trip['seq.in']}\n\n` })))).toEqual(plain);
  });

  it('may be utterances without words', async () => {
    const files = { 'seq.in': 'hi\n\n\nho\n', 'seq.out': 'O\n\n\nO\n' };
    expect((await all(fromSequenceFiles(folderOf(files)))).map(({ words }) => words)).toEqual([['hi'], [], [], ['ho']]);
    const silent = { 'seq.in': 'hi\n\n', 'seq.out': 'O\n\n', label: 'greet\nwait\n' };
    expect((await all(fromSequenceFiles(folderOf(silent)))).at(1)).toEqual({ words: [], tags: [], intent: 'wait' });
    expect(await all(fromSequenceFiles(folderOf({ 'seq.in': '', 'seq.out': '' })))).toEqual([]);
  });

  it('part words at spaces and tabs alone', async () => {
    const words = ['no\u00A0break', 'a\u2028b', '🐂', 'x\u200B', 'שלום', 'w'.repeat(1000)];
    const files = { 'seq.in': `${words.join(' ')}\n`, 'seq.out': `${words.map(() => 'O').join(' ')}\n` };
    expect((await all(fromSequenceFiles(folderOf(files))))[0]?.words).toEqual(words);
  });

  it('may be longer than what is read at once', async () => {
    const words = Array.from({ length: 50_000 }, (_, k) => `ž${k}`);
    const files = { 'seq.in': `hi\n${words.join(' ')}\nho`, 'seq.out': `O\n${words.map(() => 'O').join(' ')}\nO` };
    const read = await all(fromSequenceFiles(folderOf(files)));
    expect(read.map(({ words: { length } }) => length)).toEqual([1, 50_000, 1]);
    expect(read[1]?.words).toEqual(words);
  });

  it('name file and line where they do not belong together', async () => {
    const broken = (changes: Readonly<Record<string, string>>) => fault(folderOf({ ...trip, ...changes }));
    expect(await broken({ 'seq.out': 'O B-to\nO\n' })).toEqual([
      'CountMismatch',
      2,
      'fromSequenceFiles: seq.out:2: 1 tags for the 2 words of seq.in; each word has one tag. Put the line right, or leave it out.',
    ]);
    expect(await broken({ 'seq.out': 'O B-to\n\n' })).toMatchObject([
      'CountMismatch',
      2,
      expect.stringContaining('0 tags for'),
    ]);
    expect(await broken({ 'seq.in': 'arrive Taipei\n' })).toEqual([
      'MissingLines',
      2,
      'fromSequenceFiles: seq.in:2: the file ends before this line, and the others do not; each utterance has a line in every file. Put the line right, or leave it out.',
    ]);
    expect(await broken({ label: 'go' })).toMatchObject(['MissingLines', 2, expect.stringContaining('label:2: ')]);
    expect(await broken({ label: 'go\n\n' })).toMatchObject(['BadLine', 2, expect.stringContaining('no intent')]);
    expect(await broken({ label: 'go there\n' })).toMatchObject(['BadLine', 1, expect.stringContaining('2 words')]);
  });

  it('name the file that cannot be read', async () => {
    expect(await fault(folderOf({ 'seq.in': 'hi' }))).toMatchObject([
      'FileError',
      undefined,
      expect.stringContaining('seq.out cannot be read: ENOENT'),
    ]);
    expect(await fault(join(folderOf({}), 'nowhere'))).toMatchObject([
      'FileError',
      undefined,
      expect.stringContaining('seq.in cannot be read: ENOENT'),
    ]);
  });

  it('are read no further than somebody asks, and closed then', async () => {
    const openFiles = () => readdirSync('/dev/fd').length;
    const folder = folderOf({ 'seq.in': 'hi\n'.repeat(1e5), 'seq.out': `${'O\n'.repeat(5)}B-to I-to\n` });
    await all(fromSequenceFiles(folder).pipe(take(1)));
    const before = openFiles();
    const read = await lastValueFrom(fromSequenceFiles(folder).pipe(take(5), toArray()));
    expect(read).toHaveLength(5);
    await vi.waitFor(() => expect(openFiles()).toBe(before));
  });
});
