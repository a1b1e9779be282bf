/** Training that speaks meanwhile: the same for a corpus and for lines as they arrive. */
import * as E from 'fp-ts/lib/Either.js';
import { adam, crossEntropy, momentum, rmsprop, type Schedule, type SymbolWindow, sgd, tbptt } from 'oxbow';
import {
  connect,
  exhaustMap,
  filter,
  last,
  lastValueFrom,
  merge,
  NEVER,
  type Observable,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import { timed } from '../shared/course.js';
import { count } from '../shared/numbers.js';
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
    timed(progress.watch, tbptt(speaker.model, { loss: crossEntropy(), optimizer, clipNorm: recipe.clipNorm })),
    tap(({ loss, tokens }) => progress.seen(loss, tokens - progress.symbols())),
  );
  const whileTraining$ = training$.pipe(
    connect((steps$) =>
      merge(
        merge(
          samples(session).pipe(
            tap((said) => {
              screen.say(screen.dim(`» ${said}`));
              screen.record({ characters: progress.symbols(), bitsPerCharacter: bitsOf(progress.recent()), said });
            }),
          ),
          checkpoints(session, progress),
        ).pipe(takeUntil(steps$.pipe(last(null, null)))),
        steps$,
      ),
    ),
  );
  await lastValueFrom(whileTraining$, { defaultValue: undefined });
  progress.finish();
}

/** What has been learnt so far, every so often: whatever ends the process, little is lost. */
function checkpoints({ options, screen, keep }: Session, progress: Progress): Observable<unknown> {
  const every = milliseconds(options.saveEvery);
  return timer(every, every).pipe(
    filter(() => progress.symbols() > 0),
    exhaustMap(async () => {
      const symbols = progress.symbols();
      const kept = await keep();
      if (E.isRight(kept)) screen.note(`saved ${options.save} after ${count(symbols)} characters`);
      else screen.note(`${kept.left.message} Training goes on.`);
    }),
  );
}

// Timers end at 2³¹ ms.
const milliseconds = (seconds: number): number => Math.min(1000 * seconds, 2 ** 31 - 1);

const deadline = (seconds: number): Observable<unknown> =>
  seconds === Number.POSITIVE_INFINITY ? NEVER : timer(milliseconds(seconds));
