/** A graph of ONNX as a layer: its weights are parameters, and what its recurrent operators remember is the carry. */
import { described } from '../../description.js';
import { type Core, type Layer, layer, within } from '../../layer.js';
import { checkLengths, type Lengths } from '../../ops/lengths.js';
import type { Ops } from '../../ops/ops.js';
import { zeros as zeroInitializer } from '../../parameters/initializers.js';
import { type Parameter, parameter } from '../../parameters/parameter.js';
import { type Ids, isTensor, showShape, type Tensor, zeros } from '../../tensor.js';
import { transposedIds } from './arrangement.js';
import { attributesOf } from './attributes.js';
import { type Graph, type GraphNode, graphFrom } from './graph.js';
import { operators } from './operators.js';
import { kinds, recurrent } from './recurrent.js';
import { fixed, isIds, reshape, signalOf, transpose, type Value } from './values.js';

type Record_<T> = Readonly<Record<string, T>>;
type Input = Tensor | Record_<Tensor>;

/**
 * A graph of ONNX, run in our primitives: what `importModel` makes of a file where no layer of ours is the same thing.
 *
 * Shapes: `x: [T, B, …] → y: [T, B, …]`, or records of signals where the graph takes or gives several. A graph that takes
 * rows is run on all steps of all lanes at once, one that takes a step on one after the other. The carry: the graph's own
 * states, and those of its recurrent operators, by name, the batch first.
 *
 * @param text the graph, as JSON.
 * @returns the layer, its parameters named as the graph's weights are.
 * @throws TypeError where the text is no graph.
 */
export function onnxGraph(text: string): Layer<Record_<Tensor>, Input, unknown, Record_<Parameter>> {
  const graph = graphFrom(text);
  const params: Record_<Parameter> = Object.fromEntries(
    Object.entries(graph.parameters).map(([name, shape]) => [name, parameter(shape, zeroInitializer())]),
  );
  const constants = Object.entries(graph.constants).map(
    ([name, { type, shape, data }]) => [name, fixed(type, shape, data)] as const,
  );
  const prepared = graph.nodes.map((node) => ({ ...node, read: attributesOf(node) }));
  const core: Core<Record_<Tensor>, Input, unknown, Record_<Parameter>> = {
    kind: 'onnxGraph',
    params,
    initial: (batch) => Object.fromEntries(graph.states.map(({ name, shape }) => [name, zeros([batch, ...shape])])),
    apply(ops, carry, x) {
      const first = isTensor(x) ? x : (Object.values(x)[0] as Tensor);
      const lengths = checkLengths(ops.lengths, first, 'onnxGraph');
      if (lengths !== undefined && graph.lengths === undefined) {
        throw new TypeError(
          'onnxGraph: the graph takes no lengths, and cannot be masked; take windows without padding.',
        );
      }
      if (graph.axes !== 'step') return window(ops, carry, x, lengths);
      const steps = first.shape[0] as number;
      let state = carry;
      const outputs = Array.from({ length: steps }, (_, t) => {
        const [y, next] = window(ops, state, stepOf(ops, x, t), undefined);
        state = next;
        return y;
      });
      return [joinSteps(ops, outputs), state];
    },
  };

  /** One run of the graph. */
  function window(
    ops: Ops,
    carry: Record_<Tensor>,
    x: Input,
    lengths: Lengths | undefined,
  ): readonly [unknown, Record_<Tensor>] {
    const values = new Map<string, Value>([...constants, ...Object.entries(params)]);
    const [steps = 0, lanes = 0] = (isTensor(x) ? x : (Object.values(x)[0] as Tensor)).shape;
    for (const name of graph.inputs) {
      const given = isTensor(x) ? x : x[name];
      if (given === undefined) throw new TypeError(`onnxGraph: the signal has nothing for the input ${name}.`);
      values.set(name, entering(ops, graph, given));
    }
    if (graph.lengths !== undefined) {
      const real = lengths ?? new Array<number>(lanes).fill(steps);
      values.set(graph.lengths, fixed('int', [lanes], [...real]));
    }
    for (const { name, input, batch } of graph.states) {
      if (input !== undefined) values.set(input, moved(ops, carry[name] as Tensor, 0, batch));
    }
    const next: Record<string, Tensor> = {};
    for (const node of prepared) {
      const place = `${node.op}${node.name === '' ? '' : ` ${node.name}`}`;
      within(`onnxGraph: ${place}`, () => {
        const given = node.inputs.map((name) => (name === '' ? undefined : valueAt(values, name)));
        const made = Object.hasOwn(kinds, node.op)
          ? remembering(ops, node, given, carry, next)
          : operators[node.op]?.(ops, given, node.read);
        if (made === undefined) throw new TypeError('there is no such operator');
        const list: readonly Value[] = Array.isArray(made) ? made : [made as Value];
        node.outputs.forEach((name, k) => {
          if (name !== '' && list[k] !== undefined) values.set(name, list[k]);
        });
      });
    }
    for (const { name, output, batch } of graph.states) {
      if (output !== undefined) next[name] = moved(ops, signalOf(valueAt(values, output)), batch, 0);
    }
    const results = graph.outputs.map(
      (name) => [name, leaving(ops, graph, signalOf(valueAt(values, name)), steps, lanes)] as const,
    );
    return [results.length === 1 ? results[0]?.[1] : Object.fromEntries(results), next];
  }

  return described(layer(core), 'onnxGraph', [text]);
}

