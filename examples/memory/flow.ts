/** How gradients flow back through the cells before anything is learnt. */
import { writeFileSync } from 'node:fs';
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

const [inputs, units, steps] = [2, 32, 200];
const { chrono, orthogonal, sideBySide, zeros } = initializers;

const rnn = (gain: number) => simpleRnnCell(inputs, units, { initializers: { wh: orthogonal(gain) } });

const flowOf = <S>(cell: Cell<S>): GradientFlow => gradientFlow(cell, { steps });

/** Draws the plot, and gives for each curve the mean factor of one step back. */
export function drawFlow(path: string): readonly string[] {
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
  writeFileSync(path, logPlot(curves, { title: 'How much of the gradient arrives', x: 't − k', y: '‖∂L_t/∂h_k‖' }));
  return flows.map(({ name, flow, of }) => `${name}: × ${(flow.factors[of] as number).toFixed(3)} a step`);
}
