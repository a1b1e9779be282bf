/** What of a graph's inputs and outputs is its carry, what recurrent operators remember by themselves, and which axis is time. */
import { attributesOf } from '../../layers/onnx-graph/attributes.js';
import { type GraphAxes, type GraphNode, type GraphState, isShape } from '../../layers/onnx-graph/graph.js';
import { kinds } from '../../layers/onnx-graph/recurrent.js';
import type { ModelProto } from './proto.js';
import { cannotRead, type Port, type Stored } from './tensors.js';

type Makers = ReadonlyMap<string, GraphNode>;

const isRecurrent = ({ op }: GraphNode): boolean => Object.hasOwn(kinds, op);

/** Numbers of a state that a lane has at most. */
const MOST_OF_A_STATE = 2 ** 20;

/** Operators through which a state goes as it is. */
const passing = new Set([
  'Identity',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Split',
  'Gather',
  'Transpose',
  'Reshape',
  'Cast',
  'Concat',
  'Expand',
]);

/** Where a state comes from: names that nothing of that kind makes. */
function sourcesOf(name: string, makers: Makers, known = new Map<string, ReadonlySet<string>>()): ReadonlySet<string> {
  const before = known.get(name);
  if (before !== undefined) return before;
  known.set(name, new Set());
  const maker = makers.get(name);
  const from =
    maker === undefined || !passing.has(maker.op)
      ? undefined
      : maker.op === 'Concat'
        ? maker.inputs
        : maker.inputs.slice(0, 1);
  const found = new Set(from === undefined ? [name] : from.flatMap((each) => [...sourcesOf(each, makers, known)]));
  known.set(name, found);
  return found;
}

interface Carries {
  readonly states: readonly GraphState[];
  /** Outputs that are a carry which enters nowhere: of what starts afresh with each window. */
  readonly leaving: readonly string[];
  readonly lengths: string | undefined;
}

const textOf = ({ metadata = [] }: ModelProto, key: string): string | undefined =>
  metadata.find((each) => each.key === key)?.value;

/** A state's sizes without the batch, which is on an axis. */
function stateOf({ name, axes }: Port, output: string, batch: number): GraphState {
  const shape = axes.filter((_, axis) => axis !== batch).map(({ value }) => value ?? 0);
  if (axes.length <= batch || shape.includes(0) || !isShape(shape, MOST_OF_A_STATE)) {
    return cannotRead(name, 'a state has sizes that are known, all but the batch; write them into its shape');
  }
  return { name, shape, batch, input: name, output };
}

export function carriesOf(
  model: ModelProto,
  nodes: readonly GraphNode[],
  makers: Makers,
  inputs: readonly Port[],
  outputs: readonly Port[],
): Carries {
  const ports = new Map(inputs.map((port) => [port.name, port]));
  const recurrents = nodes.filter(isRecurrent);
  const told = recurrents
    .flatMap(({ inputs: given }) => [...sourcesOf(given[4] ?? '', makers)])
    .filter((name) => ports.has(name));
  const lengths = new Set(told);
  if (lengths.size > 1) cannotRead([...lengths].join(', '), 'lengths of lanes enter at several inputs; give them one');
  const own = textOf(model, 'oxbow.carry');
  if (own !== undefined) return { ...namedPairs(own, ports, outputs), lengths: [...lengths][0] };

  // Which states of which operators an input becomes, and which an output was.
  const enters = new Map<string, Set<string>>();
  recurrents.forEach(({ inputs: given }, k) => {
    for (const at of [5, 6]) {
      for (const name of sourcesOf(given[at] ?? '', makers)) {
        if (ports.has(name)) enters.set(name, (enters.get(name) ?? new Set()).add(`${k}:${at}`));
      }
    }
  });
  const leaves = new Map<string, string>();
  const states = new Map(
    recurrents.flatMap((node, k) => node.outputs.slice(1).map((name, at) => [name, `${k}:${at + 5}`] as const)),
  );
  for (const { name } of outputs) {
    const parts = [...sourcesOf(name, makers)].map((each) => states.get(each));
    if (parts.every((part) => part !== undefined)) leaves.set(parts.sort().join(' '), name);
  }
  const found = [...enters].map(([name, parts]) => {
    const output = leaves.get([...parts].sort().join(' '));
    if (output === undefined)
      return cannotRead(name, 'this state enters the graph, and does not leave it; make it an output too');
    const port = ports.get(name) as Port;
    const direct = recurrents.find(({ inputs: given }) => given[5] === name || given[6] === name);
    const batchFirst = direct !== undefined && attributesOf(direct).number('layout', 0) === 1;
    return stateOf(port, output, port.axes.length === 3 && !batchFirst ? 1 : 0);
  });
  return { states: found, leaving: [], lengths: [...lengths][0] };
}

