/** How a run begins and ends: figures, the checkpoint, the model's own words. */

import { lanes, parametersOf, saveCheckpoint, surprisal } from 'oxbow';
import { map, takeUntil } from 'rxjs';
import { count } from '../shared/numbers.js';
import { type CharModel, toCheckpoint } from './model.js';
import { bitsOf } from './progress.js';
import { finalText } from './say.js';
import type { Session } from './session.js';

const weights = (model: CharModel): number =>
  parametersOf(model.params).reduce((sum, [, { data }]) => sum + data.length, 0);

/** What is about to be trained, and on what. */
export function introduce({ speaker, screen, machine }: Session): void {
  const { cell, units, layers, embed } = speaker.shape;
  const input = embed === 0 ? 'one-hot' : `embedding ${embed}`;
  screen.say(`${input}, ${cell} ${layers} × ${units}: ${count(weights(speaker.model))} weights; ${machine}`);
}

/** Reports bits per character over text that was not learnt from, read in a few lanes, each with its carry. */
export async function reportHeldOut({ speaker, screen, interrupt }: Session, heldOut: Int32Array): Promise<void> {
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
  if (interrupt.requested()) return;
  const mean = bits / symbols;
  const nats = (mean * Math.LN2).toFixed(3);
  screen.say(`held out: ${mean.toFixed(3)} bits per character (${nats} nats), ${count(symbols)} characters`);
}

/** What a stream's symbols cost, each predicted before it was learnt from. */
export function reportStream({ screen }: Session, overall: number, symbols: number): void {
  screen.say(
    `all of it: ${bitsOf(overall).toFixed(3)} bits per character before learning it, ${count(symbols)} characters`,
  );
}

/** Writes the checkpoint. @throws Error where that fails. */
export async function save({ speaker, options, screen }: Session): Promise<void> {
  const saved = await saveCheckpoint(options.save, toCheckpoint(speaker))();
  if (saved._tag === 'Left') throw new Error(saved.left.message);
  screen.say(`saved ${options.save}: ${count(weights(speaker.model))} weights`);
}

/** The model's last words, after its prompt. */
export async function speak(session: Session): Promise<void> {
  const { screen, speaker, prompt, interrupt } = session;
  if (interrupt.requested()) return;
  screen.write(`\n${speaker.vocab.decode(prompt.data)}`);
  await finalText(session).forEach(screen.write);
  screen.write('\n');
}
