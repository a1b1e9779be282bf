/** The Gaussian unit, which exporters write down in five nodes: Erf is no primitive of ours, and they are. */
import type { GraphNode } from '../../layers/onnx-graph/graph.js';
import type { Stored } from './tensors.js';

const near = (a: number | undefined, b: number): boolean => a !== undefined && Math.abs(a - b) < 1e-4 * Math.abs(b);

/** Nodes in which `x · (erf(x / √2) + 1) · ½`, in the two orders that there are, is one node. */
export function fused(nodes: readonly GraphNode[], stored: ReadonlyMap<string, Stored>): readonly GraphNode[] {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const users = new Map<string, GraphNode[]>();
  for (const node of nodes) for (const name of node.inputs) users.set(name, [...(users.get(name) ?? []), node]);
  const number = (name: string | undefined): number | undefined => {
    const value = stored.get(name ?? '');
    return value?.data.length === 1 ? value.data[0] : undefined;
  };
  /** Of a node of two operands, the one beside a number. */
  const beside = (node: GraphNode | undefined, op: string, by: number): string | undefined => {
    if (node?.op !== op) return undefined;
    const [a, b] = node.inputs;
    if (near(number(b), by)) return a;
    return op !== 'Div' && near(number(a), by) ? b : undefined;
  };
  const only = (name: string | undefined): GraphNode | undefined => {
    const all = users.get(name ?? '') ?? [];
    return all.length === 1 ? all[0] : undefined;
  };
  const made = new Map<GraphNode, GraphNode | undefined>();
  for (const erf of nodes.filter(({ op }) => op === 'Erf')) {
    const inner = makers.get(erf.inputs[0] ?? '');
    const x = beside(inner, 'Div', Math.SQRT2) ?? beside(inner, 'Mul', Math.SQRT1_2);
    const sum = only(erf.outputs[0]);
    if (inner === undefined || x === undefined || sum === undefined || beside(sum, 'Add', 1) !== erf.outputs[0])
      continue;
    const first = only(sum.outputs[0]);
    if (first?.op !== 'Mul') continue;
    const other = first.inputs.find((name) => name !== sum.outputs[0]);
    const second = only(first.outputs[0]);
    const halved = makers.get(other ?? '');
    const gone = [inner, erf, sum];
    let last: GraphNode | undefined;
    if (other === x && second && beside(second, 'Mul', 0.5) === first.outputs[0]) {
      gone.push(first);
      last = second;
    } else if (halved && beside(halved, 'Mul', 0.5) === x) last = first;
    // x · (½ · (erf + 1)).
    else if (beside(first, 'Mul', 0.5) === sum.outputs[0] && second?.op === 'Mul' && second.inputs.includes(x)) {
      gone.push(first);
      last = second;
    }
    if (last === undefined) continue;
    for (const node of gone) made.set(node, undefined);
    made.set(last, { op: 'Gelu', name: last.name, inputs: [x], outputs: last.outputs, attributes: {} });
  }
  return nodes.flatMap((node) => (made.has(node) ? (made.get(node) ?? []) : node));
}
