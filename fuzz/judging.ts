/** What counts as a defect: a refusal that is none of the library's own, or a value that is not what is in the file. */
import { inspect, isDeepStrictEqual } from 'node:util';
import { OxbowError } from '../src/index.js';

/** What V8 and Node say where nobody has looked before. A message of the library's has none of it, not even as a reason. */
const raw =
  /Cannot (?:read|set|convert|destructure|mix|access|assign|use 'in'|create)|is not (?:a function|iterable|defined|a constructor|extensible)|Maximum call stack|Invalid (?:array|string|typed array|count|date)|allocation failed|out of memory|out of bounds|Method .* called on|object null|\[native code\]|\[object /;

/** The outcome of a reader. */
export type Outcome<A> = { readonly value: A } | { readonly refused: Error };

const LONGEST_SHOWN = 1500;

/** How long a message may be, whatever it quotes. */
const LONGEST_MESSAGE = 10_000;

/** @throws Error where what was thrown is not a refusal by one of the operations. */
export function refusal(operations: readonly string[], thrown: unknown): Error {
  const known =
    thrown instanceof OxbowError || thrown instanceof TypeError || thrown instanceof RangeError || isPlain(thrown);
  const error = thrown as Error;
  if (!known || !operations.some((operation) => error.message.startsWith(`${operation}: `))) {
    throw new Error(`no refusal by ${operations.join(' or ')}`, { cause: thrown });
  }
  if (raw.test(error.message)) throw new Error('a refusal whose reason is a fault of the program', { cause: thrown });
  if (error.message.length > LONGEST_MESSAGE) {
    throw new Error(`a message of ${error.message.length} characters: ${error.message.slice(0, 200)}…`);
  }
  return error;
}

/** Sockets that fail are errors of no class of their own. */
const isPlain = (thrown: unknown): boolean => thrown instanceof Error && thrown.constructor === Error;

export function outcomeOf<A>(operations: string | readonly string[], read: () => A): Outcome<A> {
  try {
    return { value: read() };
  } catch (error) {
    return { refused: refusal([operations].flat(), error) };
  }
}

export async function settled<A>(operations: string | readonly string[], read: () => Promise<A>): Promise<Outcome<A>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { refused: refusal([operations].flat(), error) };
  }
}

/** @throws Error where two values differ; numbers are compared by their bits. */
export function same(what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new Error(`${what}: ${shown(found)} instead of ${shown(wanted)}`);
}

export function holds(what: string, is: boolean): void {
  if (!is) throw new Error(what);
}

const shown = (value: unknown): string => {
  const text = inspect(value, { depth: 5, compact: true, breakLength: Number.POSITIVE_INFINITY });
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
};
