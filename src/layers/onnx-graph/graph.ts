/** A graph of ONNX as `onnxGraph` takes it: plain JSON, checked before anything is made of it. */
import { isRecord, MOST_NUMBERS } from '../../checks.js';
import { type Shape, sizeOf } from '../../tensor.js';
import { MOST_FIXED } from './values.js';

export type Attribute = number | string | readonly number[] | readonly string[];

/** An operator: what it is given and what comes of it, by name; '' where there is none. */
export interface GraphNode {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Parts of the carry that a recurrent operator goes on from, where the file has it start from zeros. */
  readonly state?: readonly string[];
}

/** A part of the carry. */
export interface GraphState {
  readonly name: string;
  /** Its sizes without the batch. */
  readonly shape: Shape;
  /** Where the batch is in the graph's own tensor; in the carry it is first. */
  readonly batch: number;
  /** The graph's input and output that it is; of a recurrent operator's own state there are none. */
  readonly input?: string;
  readonly output?: string;
}

export interface GraphConstant {
  readonly type: 'int' | 'float' | 'bool';
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** What a window's axes are to a graph: time first, batch first, steps times lanes in rows, or one step at a time. */
export const axesKinds = ['time', 'batch', 'rows', 'step'] as const;
export type GraphAxes = (typeof axesKinds)[number];

export interface Graph {
  readonly axes: GraphAxes;
  readonly inputs: readonly string[];
  /** The input that takes how many steps of each lane are real. */
  readonly lengths?: string;
  readonly outputs: readonly string[];
  readonly states: readonly GraphState[];
  readonly parameters: Readonly<Record<string, Shape>>;
  readonly constants: Readonly<Record<string, GraphConstant>>;
  readonly nodes: readonly GraphNode[];
}

export const MOST_NODES = 20_000;
export const MOST_AXES = 16;

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'number');

/** @throws RangeError where it is no shape of numbers that there can be. */
export const isShape = (value: unknown, most = MOST_NUMBERS): value is Shape =>
  Array.isArray(value) &&
  value.length <= MOST_AXES &&
  value.every((length) => Number.isSafeInteger(length) && length >= 0) &&
  sizeOf(value) <= most;

function require(holds: boolean, what: string): void {
  if (!holds) throw new TypeError(`onnxGraph: ${what}; import the file anew.`);
}

const isAttribute = (value: unknown) =>
  typeof value === 'number' || isText(value) || isNumbers(value) || isTexts(value);

/** Numbers as JSON has them: NaN and the infinities by their names. */
const numberOf = (value: unknown): unknown =>
  isText(value) && ['NaN', 'Infinity', '-Infinity'].includes(value) ? Number(value) : value;

/** A name that may be a key of any record. */
const isName = (value: unknown): value is string => isText(value) && value !== '' && value !== '__proto__';

/** @throws TypeError where a text is no graph. */
export function graphFrom(text: string): Graph {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    require(false, 'the graph is no JSON');
  }
  const list = (value: unknown, most = MOST_NODES): readonly unknown[] => {
    require(Array.isArray(value) && value.length <= most, `the graph has a list of more than ${most}, or none`);
    return value as readonly unknown[];
  };
  const record = (value: unknown): Readonly<Record<string, unknown>> => {
    require(isRecord(value), 'the graph lacks a record');
    return value as Readonly<Record<string, unknown>>;
  };
  const { axes, inputs, lengths, outputs, states, parameters, constants, nodes } = record(read);
  require(axesKinds.some((kind) => kind === axes), 'its axes are of no kind that there is');
  for (const names of [inputs, outputs])
    require(isTexts(names) && list(names).length > 0, 'it takes nothing or gives nothing');
  require(lengths === undefined || isText(lengths), 'its lengths have no name');
  for (const each of list(states)) {
    const { name, shape, batch, input, output } = record(each);
    const isKnown = [input, output].every((other) => other === undefined || isText(other));
    require(isName(name) && isShape(shape) && Number.isSafeInteger(batch) && isKnown, 'a part of its carry is none');
  }
  for (const [name, shape] of Object.entries(record(parameters))) {
    require(isName(name) && isShape(shape), 'a parameter has no name or no shape');
  }
  const read2 = Object.entries(record(constants)).map(([name, each]) => {
    const { type, shape, data } = record(each);
    const numbers = list(data, MOST_FIXED).map(numberOf);
    const fits = isShape(shape, MOST_FIXED) && sizeOf(shape) === numbers.length && isNumbers(numbers);
    require(fits && isText(type) && ['int', 'float', 'bool'].includes(type), `the constant ${name} is none`);
    return [name, { type, shape, data: numbers }] as const;
  });
  for (const each of list(nodes)) {
    const node = record(each);
    const isSound = isText(node.op) && isText(node.name) && isTexts(node.inputs) && isTexts(node.outputs);
    require(isSound && (node.state === undefined || isTexts(node.state)), 'a node is none');
    for (const value of Object.values(record(node.attributes))) require(isAttribute(value), 'an attribute is none');
  }
  return { ...(read as Graph), constants: Object.fromEntries(read2) as Graph['constants'] };
}

/** A graph as text, from which it is read again. */
export const textOf = (graph: Graph): string =>
  JSON.stringify(graph, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value));
