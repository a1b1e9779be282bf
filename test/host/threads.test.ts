/** Threads that learn give way to those that speak, where the system lets a thread say so. */
import { readdirSync, readFileSync } from 'node:fs';
import { adam, configure, crossEntropy, dense, embedding, ids, stack, tbptt } from 'oxbow';
import { filter, firstValueFrom, interval, map, NEVER, startWith, switchMap } from 'rxjs';
import { expect, it } from 'vitest';

/** How many threads of this process have a nice value. */
const nice = () =>
  readdirSync('/proc/self/task').filter((thread) => {
    // The name of a thread, in brackets, may have spaces.
    const fields = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[16]) > 0;
  }).length;

it.runIf(process.platform === 'linux')('those of a learner have a nice value, and no others', async () => {
  configure({ threads: 2, learnerThreads: 2 });
  const model = stack({ embed: embedding(3, 4), head: dense(4, 3) }, { seed: 1 });
  const window = { input: ids([2, 1], [0, 1]), target: ids([2, 1], [1, 2]) };
  expect(nice()).toBe(0);
  const both$ = NEVER.pipe(
    startWith(window),
    tbptt(model, { loss: crossEntropy(), optimizer: adam(1e-2), thread: 'learner' }),
    // A thread may start after the first window is learnt.
    switchMap(() => interval(5)),
    map(nice),
    filter((count) => count === 2),
  );
  expect(await firstValueFrom(both$)).toBe(2);
});
