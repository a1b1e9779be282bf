/** Memory that is not shared may be elsewhere once it has grown: what a run keeps is in arrays of its own then. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointed, configure, machine, tbptt } from 'oxbow';
import { from, lastValueFrom, tap } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fileOf, make, numbersOf, plain, remembering, stepsIn, windowsIn } from './kept-runs.js';

let base: string;
beforeAll(() => {
  configure({ shared: false });
  base = mkdtempSync(join(tmpdir(), 'oxbow-not-shared-'));
});
afterAll(() => rmSync(base, { recursive: true }));

it.each(['at once', 'in slices', 'on a learner that cannot be had'])('a file is whole: %s', async (way) => {
  const model = make();
  const path = join(base, way.replaceAll(' ', '-'));
  const expected = new Map<number, Uint8Array>();
  const options = {
    ...plain,
    ...(way === 'in slices' && { slice: 0 }),
    ...(way.includes('learner') && { thread: 'learner' as const }),
  };
  await lastValueFrom(
    from(windowsIn(5)).pipe(
      tbptt(model, options),
      remembering(model, expected),
      checkpointed(path, { model, everySteps: 1, keep: 100 }),
      tap(() => {
        const { heap, memory } = machine();
        heap.free(heap.allocate(memory.reserved));
      }),
    ),
  );
  expect(stepsIn(path)).toEqual(expect.arrayContaining([1, 5]));
  for (const step of stepsIn(path)) {
    expect(numbersOf(readFileSync(fileOf(path, step)))).toEqual(numbersOf(expected.get(step) as Uint8Array));
  }
});
