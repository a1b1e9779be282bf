/** Training that speaks meanwhile and is kept: the same for a corpus and for lines as they arrive. */
import { adam, crossEntropy, momentum, rmsprop, type Schedule, type SymbolWindow, sgd, tbptt } from 'oxbow';
import { connect, last, lastValueFrom, merge, NEVER, type Observable, takeUntil, tap, timer } from 'rxjs';
import { timed } from '../shared/course.js';
import { count } from '../shared/numbers.js';
import { keeping, sayWhere } from '../shared/run.js';
import { bitsOf, type Progress } from './progress.js';
import { type OptimizerName, recipe } from './recipe.js';
import { samples } from './say.js';
import { aboutOf, type Session } from './session.js';

const optimizers = { sgd, momentum, rmsprop, adam } satisfies Record<OptimizerName, unknown>;

/** Learns from windows until they end, the time is up or Ctrl-C is pressed, always at the end of a window. */
export async function learn(
  session: Session,
  windows$: Observable<SymbolWindow>,
  rate: Schedule,
  progress: Progress,
  ...where: readonly string[]
): Promise<void> {
  const { options, speaker, plan, kept, screen, interrupt } = session;
  if (kept) {
    const part = progress.fraction() > 0 ? [`${(100 * progress.fraction()).toFixed(0)} % of training`] : [];
    sayWhere(screen, kept, ...where, ...part);
  }
  const optimizer = optimizers[speaker.recipe.optimizer](rate);
  let spoken = kept?.about.samples ?? 0;
  const training$ = windows$.pipe(
    takeUntil(merge(interrupt.requested$, deadline(plan.seconds, progress.seconds()))),
    timed(
      progress.watch,
      tbptt(speaker.model, { loss: crossEntropy(), optimizer, clipNorm: recipe.clipNorm, from: kept?.snapshot }),
    ),
    tap(({ loss, tokens }) => progress.seen(loss, tokens - progress.symbols())),
    keeping(options, screen, speaker.model, () => aboutOf(session, progress.reached(), spoken)),
  );
  const whileTraining$ = training$.pipe(
    connect((steps$) =>
      merge(
        samples(session, spoken).pipe(
          tap((said) => {
            spoken += 1;
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
const deadline = (seconds: number | null, spent: number): Observable<unknown> =>
  seconds === null ? NEVER : timer(Math.min(1000 * Math.max(0, seconds - spent), 2 ** 31 - 1));

/** Where it is in a plan that has been carried out. */
export const allOf = ({ plan }: Session): string =>
  [plan.epochs === null ? [] : `${count(plan.epochs)} epochs`, plan.seconds === null ? [] : `${plan.seconds} seconds`]
    .flat()
    .join(' or ');
