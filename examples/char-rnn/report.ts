/** How a run begins and ends: figures, the checkpoint, the model's own words. */
import * as E from 'fp-ts/lib/Either.js';
import { lanes, surprisal } from 'oxbow';
import { map, takeUntil, takeWhile, tap } from 'rxjs';
import { clock } from '../shared/course.js';
import type { Failure } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { weightsIn } from '../shared/weights.js';
import { bitsOf } from './progress.js';
import { recipe } from './recipe.js';
import { finalText } from './say.js';
import type { Session } from './session.js';

/** What is about to be trained, and on what. */
export function introduce({ speaker, screen, machine, kept }: Session, data: object = {}): void {
  const { cell, units, layers, embed } = speaker.recipe;
  const input = embed === 0 ? 'one-hot' : `embedding ${embed}`;
  const weights = weightsIn(speaker.model.params);
  screen.say(`${input}, ${cell} ${layers} × ${units}: ${count(weights)} weights; ${machine}`);
  const goesOn = kept && { step: kept.step, saved: kept.from.date };
  screen.record({ ...data, ...speaker.recipe, symbols: speaker.vocab.size, weights, machine, goesOn });
}

/** Seconds that scoring may take in any case. */
const SCORING = 5;

export interface Scored {
  readonly bitsPerCharacter: number;
  /** Of those held out, so many were scored. */
  readonly characters: number;
}

/**
 * Bits per character of text that was not learnt from, read in a few lanes, each with its carry: its first characters, and
 * no more of them than were read by the time that training was given.
 */
export async function reportHeldOut(
  { plan, speaker, screen, interrupt }: Session,
  heldOut: Int32Array,
): Promise<Scored | undefined> {
  const chosen = heldOut.subarray(0, recipe.scored + 1);
  const predictable = chosen.length - 1;
  const batch = Math.min(16, Math.ceil(predictable / 256));
  const length = Math.min(128, Math.floor(predictable / batch));
  const time = clock();
  const most = plan.seconds === null ? Number.POSITIVE_INFINITY : Math.max(SCORING, plan.seconds);
  let bits = 0;
  let symbols = 0;
  const part = () => Math.max(symbols / predictable, time.seconds() / most);
  const surprises$ = lanes(chosen, { batch, length }).pipe(
    takeUntil(interrupt.requested$),
    takeWhile(() => time.seconds() < most),
    map(({ input }) => input),
    surprisal(speaker.model),
  );
  await surprises$.forEach(({ data }) => {
    // Nothing precedes a lane's first symbol, so it says nothing about the model.
    const counted = symbols === 0 ? data.subarray(batch) : data;
    for (const surprise of counted) bits += surprise;
    symbols += counted.length;
    screen.live(
      () =>
        `scoring held-out text: ${count(symbols)} of ${count(predictable)} characters · ${count(time.left(part()))} s left`,
    );
  });
  if (interrupt.requested()) return undefined;
  const mean = bits / symbols;
  const nats = (mean * Math.LN2).toFixed(3);
  const of = symbols < 0.9 * heldOut.length ? ` of ${count(heldOut.length)}` : '';
  screen.say(`held out: ${mean.toFixed(3)} bits per character (${nats} nats), ${count(symbols)}${of} characters`);
  return { bitsPerCharacter: mean, characters: symbols };
}

/** What a stream's symbols cost, each predicted before it was learnt from. */
export function reportStream({ screen }: Session, overall: number, symbols: number): void {
  screen.say(
    `all of it: ${bitsOf(overall).toFixed(3)} bits per character before learning it, ${count(symbols)} characters`,
  );
}

/** An end before the first window. */
export function endedAtOnce({ screen, interrupt }: Session): E.Either<Failure, void> {
  screen.note('nothing learnt, nothing saved');
  screen.record({ characters: 0, interrupted: interrupt.requested() });
  return E.right(undefined);
}

/** Lets the model speak; `outcome` is what the JSON record has in addition. */
export async function finish(session: Session, outcome: object): Promise<E.Either<Failure, void>> {
  const { options, screen, interrupt } = session;
  const said = interrupt.requested() ? undefined : await speak(session);
  screen.record({ ...outcome, saved: options.save, said, interrupted: interrupt.requested() });
  return E.right(undefined);
}

/** The model's last words, after its prompt. */
async function speak(session: Session): Promise<string> {
  const { screen, speaker, prompt } = session;
  let said = speaker.vocab.decode(prompt.data);
  screen.write(`\n${said}`);
  await finalText(session)
    .pipe(tap(screen.write))
    .forEach((symbol) => {
      said += symbol;
    });
  screen.write('\n');
  return said;
}
