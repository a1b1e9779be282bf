/** Updates by rules that are written in Ops: one parameter after another, weights and what is kept last, all or none. */
import { BufferView } from '../kernels/buffer-view.js';
import { openWindow, windowOps } from '../ops/window.js';
import { isTensor, type Shape, sameShape, showShape, type Tensor } from '../tensor.js';
import { because } from './bad-reason.js';
import type { Gradient } from './forward.js';
import { type Optimizer, type RuleInOps, type RuleNumbers, slotsOfRule } from './optimizers/optimizer.js';
import { type Prepared, preparedInOps } from './optimizers/preparing.js';
import type { Kept } from './trained.js';

/** @throws Error, TypeError, RangeError where the rule fails, or what it gives cannot be; then nothing has changed. */
export function moveInOps(
  rule: RuleInOps,
  optimizer: Optimizer,
  kept: Kept,
  { space, gradients }: Pick<Gradient<unknown>, 'space' | 'gradients'>,
  prepared: Prepared,
  numbers: Pick<RuleNumbers, 'step' | 'learningRate'>,
): void {
  const { kind } = optimizer;
  const { trained, parameters, table } = kept;
  const names = ['weights', ...slotsOfRule(optimizer)];
  const numbersOf = (k: number, name: number) =>
    name === 0 ? (parameters[k]?.place.data as Float32Array) : table.slot(k, name - 1);

  /** What becomes of a parameter's arrays, each in a place of the window; all that it took besides is given back. */
  function moved(path: string, shape: Shape, k: number): readonly BufferView[] {
    const results = names.map(() => space.result(shape));
    const { space: within, scope, close } = openWindow(space.arena);
    const ops = windowOps(within);
    try {
      const arrays: Record<string, Tensor> = {};
      names.forEach((name, n) => {
        arrays[name] = new BufferView(space.machine, numbersOf(k, n).byteOffset, shape, 'float32', scope);
      });
      const [weights, gradient, bias] = [arrays.weights as Tensor, gradients[k] as Tensor, shape.length < 2];
      arrays.gradient = within.place(preparedInOps(ops, prepared, k, { weights, gradient, bias }));
      const given = checkedResults(rule(ops, arrays, { ...numbers, path, bias }), names, shape);
      results.forEach((result, n) => {
        const { data } = within.place(given[n] as Tensor);
        result.data.set(data);
      });
      return results;
    } catch (cause) {
      const Thrown = [TypeError, RangeError].find((known) => cause instanceof known) ?? Error;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Thrown(`${kind}: the update of ${path} failed: ${message}`, { cause });
    } finally {
      close();
    }
  }

  const all = trained.map(({ path, shape }, k) => moved(path, shape, k));
  names.forEach((name, n) => {
    const results = all.map((each) => each[n] as BufferView);
    const k = kept
      .step(space, results)
      .squares()()
      .each.findIndex((sum) => !Number.isFinite(sum));
    if (k < 0) return;
    const { shape, data } = results[k] as BufferView;
    const at = data.findIndex((value) => !Number.isFinite(value));
    throw because(
      'loss',
      new RangeError(
        `${kind}: at step ${numbers.step} the update of ${trained[k]?.path} makes ${name} ${data[at]} at element ${at} of ` +
          `${showShape(shape)}; nothing was changed. Keep the rule from dividing by 0, clip the gradient, or lower the learning rate.`,
      ),
    );
  });
  all.forEach((results, k) => {
    results.forEach(({ data }, n) => void numbersOf(k, n).set(data));
  });
}

/** What a rule gives, in the order of the names. */
function checkedResults(given: unknown, names: readonly string[], shape: Shape): readonly Tensor[] {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`it gave ${String(given)}, not a record of ${names.join(', ')}.`);
  }
  const unknown = Object.keys(given).find((name) => !names.includes(name) && name !== 'gradient');
  if (unknown !== undefined) throw new TypeError(`it gave ${unknown}, which is none of ${names.join(', ')}.`);
  return names.map((name) => {
    const array: unknown = Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined;
    if (!isTensor(array) || array.type === 'int32') {
      const got = isTensor(array) ? 'ids (int32)' : String(array);
      throw new TypeError(`it gave ${got} for ${name}; give numbers, the ones it has where they stay.`);
    }
    if (!sameShape(array.shape, shape)) {
      throw new RangeError(`it gave ${showShape(array.shape)} for ${name}, which is ${showShape(shape)}.`);
    }
    return array;
  });
}
