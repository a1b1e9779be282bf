import { crossEntropy, randomWindows, type TrainerState, tbptt } from 'oxbow';
import { lastValueFrom, map, skip, takeWhile, tap } from 'rxjs';
import { clock, fadingMean, stopwatch, timed } from '../shared/course.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';
import { optimizerOf, type Speaker } from './model.js';
import { recipe } from './recipe.js';

/** The loss that is shown forgets a window after some fifty more. */
const memory = 0.98;

/** Steps between two records. */
const RECORD = 100;

/** Learns until the last step or Ctrl-C, from where an earlier run ended; what the optimizer keeps then. */
export async function train(
  { model, shape, course, state }: Speaker,
  symbols: Int32Array,
  screen: Screen,
  interrupt: Interrupt,
): Promise<TrainerState | undefined> {
  const { steps, batch, seed } = course;
  const done = state?.step ?? 0;
  if (done >= steps) {
    screen.note(`it has learnt from ${count(done)} windows already; give more --steps to go on`);
    return state;
  }
  const time = clock();
  const watch = stopwatch();
  const losses = fadingMean(memory);
  const rate = (tokens: number) => tokens / watch.seconds();
  const line = (step: number, loss: number, tokens: number) =>
    [
      `step ${count(step)} of ${count(steps)}`,
      `loss ${loss.toFixed(3)} nats`,
      `${count(rate(tokens))} characters/s`,
      `${count(time.left((step - done) / (steps - done)))} s left`,
    ].join(' · ');

  const training$ = randomWindows(symbols, { length: shape.context, batch, count: steps, seed }).pipe(
    skip(done),
    timed(
      watch,
      tbptt(model, { loss: crossEntropy(), optimizer: optimizerOf(course), clipNorm: recipe.clipNorm, state }),
    ),
    map((taught) => ({ ...taught, last: taught.step === steps || interrupt.requested() })),
    tap(({ step, loss, tokens, last }) => {
      const mean = losses.add(loss);
      screen.live(() => line(step, mean, tokens), last);
      if (step % RECORD === 0 || last) screen.record({ step, loss: mean, charactersPerSecond: rate(tokens) });
    }),
    takeWhile(({ last }) => !last, true),
    // Only now: by the end of the stream the optimizer is gone.
    map(({ step, last, state: kept }) => (last ? { step, state: kept() } : undefined)),
  );
  const end = await lastValueFrom(training$);
  const step = end?.step ?? done;
  const windows = `${count(step - done)} windows in ${time.seconds().toFixed(1)} s`;
  screen.note(step < steps ? `stopped after step ${count(step)} of ${count(steps)}; ${windows}` : `learnt ${windows}`);
  return end?.state;
}
