import * as E from 'fp-ts/lib/Either.js';
import { cosine, lanes } from 'oxbow';
import { type Failure, failure } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { learn } from './learn.js';
import { progress } from './progress.js';
import { recipe } from './recipe.js';
import { endedAtOnce, finish, introduce, reportHeldOut, save } from './report.js';
import type { Session } from './session.js';
import { splitCorpus } from './split.js';

/** Learns from a text in lanes, several epochs; holds out its end, saves, speaks. */
export async function train(session: Session): Promise<E.Either<Failure, void>> {
  const { options, speaker, screen, text, interrupt } = session;
  const { length, epochs, seconds, learningRate } = options;
  const symbols = speaker.vocab.encode(text);
  const split = splitCorpus(symbols, length, options.batch);
  if (typeof split === 'string') return E.left(failure(split));
  const { training, heldOut, batch } = split;

  screen.say(
    `${count(symbols.length)} characters, ${speaker.vocab.size} symbols; the last ${count(heldOut.length)} held out`,
  );
  introduce(session, { characters: symbols.length, heldOut: heldOut.length });
  if (batch < options.batch) screen.note(`the text is short: ${batch} lanes instead of ${options.batch}`);

  const epoch = batch * Math.floor((training.length - 1) / batch);
  const done = progress(screen, { seconds, epochs, epoch });
  const rate = cosine({ rate: learningRate, steps: 1, floor: recipe.floor * learningRate });
  await learn(session, lanes(training, { batch, length, epochs }), () => rate(done.fraction()), done);

  if (done.symbols() === 0) return endedAtOnce(session);
  const saved = await save(session);
  if (E.isLeft(saved)) return saved;
  const scored = interrupt.requested() ? undefined : await reportHeldOut(session, heldOut);
  return finish(session, { characters: done.symbols(), heldOut: scored });
}
