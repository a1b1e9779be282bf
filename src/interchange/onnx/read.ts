/** A file of ONNX as a graph that `onnxGraph` runs, and its weights. */
import { attributesOf } from '../../layers/onnx-graph/attributes.js';
import {
  type Attribute,
  type Graph,
  type GraphConstant,
  type GraphNode,
  type GraphState,
  MOST_NODES,
} from '../../layers/onnx-graph/graph.js';
import { checkAttributes, hasAttribute, isOperator } from '../../layers/onnx-graph/operators.js';
import { kinds } from '../../layers/onnx-graph/recurrent.js';
import { MOST_FIXED } from '../../layers/onnx-graph/values.js';
import type { SourceFile } from '../format.js';
import {
  type AttributeProto,
  AttributeType,
  DataType,
  decodeModel,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from './proto.js';
import { axesOf, carriesOf, stateless } from './read-carry.js';
import { fused } from './read-gelu.js';
import { cannotRead, type Port, type Stored, storedOf } from './tensors.js';

/** Operator sets of ONNX's own that operators are known in. */
const [FIRST, LAST] = [7, 21];

/** A graph, and the numbers of its parameters. */
export interface Imported {
  readonly graph: Graph;
  readonly weights: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>;
}

export const labelOf = ({ op, name }: { readonly op: string; readonly name: string }): string =>
  name === '' ? op : `${op} ${name}`;

export async function graphIn(file: SourceFile): Promise<Imported> {
  const model = decoded(file.bytes);
  const opset = opsetOf(model);
  const { graph = {} } = model;
  const protos = graph.node ?? [];
  if ((model.functions?.length ?? 0) > 0)
    cannotRead('functions', 'the file has functions of its own; write it without');
  if ((graph.sparseInitializer?.length ?? 0) > 0)
    cannotRead('sparse_initializer', 'it has sparse weights; write them dense');
  if (protos.length > MOST_NODES)
    cannotRead('the graph', `it has ${protos.length} nodes, and ${MOST_NODES} are the most`);

  const stored = new Map<string, Stored>();
  for (const each of graph.initializer ?? []) {
    const name = nameOf(each.name, 'an initializer');
    if (stored.has(name)) cannotRead(name, 'two initializers are called that');
    stored.set(name, await storedOf(each, name, file));
  }
  const initializers = new Set(stored.keys());
  const nodes: GraphNode[] = [];
  const known = new Set([...initializers, ...(graph.input ?? []).map((each) => nameOf(each.name, 'an input'))]);
  for (const proto of protos) {
    const node = await nodeOf(proto, opset, file, stored);
    for (const name of proto.input ?? []) {
      if (name !== '' && !known.has(name)) {
        cannotRead(
          node === undefined ? name : labelOf(node),
          `nothing before it is called ${name}: nodes are not in order, or go round`,
        );
      }
    }
    for (const name of proto.output ?? []) {
      if (name === '') continue;
      if (known.has(name)) cannotRead(name, 'two things are called that');
      known.add(nameOf(name, 'an output of a node'));
    }
    if (node !== undefined) nodes.push(node);
  }
  const inputs = (graph.input ?? []).map(portOf).filter(({ name }) => !initializers.has(name));
  const outputs = (graph.output ?? []).map(portOf);
  for (const { name } of outputs) if (!known.has(name)) cannotRead(name, 'nothing gives this output');
  if (outputs.length === 0) cannotRead('the graph', 'it gives nothing');
  const whole = fused(nodes, stored);
  for (const node of whole) if (!isOperator(node.op)) unknown(labelOf(node), node.op);
  return arranged(model, whole, inputs, outputs, stored, initializers);
}

function decoded(bytes: Uint8Array): ModelProto {
  try {
    return decodeModel(bytes);
  } catch (error) {
    const reason =
      error instanceof RangeError && /^(more|it|field) /.test(error.message)
        ? error.message
        : 'a message ends early, or is none';
    return cannotRead('the file', `it is no model of ONNX: ${reason}; get it anew`, error);
  }
}

function opsetOf({ opsetImport = [] }: ModelProto): number {
  const own = opsetImport.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')?.version;
  if (own !== undefined && own >= FIRST && own <= LAST) return own;
  return cannotRead(
    'opset_import',
    `its operator set is ${own ?? 'not said'}, and ${FIRST} to ${LAST} are known; write it in one of these`,
  );
}

function nameOf(name: string | undefined, what: string): string {
  if (name !== undefined && name !== '' && name !== '__proto__' && name.length <= 4096) return name;
  return cannotRead('the graph', `${what} has no name that can be taken`);
}

function portOf({ name, type }: ValueInfoProto): Port {
  const { elemType = 0, shape } = type?.tensorType ?? {};
  return { name: nameOf(name, 'an input or output'), type: elemType, axes: shape?.dim ?? [] };
}

/** A node, or undefined where it is a constant, which is stored. */
async function nodeOf(
  proto: NodeProto,
  opset: number,
  file: SourceFile,
  stored: Map<string, Stored>,
): Promise<GraphNode | undefined> {
  const { opType: op = '', name = '', domain = '', input = [], output = [], attribute = [] } = proto;
  const place = labelOf({ op, name });
  if (domain !== '' && domain !== 'ai.onnx')
    cannotRead(place, `it is an operator of ${domain}, which there is nothing for`);
  if (op === 'Constant') {
    const [only] = attribute;
    if (attribute.length !== 1 || only === undefined) return cannotRead(place, 'a constant has one value');
    const value = only.t ? await storedOf(only.t, place, file) : constantOf(only, place);
    if (output[0]) stored.set(output[0], value);
    return undefined;
  }
  // Erf is part of what is one node in the end.
  if (!isOperator(op) && op !== 'Erf') return unknown(place, op);
  const attributes: Record<string, Attribute> = {};
  for (const each of attribute) {
    const key = each.name ?? '';
    if (!hasAttribute(op, key) || key === '__proto__')
      cannotRead(`${place}, ${key}`, `${op} has no such attribute that is done`);
    if (op === 'ConstantOfShape') {
      const value = each.t ? await storedOf(each.t, place, file) : undefined;
      if (value?.data.length !== 1) return cannotRead(`${place}, ${key}`, 'it is one number');
      attributes.number = value.data[0] as number;
      attributes.kind = value.type;
    } else attributes[key] = attributeOf(each, `${place}, ${key}`);
  }
  if (op === 'Split') attributes.outputs = output.length;
  if (op === 'Softmax' && opset < 13) attributes.flat = 1;
  const node: GraphNode = { op, name, inputs: input, outputs: output, attributes };
  try {
    checkAttributes(op, attributesOf(node));
  } catch (error) {
    cannotRead(place, (error as Error).message);
  }
  if (op === 'Dropout' && input[2] && Number(stored.get(input[2])?.data[0] ?? 1) !== 0)
    cannotRead(place, 'it drops while it predicts; write the model for inference');
  return node;
}

const unknown = (place: string, op: string): never =>
  cannotRead(place, `there is no operator ${op} here; write the model without it, where it can be`);

function constantOf(attribute: AttributeProto, place: string): Stored {
  const { name, f, i, floats, ints } = attribute;
  if (name === 'value_float' && f !== undefined) return { type: 'float', shape: [], data: [f] };
  if (name === 'value_int' && i !== undefined) return { type: 'int', shape: [], data: [i] };
  if (name === 'value_floats' && floats) return { type: 'float', shape: [floats.length], data: floats };
  if (name === 'value_ints' && ints) return { type: 'int', shape: [ints.length], data: ints };
  return cannotRead(place, `a constant's ${name ?? 'value'} is none that there is something for`);
}

function attributeOf(attribute: AttributeProto, place: string): Attribute {
  const { type, f, i, s, floats, ints, strings, reference } = attribute;
  if (reference) return cannotRead(place, 'it is a reference to a function’s attribute, and there are none');
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const values: Readonly<Record<number, Attribute | undefined>> = {
    [AttributeType.float]: f ?? 0,
    [AttributeType.int]: i ?? 0,
    [AttributeType.string]: s && text(s),
    [AttributeType.floats]: floats ?? [],
    [AttributeType.ints]: ints ?? [],
    [AttributeType.strings]: strings?.map(text) ?? [],
  };
  const value = type === undefined ? (f ?? i ?? floats ?? ints ?? strings?.map(text) ?? (s && text(s))) : values[type];
  return value ?? cannotRead(place, 'it is a tensor or a graph, which there is nothing for');
}

/** How many results each operator has here. */
const resultsOf = ({ op, outputs }: GraphNode): number =>
  op === 'LSTM' ? 3 : Object.hasOwn(kinds, op) ? 2 : op === 'Split' ? outputs.length : 1;

function arranged(
  model: ModelProto,
  given: readonly GraphNode[],
  inputs: readonly Port[],
  outputs: readonly Port[],
  stored: ReadonlyMap<string, Stored>,
  initializers: ReadonlySet<string>,
): Imported {
  const makers = new Map(given.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const carries = carriesOf(model, given, makers, inputs, outputs);
  const states: GraphState[] = [...carries.states];
  const nodes = stateless(given, makers, stored, states);
  const taken = new Set([...states.map(({ input }) => input), carries.lengths]);
  const data = inputs.filter(({ name }) => !taken.has(name));
  if (data.length === 0) cannotRead('the graph', 'it takes no signal');
  for (const { name, type } of data) {
    const isKnown = ([DataType.float, DataType.double, DataType.int32, DataType.int64] as readonly number[]).includes(
      type,
    );
    if (!isKnown) cannotRead(name, `the input is of data type ${type}; signals are float, and ids int32 or int64`);
  }
  const left = new Set([...states.map(({ output }) => output), ...carries.leaving]);
  const own = outputs.filter(({ name }) => !left.has(name));
  // The last states of recurrent operators that go on by themselves are the carry already.
  const others = own.filter(({ name }) => {
    const maker = makers.get(name);
    return !(
      maker &&
      Object.hasOwn(kinds, maker.op) &&
      maker.outputs.indexOf(name) > 0 &&
      nodes.some(({ outputs: made, state }) => state && made.includes(name))
    );
  });
  const results = others.length > 0 ? others : own;
  if (results.length === 0) cannotRead('the graph', 'it gives nothing but its carry');
  const { extra, names } = windows(results, makers);
  const whole = needed([...nodes, ...extra], [...names, ...states.map(({ output }) => output ?? '')]);
  for (const node of whole) {
    const beyond = new Set(node.outputs.slice(resultsOf(node)));
    beyond.delete('');
    if (whole.some((each) => each.inputs.some((name) => beyond.has(name))))
      cannotRead(labelOf(node), 'a result of it is used that there is nothing for');
  }
  const used = new Set([...whole.flatMap((node) => node.inputs), ...names]);
  const parameters: Record<string, Stored> = {};
  const constants: Record<string, GraphConstant> = {};
  let numbers = 0;
  for (const [name, value] of stored) {
    if (!used.has(name)) continue;
    if (initializers.has(name) && value.type === 'float' && value.data.length > 1) parameters[name] = value;
    else {
      numbers += value.data.length;
      if (numbers > MOST_FIXED) cannotRead(name, `its constants are more than ${MOST_FIXED} numbers`);
      constants[name] = { ...value, data: Array.from(value.data) };
    }
  }
  return {
    graph: {
      axes: axesOf(model, whole, makers, data),
      inputs: data.map(({ name }) => name),
      ...(carries.lengths !== undefined && { lengths: carries.lengths }),
      outputs: names,
      states,
      parameters: Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape])),
      constants,
      nodes: whole,
    },
    weights: parameters,
  };
}

