/** Language models made for more symbols, as those come to be that grow by them. */
import type { weightsOf } from '../../src/formats/weights.js';
import type { Core } from '../../src/layer.js';
import { type Parameter, parametersOf } from '../../src/parameters/parameter.js';
import { type Ids, type Tensor, tensor } from '../../src/tensor.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';
import type { TrainerState } from '../../src/training/trainer-state.js';
import { bytesOf } from '../training/training-run.js';

type Model = Core<unknown, Ids, Tensor>;

export const bitsOf = (model: Model, { slots }: TrainerState) => ({
  weights: parametersOf(model.params).map(([path, { shape, data }]) => [path, shape, bytesOf(data)]),
  slots: Object.entries(slots).map(([path, { shape, data }]) => [path, shape, bytesOf(data)]),
});

/** A model made for more symbols, with weights of one for fewer: new vectors as they are drawn, new columns like the escape's. */
export function enlarged(
  make: (symbols: number) => Model,
  { weights, size }: { readonly weights: ReturnType<typeof weightsOf>; readonly size: number },
  symbols: number,
): Model {
  const drawn = make(1);
  for (const [, each] of parametersOf(drawn.params)) for (const axis of each.grows) each.grow(axis, symbols);
  const larger = make(symbols);
  const grownRows = new Map(parametersOf(drawn.params));
  for (const [path, parameter] of parametersOf(larger.params)) {
    parameter.assign(lined(parameter, weights[path] as Tensor, grownRows.get(path) as Parameter, size));
  }
  return larger;
}

function lined({ shape, grows }: Parameter, old: Tensor, drawn: Parameter, size: number): Float32Array {
  if (grows.length === 0) return old.data as Float32Array;
  const columns = shape.at(-1) as number;
  const before = old.shape.at(-1) as number;
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => {
    const [row, column] = [Math.floor(k / columns), k % columns];
    if (shape.length === 2 && grows.includes(0)) {
      return (row < size ? old.data[k] : drawn.data[k]) as number;
    }
    return old.data[row * before + (column < size ? column : 0)] as number;
  });
}

/** What an optimizer keeps of fewer symbols, for more: 0 where there was nothing. */
export const stateFor = ({ step, slots }: TrainerState, larger: Model, optimizer: Optimizer): TrainerState => ({
  step,
  slots: Object.fromEntries(
    parametersOf(larger.params).flatMap(([path, { shape }]) =>
      optimizer.slots.map((slot) => {
        const old = slots[`${path}.${slot}`] as Tensor;
        const [columns, before] = [shape.at(-1) as number, old.shape.at(-1) as number];
        const rows = old.data.length / before;
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => {
          const [row, column] = [Math.floor(k / columns), k % columns];
          return row < rows && column < before ? (old.data[row * before + column] as number) : 0;
        });
        return [`${path}.${slot}`, tensor(shape, data)] as const;
      }),
    ),
  ),
});