/** The pairs that a file of ours names. */
function namedPairs(
  text: string,
  ports: ReadonlyMap<string, Port>,
  outputs: readonly Port[],
): Pick<Carries, 'states' | 'leaving'> {
  let pairs: unknown;
  try {
    pairs = JSON.parse(text);
  } catch {
    return cannotRead('oxbow.carry', 'it is no JSON');
  }
  const list: readonly unknown[] = Array.isArray(pairs) ? pairs : cannotRead('oxbow.carry', 'it is no list of pairs');
  const seen = new Set<string>();
  const leaving: string[] = [];
  const states = list.flatMap((pair) => {
    const [input, output] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    const port = typeof input === 'string' ? ports.get(input) : undefined;
    const leaves = outputs.find(({ name }) => name === output);
    if (input === null && leaves !== undefined) {
      leaving.push(leaves.name);
      return [];
    }
    if (port === undefined || leaves === undefined || seen.has(port.name))
      return cannotRead('oxbow.carry', 'a pair names an input and an output, each once');
    seen.add(port.name);
    return stateOf(port, leaves.name, 0);
  });
  return { states, leaving };
}

/** Whether a tensor is all zeros, whatever its sizes are. */
function isZeros(name: string, makers: Makers, stored: ReadonlyMap<string, Stored>, depth = 0): boolean {
  const value = stored.get(name);
  if (value !== undefined) return value.data.length > 0 && Array.from(value.data).every((each) => each === 0);
  const maker = makers.get(name);
  if (maker === undefined || depth > 64) return false;
  if (maker.op === 'ConstantOfShape') return (maker.attributes.number ?? 0) === 0;
  if (!passing.has(maker.op)) return false;
  const from = maker.op === 'Concat' ? maker.inputs : maker.inputs.slice(0, 1);
  return from.every((each) => isZeros(each, makers, stored, depth + 1));
}

/** Nodes of which those that start from zeros go on from a part of the carry, where they run forwards; the parts are added. */
export function stateless(
  nodes: readonly GraphNode[],
  makers: Makers,
  stored: ReadonlyMap<string, Stored>,
  states: GraphState[],
): readonly GraphNode[] {
  const names = new Set(states.map(({ name }) => name));
  return nodes.map((node, k) => {
    if (!isRecurrent(node)) return node;
    const count = node.op === 'LSTM' ? 2 : 1;
    const given = [5, 6].slice(0, count).map((at) => node.inputs[at] ?? '');
    if (!given.every((name) => name === '' || isZeros(name, makers, stored))) return node;
    const inputs = node.inputs.map((name, at) => (at === 5 || (at === 6 && count === 2) ? '' : name));
    const attributes = attributesOf(node);
    if (attributes.text('direction', 'forward') !== 'forward') return { ...node, inputs };
    const units = unitsOf(node, stored);
    const label = node.name || `${node.op.toLowerCase()}${k + 1}`;
    const state = ['h', 'c'].slice(0, count).map((part) => {
      let name = `${label}.${part}`;
      while (names.has(name)) name += '_';
      names.add(name);
      states.push({ name, shape: [units], batch: 0 });
      return name;
    });
    return { ...node, inputs, state };
  });
}

function unitsOf(node: GraphNode, stored: ReadonlyMap<string, Stored>): number {
  const size = stored.get(node.inputs[2] ?? '')?.shape[2] ?? attributesOf(node).number('hidden_size', 0);
  if (Number.isSafeInteger(size) && size > 0 && size <= MOST_OF_A_STATE) return size;
  return cannotRead(node.name || node.op, 'its hidden_size is not known');
}

const timeNames = /time|seq|step|len|^t$/i;
const batchNames = /batch|^b$|^n$/i;

/** What a window's axes are to the graph: what it says itself, what its recurrent operators make of its input, or its axes' names. */
export function axesOf(
  model: ModelProto,
  nodes: readonly GraphNode[],
  makers: Makers,
  data: readonly Port[],
): GraphAxes {
  const own = textOf(model, 'oxbow.graph');
  if (own === 'window' || own === 'step') return own === 'step' ? 'step' : 'time';
  const first = nodes.find(isRecurrent);
  if (first !== undefined) {
    const axis = timeOf(first.inputs[0] ?? '', attributesOf(first).number('layout', 0), makers, data);
    if (axis === 0 || axis === 1) return axis === 0 ? 'time' : 'batch';
  }
  const [a, b] = (data[0] as Port).axes.map(({ param = '' }) => param);
  if (timeNames.test(a ?? '') || (first === undefined && batchNames.test(b ?? ''))) return 'time';
  if (timeNames.test(b ?? '')) return 'batch';
  if (first === undefined) return 'rows';
  return cannotRead(
    (data[0] as Port).name,
    'which of its axes is time cannot be told; call it time, and the other one batch',
  );
}

/** The axis of an input that an axis of what follows from it is. */
function timeOf(name: string, axis: number, makers: Makers, data: readonly Port[]): number | undefined {
  let [at, now] = [axis, name];
  for (let left = 10_000; left > 0; left -= 1) {
    if (data.some((port) => port.name === now)) return at;
    const maker = makers.get(now);
    if (maker === undefined) return undefined;
    const attributes = attributesOf(maker);
    if (maker.op === 'Transpose') at = attributes.numbers('perm')?.[at] ?? -1;
    else if (isRecurrent(maker)) at = attributes.number('layout', 0);
    now = (maker.op === 'Gather' ? maker.inputs[1] : maker.inputs[0]) ?? '';
  }
  return undefined;
}
