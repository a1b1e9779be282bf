import { setImmediate as nextTurn } from 'node:timers/promises';
import { crossEntropy, type TrainerState, trainer } from 'oxbow';
import { clock, fadingMean, stopwatch } from '../shared/course.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';
import { draw } from './data.js';
import { optimizerOf, type Pupil } from './model.js';
import { recipe } from './recipe.js';

/** The loss that is shown forgets a batch after some twenty more. */
const memory = 0.95;

/** Steps between two records. */
const RECORD = 100;

/** Learns until the last step or an interrupt, from where an earlier run ended; what the optimizer keeps then, where it has ever learnt. */
export async function train(pupil: Pupil, screen: Screen, interrupt: Interrupt): Promise<TrainerState | undefined> {
  const { task, steps, model, random, state } = pupil;
  const learner = trainer(model, {
    loss: crossEntropy(),
    optimizer: optimizerOf(pupil),
    clipNorm: recipe.clipNorm,
    state,
  });
  const carry = model.initial(recipe.batch);
  const done = learner.steps;
  const time = clock();
  const watch = stopwatch();
  const losses = fadingMean(memory);
  if (done >= steps)
    screen.note(`${task}: it has learnt from ${count(done)} batches already; give more --steps to go on`);
  while (learner.steps < steps && !interrupt.requested()) {
    const { source, before, target } = draw(random, task);
    watch.start();
    const { loss } = learner.learn({ carry, input: { source, target: before }, target, alone: true });
    watch.stop();
    const mean = losses.add(loss);
    const step = learner.steps;
    const line = () =>
      [
        `${task}: step ${count(step)} of ${count(steps)}`,
        `loss ${mean.toFixed(4)}`,
        `${count(((step - done) * recipe.batch) / watch.seconds())} sequences/s`,
        `${count(time.left((step - done) / (steps - done)))} s left`,
      ].join(' · ');
    screen.live(line, step === steps || interrupt.requested());
    if (step % RECORD === 0) screen.record({ task, step, loss: mean });
    // Ctrl-C has its turn.
    await nextTurn();
  }
  const batches = `${count(learner.steps - done)} batches in ${time.seconds().toFixed(1)} s`;
  if (interrupt.requested()) {
    screen.note(`${task}: stopped after step ${count(learner.steps)} of ${count(steps)}; ${batches}`);
  } else if (done < steps) {
    screen.note(`${task}: learnt ${batches}`);
  }
  const kept = learner.steps === 0 ? undefined : learner.state();
  learner.release();
  return kept;
}
