/** Training that speaks meanwhile: the same for a corpus and for lines as they arrive. */

import { adam, crossEntropy, momentum, rmsprop, type Schedule, type SymbolWindow, sgd, tbptt } from 'oxbow';
import { connect, last, lastValueFrom, merge, NEVER, type Observable, takeUntil, tap, timer } from 'rxjs';
import type { OptimizerName } from './options.js';
import { bitsOf, type Progress } from './progress.js';
import { recipe } from './recipe.js';
import { samples } from './say.js';
import type { Session } from './session.js';

const optimizers = { sgd, momentum, rmsprop, adam } satisfies Record<OptimizerName, unknown>;

/** Learns from windows until they end, the time is up or Ctrl-C is pressed, always at the end of a window. */
export async function learn(
  session: Session,
  windows$: Observable<SymbolWindow>,
  rate: Schedule,
  progress: Progress,
): Promise<void> {
  const { options, speaker, screen, interrupt } = session;
  const optimizer = optimizers[options.optimizer](rate);
  const training$ = windows$.pipe(
    takeUntil(merge(interrupt.requested$, deadline(options.seconds))),
    tbptt(speaker.model, { loss: crossEntropy(), optimizer, clipNorm: recipe.clipNorm }),
    tap(({ loss, tokens }) => progress.seen(loss, tokens - progress.symbols())),
  );
  const whileTraining$ = training$.pipe(
    connect((steps$) =>
      merge(
        samples(session).pipe(
          tap((said) => {
            screen.say(screen.dim(`» ${said}`));
            screen.record({ characters: progress.symbols(), bitsPerCharacter: bitsOf(progress.recent()), said });
          }),
          takeUntil(steps$.pipe(last(null, null))),
        ),
        steps$,
      ),
    ),
  );
  await lastValueFrom(whileTraining$, { defaultValue: undefined });
  progress.finish();
}

// Timers end at 2³¹ ms.
const deadline = (seconds: number): Observable<unknown> =>
  seconds === Number.POSITIVE_INFINITY ? NEVER : timer(Math.min(1000 * seconds, 2 ** 31 - 1));
