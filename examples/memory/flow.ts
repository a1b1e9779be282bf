/** How gradients flow back through the cells before anything is learnt. */
import { writeFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import {
  type Cell,
  type GradientFlow,
  gradientFlow,
  gruCell,
  initializers,
  logPlot,
  lstmCell,
  simpleRnnCell,
} from 'oxbow';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import type { Screen } from '../shared/screen.js';

const [inputs, units, steps] = [2, 32, 200];
const { chrono, orthogonal, sideBySide, zeros } = initializers;

const rnn = (gain: number) => simpleRnnCell(inputs, units, { initializers: { wh: orthogonal(gain) } });

const flowOf = <S>(cell: Cell<S>): GradientFlow => gradientFlow(cell, { steps });

/** Draws the plot, and tells for each curve the mean factor of one step back. */
export function drawFlow(path: string, out: Screen): E.Either<Failure, void> {
  const b = sideBySide([chrono(steps, -1), chrono(steps), zeros(), zeros()]);
  const bz = sideBySide([chrono(steps), zeros(), zeros()]);
  const linear = simpleRnnCell(inputs, units, { activation: (_, z) => z, initializers: { wh: orthogonal(1.1) } });
  const flows = [
    { name: 'linear RNN, γ 1.1', flow: flowOf(linear), of: 'h' },
    { name: 'tanh RNN', flow: flowOf(rnn(1)), of: 'h' },
    { name: 'tanh RNN, γ ≤ 0.8', flow: flowOf(rnn(0.8)), of: 'h' },
    { name: 'LSTM, c', flow: flowOf(lstmCell(inputs, units)), of: 'c' },
    { name: 'LSTM, chrono, c', flow: flowOf(lstmCell(inputs, units, { initializers: { b } })), of: 'c' },
    { name: 'GRU, chrono', flow: flowOf(gruCell(inputs, units, { initializers: { b: bz } })), of: 'h' },
  ];
  const curves = flows.map(({ name, flow, of }) => ({ name, values: flow.norms[of] ?? [] }));
  const svg = logPlot(curves, { title: 'How much of the gradient arrives', x: 't − k', y: '‖∂L_t/∂h_k‖' });
  const written = E.tryCatch(
    () => writeFileSync(path, svg),
    (error) => failure(`--flow ${path} cannot be written: ${messageOf(error)}.`),
  );
  if (E.isLeft(written)) return written;
  for (const { name, flow, of } of flows) {
    const factor = flow.factors[of] as number;
    out.say(`${name}: × ${factor.toFixed(3)} a step`);
    out.record({ name, factor });
  }
  return written;
}
