/**
 * Trees: tensors within records and lists, as carries and signals are. Whatever else stands in one (a number, nothing) is a
 * leaf without a tensor.
 */
import { below } from './path.js';
import { isList, isTensor, showShape, type Tensor } from './tensor.js';

type Branch = Readonly<Record<string, unknown>>;

/** Whether a value has parts: a record or a list, and neither a tensor nor an array of numbers. */
const isBranch = (value: unknown): value is Branch =>
  typeof value === 'object' && value !== null && !isTensor(value) && !ArrayBuffer.isView(value);

/** The same tree, a function applied to each of its tensors. */
export function map<T>(tree: T, change: (tensor: Tensor) => Tensor): T {
  if (isTensor(tree)) return change(tree) as T;
  if (!isBranch(tree)) return tree;
  if (isList(tree)) return tree.map((part) => map(part, change)) as T;
  const parts: Record<string, unknown> = { ...(tree as Branch) };
  for (const name in parts) parts[name] = map(parts[name], change);
  return parts as T;
}

/** Whether something holds of every tensor of a tree. */
export function every(tree: unknown, holds: (tensor: Tensor) => boolean): boolean {
  if (isTensor(tree)) return holds(tree);
  if (!isBranch(tree)) return true;
  for (const name in tree) if (!every(tree[name], holds)) return false;
  return true;
}

/** The tensors of a tree in order, with their paths below the given one: `rnn.h`, `layers[0].h`. */
export function leaves(tree: unknown, path = ''): readonly (readonly [path: string, tensor: Tensor])[] {
  if (isTensor(tree)) return [[path, tree]];
  if (!isBranch(tree)) return [];
  return Object.keys(tree).flatMap((name) => leaves(tree[name], partOf(tree, path, name)));
}

/**
 * One tree of several: what a function makes of their parts at each place where one of them is a leaf, or lists meet records.
 * A part that a tree does not have is undefined.
 */
export function zip(
  trees: readonly unknown[],
  join: (parts: readonly unknown[], path: string) => unknown,
  path = '',
): unknown {
  const lists = trees.filter(isList).length;
  if (!trees.every(isBranch) || (lists > 0 && lists < trees.length)) return join(trees, path);
  const [first] = trees as readonly [Branch];
  const parts = Array.from(new Set(trees.flatMap((tree) => Object.keys(tree))), (name) => {
    const same = trees.map((tree) => tree[name]);
    return [name, zip(same, join, partOf(first, path, name))] as const;
  });
  return lists > 0 ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

function partOf(tree: Branch, path: string, name: string): string {
  if (isList(tree)) return `${path}[${name}]`;
  return below(path, name);
}

/** What messages say of a part: a tensor's type and shape, a record's names. */
export function shownPart(part: unknown): string {
  if (isTensor(part) && isList(part.shape)) return `${part.type} ${showShape(part.shape)}`;
  if (isList(part)) return `a list of ${part.length}`;
  if (!isBranch(part)) return String(part);
  const names = Object.keys(part).join(', ');
  return names === '' ? '{}' : `{ ${names} }`;
}
