import type * as E from 'fp-ts/lib/Either.js';
import { cosine, lanes } from 'oxbow';
import type { Failure } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { allOf, learn } from './learn.js';
import { progress } from './progress.js';
import { endedAtOnce, finish, introduce, reportHeldOut } from './report.js';
import type { Session } from './session.js';
import type { Split } from './split.js';

/** Learns from a text in lanes, several epochs; holds out its end, saves, speaks. */
export async function train(session: Session, { training, heldOut, batch }: Split): Promise<E.Either<Failure, void>> {
  const { speaker, plan, kept, screen, interrupt } = session;
  const { length, learningRate, floor } = speaker.recipe;
  const characters = training.length + heldOut.length;
  screen.say(
    `${count(characters)} characters, ${speaker.vocab.size} symbols; the last ${count(heldOut.length)} held out`,
  );
  introduce(session, { characters, heldOut: heldOut.length });
  if (batch < speaker.recipe.batch) screen.note(`the text is short: ${batch} lanes instead of ${speaker.recipe.batch}`);

  const epoch = batch * Math.floor((training.length - 1) / batch);
  const done = progress(screen, plan, kept?.about.reached, epoch);
  const rate = cosine({ rate: learningRate, steps: 1, floor: floor * learningRate });
  const windows = { batch, length, epochs: plan.epochs ?? Number.POSITIVE_INFINITY };
  if (done.fraction() < 1) {
    const windows$ = lanes(training, { ...windows, ...(kept && { from: kept.position }) });
    await learn(
      session,
      windows$,
      () => rate(done.fraction()),
      done,
      ...(kept ? [`epoch ${kept.position.epoch}`] : []),
    );
  } else {
    screen.note(`it has learnt for all of its ${allOf(session)} already; give more --epochs or --seconds to go on`);
  }

  if (done.symbols() === 0) return endedAtOnce(session);
  const scored = interrupt.requested() ? undefined : await reportHeldOut(session, heldOut);
  return finish(session, { characters: done.symbols(), heldOut: scored });
}
