/**
 * Any plain value as what a checkpoint holds: a text of JSON, and the tensors and arrays of numbers in it by the paths at which
 * they stand. What comes back is the same value, bit for bit.
 */
import * as E from 'fp-ts/lib/Either.js';
import { shown } from '../checks.js';
import { type FormatError, OxbowError } from '../errors.js';
import { below } from '../path.js';
import { isTensor, type Tensor } from '../tensor.js';
import { shownPart } from '../tree.js';

/** A value in two parts. */
export interface Packed {
  readonly json: string;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Records and lists within one another. */
const DEEPEST = 64;
/** What stands in JSON for what JSON has not. A record that has a member of this name has it twice. */
const MARK = '$';

type Marked =
  | { readonly [MARK]: 'tensor' | 'int32' | 'float32'; readonly at: string; readonly with?: unknown }
  | { readonly [MARK]: 'number'; readonly is: string }
  | { readonly [MARK]: 'record'; readonly of: unknown };

/**
 * Packs a value: records, lists, texts, numbers of any kind, booleans, null, tensors, and Float32Array and Int32Array. A member
 * that is undefined is left out, as in JSON; what has a `toJSON` is what that gives.
 *
 * @param value what is to be packed.
 * @param prefix the path of the whole, which the names of all tensors begin with.
 * @throws TypeError naming the place of what no file can hold, such as a function.
 */
export function packed(value: unknown, prefix: string): Packed {
  const tensors: Record<string, Tensor> = {};

  function keep(path: string, tensor: Tensor): string {
    tensors[path] = tensor;
    return path;
  }

  function pack(part: unknown, path: string, depth: number): unknown {
    if (depth > DEEPEST) throw refusal(path, `has more than ${DEEPEST} parts within one another`);
    switch (typeof part) {
      case 'string':
      case 'boolean':
        return part;
      case 'number':
        return Number.isFinite(part) && !Object.is(part, -0) ? part : { [MARK]: 'number', is: textOf(part) };
      case 'object':
        return part === null ? null : packObject(part, path, depth);
      default:
        throw refusal(path, `is ${typeof part === 'function' ? 'a function' : String(part)}`);
    }
  }

  function packObject(part: object, path: string, depth: number): unknown {
    if (isTensor(part)) {
      const { shape, type, data, ...rest } = part as Tensor & Record<string, unknown>;
      const at = keep(path, { shape, type, data });
      const more = membersOf(rest, `${path} with`, depth);
      return { [MARK]: 'tensor', at, ...(Object.keys(more).length > 0 && { with: more }) };
    }
    if (part instanceof Float32Array || part instanceof Int32Array) {
      const type = part instanceof Int32Array ? 'int32' : 'float32';
      return { [MARK]: type, at: keep(path, { shape: [part.length], type, data: part }) };
    }
    if (ArrayBuffer.isView(part)) throw refusal(path, `is a ${part.constructor.name}`);
    if (Array.isArray(part)) return Array.from(part, (each, k) => pack(each ?? null, `${path}[${k}]`, depth + 1));
    if ('toJSON' in part && typeof part.toJSON === 'function') return pack(part.toJSON(), path, depth + 1);
    const prototype = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null)
      throw refusal(path, `is a ${prototype.constructor?.name}`);
    const members = membersOf(part, path, depth);
    return Object.hasOwn(part, MARK) ? { [MARK]: 'record', of: members } : members;
  }

  function membersOf(part: object, path: string, depth: number): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(part).flatMap(([name, member]) =>
        member === undefined ? [] : [[name, pack(member, below(path, name), depth + 1)] as const],
      ),
    );
  }

  return { json: JSON.stringify(pack(value, prefix, 0)), tensors };
}

const refusal = (path: string, what: string): TypeError =>
  new TypeError(`checkpoint: ${path} ${what}, which no file can hold; keep plain values, lists and tensors.`);

const textOf = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** What {@link packed} was given; left where the parts are none that it gave. */
export function unpacked({ json, tensors }: Packed): E.Either<FormatError, unknown> {
  return E.tryCatch(
    () => unpack(JSON.parse(json), '', 0),
    (error) => new OxbowError<FormatError>({ _tag: 'BadMetadata', message: (error as Error).message }),
  );

  function unpack(part: unknown, path: string, depth: number): unknown {
    if (depth > 2 * DEEPEST) throw new Error(`${path} has too many parts within one another.`);
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return part.map((each, k) => unpack(each, `${path}[${k}]`, depth + 1));
    if (!Object.hasOwn(part, MARK)) return membersOf(part, path, depth);
    return restore(part as Marked, path, depth);
  }

  function membersOf(part: unknown, path: string, depth: number): Record<string, unknown> {
    if (typeof part !== 'object' || part === null || Array.isArray(part))
      throw new Error(`${path} is no record, but ${shownPart(part)}.`);
    return Object.fromEntries(
      Object.entries(part).map(([name, member]) => [name, unpack(member, below(path, name), depth + 1)]),
    );
  }

  function restore(part: Marked, path: string, depth: number): unknown {
    switch (part[MARK]) {
      case 'tensor':
        return part.with === undefined
          ? tensorAt(part.at, path)
          : { ...membersOf(part.with, path, depth), ...tensorAt(part.at, path) };
      case 'float32':
      case 'int32': {
        const { type, data } = tensorAt(part.at, path);
        if (type !== part[MARK]) throw new Error(`${path} is ${type}, not ${part[MARK]}.`);
        return data;
      }
      case 'number': {
        const known = typeof part.is === 'string' && Object.hasOwn(NUMBERS, part.is);
        const value = known ? NUMBERS[part.is] : undefined;
        if (value === undefined) throw new Error(`${path} is no number, but ${shown(part.is)}.`);
        return value;
      }
      case 'record':
        return membersOf(part.of, path, depth);
      default:
        throw new Error(`${path} is marked as ${shown((part as Record<string, unknown>)[MARK])}, which is not known.`);
    }
  }

  function tensorAt(at: unknown, path: string): Tensor {
    const tensor = typeof at === 'string' && Object.hasOwn(tensors, at) ? tensors[at] : undefined;
    if (tensor === undefined) throw new Error(`${path} should lie in ${shown(at)}, which is not there.`);
    return tensor;
  }
}
