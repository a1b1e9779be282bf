import { expect, onTestFinished, test, vi } from 'vitest';
import { onInterrupt } from '../../../src/cli/shared/interrupt.js';

test('the first Ctrl-C asks to stop, its echo does nothing, the second one quits with 130', () => {
  const before = process.listeners('SIGINT');
  onTestFinished(() => {
    for (const added of process.listeners('SIGINT')) if (!before.includes(added)) process.off('SIGINT', added);
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
  vi.useFakeTimers({ toFake: ['performance'] });
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const { requested, requested$ } = onInterrupt('oxbow');
  let requests = 0;
  requested$.subscribe(() => {
    requests += 1;
  });
  const press = () => {
    for (const listener of process.listeners('SIGINT')) if (!before.includes(listener)) listener('SIGINT');
  };

  expect(requested()).toBe(false);
  press();
  press();
  expect([requested(), requests]).toEqual([true, 1]);
  expect(exit).not.toHaveBeenCalled();

  vi.advanceTimersByTime(1000);
  press();
  expect(exit).toHaveBeenCalledWith(130);
});