function valueAt(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new TypeError(`nothing is called ${name}`);
  return value;
}

/** A recurrent operator, from its part of the carry where the file has it start from zeros. */
function remembering(
  ops: Ops,
  node: GraphNode & { readonly read: ReturnType<typeof attributesOf> },
  given: readonly (Value | undefined)[],
  carry: Record_<Tensor>,
  next: Record<string, Tensor>,
): readonly Tensor[] {
  const { state = [] } = node;
  const batchFirst = node.read.number('layout', 0) === 1;
  const inputs = [...given];
  while (inputs.length < 5 + state.length) inputs.push(undefined);
  const shaped = (x: Tensor): Tensor => {
    const [lanes = 0, units = 0] = [x.shape.at(batchFirst || x.shape.length === 2 ? 0 : 1), x.shape.at(-1)];
    return reshape(ops, x, x.shape.length === 3 ? [lanes, units] : batchFirst ? [lanes, 1, units] : [1, lanes, units]);
  };
  state.forEach((name, k) => {
    inputs[5 + k] = shaped(carry[name] as Tensor);
  });
  const outcome = recurrent(ops, node.op, inputs, node.read);
  state.forEach((name, k) => {
    next[name] = shaped(outcome[1 + k] as Tensor);
  });
  return outcome;
}

/** The batch's axis from one place to another. */
function moved(ops: Ops, x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const order = x.shape.map((_, axis) => axis);
  order.splice(to, 0, ...order.splice(from, 1));
  return transpose(ops, x, order);
}

/** A window as the graph takes it. */
function entering(ops: Ops, { axes }: Graph, x: Tensor): Tensor {
  if (axes === 'time') return x;
  const [steps = 0, lanes = 0, ...rest] = x.shape;
  if (axes !== 'batch') return reshape(ops, x, [steps * lanes, ...rest]);
  const order = [1, 0, ...rest.map((_, k) => k + 2)];
  return isIds(x) ? transposedIds(ops, x as Ids, order) : transpose(ops, x, order);
}

/** What comes of it as a window: of a lane as a whole, its one step. */
function leaving(ops: Ops, { axes }: Graph, y: Tensor, steps: number, lanes: number): Tensor {
  const [first, second] = y.shape;
  if (axes === 'step') return reshape(ops, y, [1, ...y.shape]);
  if (axes === 'rows') {
    if (first === steps * lanes) return reshape(ops, y, [steps, lanes, ...y.shape.slice(1)]);
    throw new RangeError(`onnxGraph: of ${steps * lanes} rows it gives ${showShape(y.shape)}, which is not as many.`);
  }
  if (y.shape.length < 3) {
    if (first === lanes) return reshape(ops, y, [1, ...y.shape]);
  } else if (axes === 'batch' && first === lanes) {
    return transpose(ops, y, [1, 0, ...y.shape.slice(2).map((_, k) => k + 2)]);
  } else if (axes === 'time' && second === lanes) return y;
  throw new RangeError(
    `onnxGraph: it gives ${showShape(y.shape)} for ${steps} steps of ${lanes} lanes, and none of its axes are these.`,
  );
}

const stepOf = (ops: Ops, x: Input, t: number): Input =>
  isTensor(x)
    ? ownStep(ops, x, t)
    : Object.fromEntries(Object.entries(x).map(([name, each]) => [name, ownStep(ops, each, t)]));

function ownStep(ops: Ops, x: Tensor, t: number): Tensor {
  const steps = x.shape[0] as number;
  if (steps === 1) return x;
  return isIds(x) ? idsAt(x as Ids, t) : (ops.split(x, 0, new Array<number>(steps).fill(1))[t] as Tensor);
}

function idsAt(x: Ids, t: number): Ids {
  const size = x.data.length / (x.shape[0] as number);
  return { shape: [1, ...x.shape.slice(1)], type: 'int32', data: x.data.slice(t * size, (t + 1) * size) as Int32Array };
}

function joinSteps(ops: Ops, outputs: readonly unknown[]): unknown {
  const [first] = outputs;
  if (isTensor(first)) return outputs.length === 1 ? first : ops.concat(outputs as readonly Tensor[], 0);
  const names = Object.keys(first as Record_<Tensor>);
  return Object.fromEntries(
    names.map((name) => [
      name,
      ops.concat(
        (outputs as readonly Record_<Tensor>[]).map((each) => each[name] as Tensor),
        0,
      ),
    ]),
  );
}