/** What recurrent operators give as it is, put as windows are: directions side by side, the batch before them. */
function windows(
  outputs: readonly Port[],
  makers: ReadonlyMap<string, GraphNode>,
): { extra: readonly GraphNode[]; names: readonly string[] } {
  const extra: GraphNode[] = [];
  const names = outputs.map(({ name }) => {
    const maker = makers.get(name);
    if (maker === undefined || !Object.hasOwn(kinds, maker.op)) return name;
    const batchFirst = attributesOf(maker).number('layout', 0) === 1;
    const isLast = maker.outputs.indexOf(name) > 0;
    const turned = `${name}/turned`;
    const joined = `${name}/window`;
    const perm = isLast ? [1, 0, 2] : [0, 2, 1, 3];
    const from = batchFirst ? name : turned;
    if (!batchFirst)
      extra.push({ op: 'Transpose', name: turned, inputs: [name], outputs: [turned], attributes: { perm } });
    const shape = isLast ? [0, -1] : [0, 0, -1];
    extra.push({ op: 'Reshape', name: joined, inputs: [from], outputs: [joined], attributes: { shape } });
    return joined;
  });
  return { extra, names };
}

/** The nodes that outputs follow from, and those that have a carry. */
function needed(nodes: readonly GraphNode[], outputs: readonly string[]): readonly GraphNode[] {
  const wanted = new Set(outputs);
  return nodes
    .toReversed()
    .filter((node) => {
      if (!node.state && !node.outputs.some((name) => wanted.has(name))) return false;
      for (const name of node.inputs) wanted.add(name);
      return true;
    })
    .toReversed();
}
