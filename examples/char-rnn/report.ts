/** How a run begins and ends: figures, the checkpoint, the model's own words. */
import * as E from 'fp-ts/lib/Either.js';
import { lanes, surprisal } from 'oxbow';
import { map, takeUntil, tap } from 'rxjs';
import { writeCheckpoint } from '../shared/checkpoint.js';
import type { Failure } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { weightsIn } from '../shared/weights.js';
import { toCheckpoint } from './model.js';
import { bitsOf } from './progress.js';
import { finalText } from './say.js';
import type { Session } from './session.js';

/** What is about to be trained, and on what. */
export function introduce({ speaker, screen, machine }: Session, data: object = {}): void {
  const { cell, units, layers, embed } = speaker.shape;
  const input = embed === 0 ? 'one-hot' : `embedding ${embed}`;
  const weights = weightsIn(speaker.model.params);
  screen.say(`${input}, ${cell} ${layers} × ${units}: ${count(weights)} weights; ${machine}`);
  screen.record({ ...data, ...speaker.shape, symbols: speaker.vocab.size, weights, machine });
}

/** Bits per character of text that was not learnt from, read in a few lanes, each with its carry. */
export async function reportHeldOut(
  { speaker, screen, interrupt }: Session,
  heldOut: Int32Array,
): Promise<number | undefined> {
  const predictable = heldOut.length - 1;
  const batch = Math.min(16, Math.ceil(predictable / 256));
  const length = Math.min(128, Math.floor(predictable / batch));
  let bits = 0;
  let symbols = 0;
  const surprises$ = lanes(heldOut, { batch, length }).pipe(
    takeUntil(interrupt.requested$),
    map(({ input }) => input),
    surprisal(speaker.model),
  );
  await surprises$.forEach(({ data }) => {
    // Nothing precedes a lane's first symbol, so it says nothing about the model.
    const counted = symbols === 0 ? data.subarray(batch) : data;
    for (const surprise of counted) bits += surprise;
    symbols += counted.length;
  });
  if (interrupt.requested()) return undefined;
  const mean = bits / symbols;
  const nats = (mean * Math.LN2).toFixed(3);
  screen.say(`held out: ${mean.toFixed(3)} bits per character (${nats} nats), ${count(symbols)} characters`);
  return mean;
}

/** What a stream's symbols cost, each predicted before it was learnt from. */
export function reportStream({ screen }: Session, overall: number, symbols: number): void {
  screen.say(
    `all of it: ${bitsOf(overall).toFixed(3)} bits per character before learning it, ${count(symbols)} characters`,
  );
}

/** Writes the checkpoint and lets the model speak; `outcome` is what machines are told beside that. */
export async function finish(session: Session, outcome: object): Promise<E.Either<Failure, void>> {
  const { speaker, options, screen, interrupt } = session;
  const saved = await writeCheckpoint(options.save, toCheckpoint(speaker))();
  if (E.isLeft(saved)) return saved;
  screen.say(`saved ${options.save}: ${count(weightsIn(speaker.model.params))} weights`);
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
