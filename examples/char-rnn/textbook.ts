/** The lecture's first text model: the eleventh character from ten. */
import { setImmediate } from 'node:timers/promises';
import * as E from 'fp-ts/lib/Either.js';
import { argmax, crossEntropy, type Generator, generator, type Ids, ids, rmsprop, trainer } from 'oxbow';
import { firstValueFrom, of } from 'rxjs';
import { type Failure, failure } from './failure.js';
import type { Speaker } from './model.js';
import { count, progress } from './progress.js';
import { textbook } from './recipe.js';
import { introduce, save } from './report.js';
import type { Session } from './session.js';

const { length, batch } = textbook;

/** Windows that start at the given places, side by side: `[10, B]` and the symbols after them, `[1, B]`. */
function examples(symbols: Int32Array, starts: Int32Array): { readonly input: Ids; readonly target: Ids } {
  const input = new Int32Array(length * starts.length);
  for (let t = 0; t < length; t += 1) {
    starts.forEach((start, b) => {
      input[t * starts.length + b] = symbols[start + t] as number;
    });
  }
  const target = starts.map((start) => symbols[start + length] as number);
  return { input: ids([length, starts.length], input), target: ids([1, starts.length], target) };
}

/** Every number below n once, in random order (Fisher and Yates). */
function shuffled(n: number, random: Generator): Int32Array {
  const order = Int32Array.from({ length: n }, (_, k) => k);
  for (let k = n - 1; k > 0; k -= 1) {
    const other = random.below(k + 1);
    [order[k], order[other]] = [order[other] as number, order[k] as number];
  }
  return order;
}

/** Goes on from ten characters; each time the model sees the last ten only, from the zero carry, as it was trained. */
async function continueWindow({ model, vocab }: Speaker, window: Int32Array, steps: number): Promise<string> {
  const said = [...window];
  for (let k = 0; k < steps; k += 1) {
    const chosen = await firstValueFrom(of(ids([length, 1], said.slice(-length))).pipe(model, argmax()));
    said.push(chosen.data.at(-1) as number);
  }
  return vocab.decode(said);
}

/** Iterations of one epoch over shuffled windows, each followed by what the model says then. */
export async function trainTextbook(session: Session): Promise<E.Either<Failure, void>> {
  const { options, speaker, screen, interrupt, text } = session;
  const { model, vocab } = speaker;
  const symbols = vocab.encode(text);
  const windows = symbols.length - length;
  if (windows < 1) return E.left(failure(`the text has ${symbols.length} symbols, too few for a window of ${length}.`));
  screen.say(`${count(windows)} windows of ${length} characters, ${vocab.size} symbols`);
  introduce(session);

  const random = generator(options.seed, 'shuffle');
  const optimizer = rmsprop(textbook.learningRate, textbook.rmsprop);
  const learner = trainer(model, { loss: crossEntropy(), optimizer });
  const done = progress(screen, { seconds: options.seconds, epochs: options.epochs, epoch: windows });
  const over = () => interrupt.requested() || done.fraction() >= 1;

  for (let iteration = 1; !over(); iteration += 1) {
    const order = shuffled(windows, random);
    for (let at = 0; at < windows && !over(); at += batch) {
      const { input, target } = examples(symbols, order.subarray(at, at + batch));
      const { loss } = learner.learn({ carry: model.initial(target.data.length), input, target });
      done.seen(loss, target.data.length);
      await setImmediate();
    }
    if (interrupt.requested()) break;
    const start = random.below(windows);
    const said = await continueWindow(speaker, symbols.slice(start, start + length), textbook.sample);
    screen.say(`iteration ${iteration}, loss ${done.recent().toFixed(3)}: ${screen.dim(said)}`);
  }
  learner.release();
  await save(session);
  return E.right(undefined);
}
