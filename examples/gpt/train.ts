import { crossEntropy, randomWindows, tbptt } from 'oxbow';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { clock, fadingMean, stopwatch, timed } from '../shared/course.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import { keeping, sayWhere, type TextMark } from '../shared/run.js';
import type { Screen } from '../shared/screen.js';
import { EXAMPLE, type GptAbout, type KeptGpt, optimizerOf, type Speaker } from './model.js';
import type { Options } from './options.js';
import { recipe } from './recipe.js';

/** The loss that is shown forgets a window after some fifty more. */
const memory = 0.98;

/** Steps between two records. */
const RECORD = 100;

/** Learns until the last step or Ctrl-C, from where the run was; how many steps it has learnt from then. */
export async function train(
  { model, shape, course, vocab }: Speaker,
  options: Options,
  kept: KeptGpt | undefined,
  symbols: Int32Array,
  text: TextMark,
  screen: Screen,
  interrupt: Interrupt,
): Promise<number> {
  const { steps, batch, seed } = course;
  const done = kept?.step ?? 0;
  if (kept) sayWhere(screen, kept, `${((100 * done) / steps).toFixed(0)} % of training`);
  if (done >= steps) {
    screen.note(`it has learnt from ${count(done)} windows already; give more --steps to go on`);
    return done;
  }
  const time = clock();
  const watch = stopwatch(kept?.about.reached.learning);
  const losses = fadingMean(memory, kept?.about.reached.recent);
  const rate = (tokens: number) => tokens / watch.seconds();
  let reached = { step: done, tokens: 0 };
  const line = () =>
    [
      `step ${count(reached.step)} of ${count(steps)}`,
      `loss ${losses.mean().toFixed(3)} nats`,
      `${count(rate(reached.tokens))} characters/s`,
      `${count(time.left((reached.step - done) / (steps - done)))} s left`,
    ].join(' · ');
  const record = () => {
    const { step, tokens } = reached;
    screen.record({ step, loss: losses.mean(), charactersPerSecond: rate(tokens) });
  };
  const about = (): GptAbout => ({
    example: EXAMPLE,
    task: 'language',
    vocab: vocab.toJSON(),
    recipe: { ...shape, ...course, length: shape.context, optimizer: 'adam' },
    text,
    reached: { recent: losses.state(), learning: watch.seconds() },
  });

  const windows = { length: shape.context, batch, count: steps, seed };
  const training$ = randomWindows(symbols, { ...windows, from: kept?.position }).pipe(
    takeUntil(interrupt.requested$),
    timed(
      watch,
      tbptt(model, {
        loss: crossEntropy(),
        optimizer: optimizerOf(course),
        clipNorm: recipe.clipNorm,
        from: kept?.snapshot,
      }),
    ),
    tap(({ step, loss, tokens }) => {
      losses.add(loss);
      reached = { step, tokens };
      if (step < steps) screen.live(line);
      if (step % RECORD === 0) record();
    }),
    keeping(options, screen, model, about),
  );
  await lastValueFrom(training$, { defaultValue: undefined });
  const { step } = reached;
  if (step > done) screen.live(line, true);
  if (step % RECORD !== 0) record();
  const windowsSaid = `${count(step - done)} windows in ${time.seconds().toFixed(1)} s`;
  screen.note(
    step < steps ? `stopped after step ${count(step)} of ${count(steps)}; ${windowsSaid}` : `learnt ${windowsSaid}`,
  );
  return step;
}
