import { map, Subject } from 'rxjs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { stopwatch, timed } from '../../examples/shared/course.js';

test('the time of an operator is what it takes, and not what comes between', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const watch = stopwatch();
  const values = new Subject<number>();
  const takes = map((milliseconds: number) => vi.advanceTimersByTime(milliseconds));
  values.pipe(timed(watch, takes)).subscribe();
  values.next(250);
  // An evaluation, a sample, a checkpoint.
  vi.advanceTimersByTime(60_000);
  values.next(500);
  vi.advanceTimersByTime(60_000);
  expect(watch.seconds()).toBe(0.75);
});
