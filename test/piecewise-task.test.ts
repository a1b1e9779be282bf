import { finish, inTurns, type PiecewiseTask, timeSlice } from 'oxbow';
import { concatMap, count, from, lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';

/** Notes each piece; whether it was ended before its time is the last note. */
function* noting(notes: string[], pieces = 3): PiecewiseTask<string> {
  let whole = false;
  try {
    for (let k = 1; k <= pieces; k += 1) {
      notes.push(`piece ${k}`);
      yield;
    }
    whole = true;
    return 'outcome';
  } finally {
    notes.push(whole ? 'done' : 'ended');
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a task', () => {
  it('is done at once by finish', () => {
    const notes: string[] = [];
    expect(finish(noting(notes))).toBe('outcome');
    expect(notes).toEqual(['piece 1', 'piece 2', 'piece 3', 'done']);
  });

  it('lets others have their turn after each slice', async () => {
    const notes: string[] = [];
    const other = setInterval(() => notes.push('other'), 0);
    const outcomes = await lastValueFrom(
      inTurns(
        () => noting(notes),
        () => new Promise((resolve) => setTimeout(resolve, 5)),
      ).pipe(toArray()),
    );
    clearInterval(other);
    expect(outcomes).toEqual(['outcome']);
    expect(notes.slice(notes.indexOf('piece 1'), notes.indexOf('piece 2'))).toContain('other');
    expect(notes.slice(notes.indexOf('piece 2'), notes.indexOf('piece 3'))).toContain('other');
  });

  it('goes on without letting others in while its slice is not used up', async () => {
    const notes: string[] = [];
    const other = setImmediate(() => notes.push('other'));
    const outcome = await lastValueFrom(inTurns(() => noting(notes), timeSlice(60_000)));
    clearImmediate(other);
    expect([...notes, outcome]).toEqual(['piece 1', 'piece 2', 'piece 3', 'done', 'outcome']);
  });

  it('begins anew for each subscription', async () => {
    const notes: string[] = [];
    const work$ = inTurns(() => noting(notes), turn);
    expect(await Promise.all([lastValueFrom(work$), lastValueFrom(work$)])).toEqual(['outcome', 'outcome']);
    expect(await lastValueFrom(work$)).toBe('outcome');
    expect(notes.filter((note) => note === 'done').length).toBe(3);
  });

  it('can follow one another in any number', async () => {
    const few = from(Array.from({ length: 20_000 }, (_, k) => k)).pipe(
      concatMap(() => inTurns(() => noting([], 0), timeSlice(60_000))),
    );
    expect(await lastValueFrom(few.pipe(count()))).toBe(20_000);
  });

  it('ends where it is when nobody waits for it any more', async () => {
    const notes: string[] = [];
    const subscription = inTurns(() => noting(notes), turn).subscribe(() => notes.push('told'));
    await turn();
    subscription.unsubscribe();
    const then = [...notes];
    await turn();
    await turn();
    expect(then.at(-1)).toBe('ended');
    expect(notes).toEqual(then);
    expect(notes).not.toContain('piece 3');
  });

  it('can be taken once and unsubscribed from within its outcome', async () => {
    const notes: string[] = [];
    expect(await lastValueFrom(inTurns(() => noting(notes), turn).pipe(take(1)))).toBe('outcome');
    expect(notes.at(-1)).toBe('done');
  });

  it('hands on what it throws', async () => {
    function* failing(): PiecewiseTask<string> {
      yield;
      throw new RangeError('no');
    }
    await expect(lastValueFrom(inTurns(failing, turn))).rejects.toThrow(RangeError);
  });
});
