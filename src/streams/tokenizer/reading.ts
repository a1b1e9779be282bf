/** Reads the values of a `tokenizer.json`; whatever is not as it must be is an error that names its place. */

import { OxbowError, type TokenizerError } from '../../errors.js';
import { type Json, type JsonObject, OtherNumber, shown } from '../../formats/json.js';

/** Who reads, as errors begin. */
export type Refuse = (place: string, what: string) => never;

export const refuseOf =
  (operation: string): Refuse =>
  (place, what) => {
    throw new OxbowError<TokenizerError>({
      _tag: 'BadTokenizer',
      place,
      message: `${operation}: tokenizer.json: ${place === '' ? '' : `${place}: `}${what}`,
    });
  };

/** An object of the file. A member that is not there is like one that is null. */
export interface Reader {
  readonly place: string;
  readonly type: string;
  /** With a default for where it is not there; without one it has to be. */
  text(name: string, otherwise?: string): string;
  flag(name: string, otherwise: boolean): boolean;
  count(name: string, most: number, otherwise?: number): number;
  list(name: string, most: number): readonly Json[];
  part(name: string): Reader | undefined;
  parts(name: string, most: number): readonly Reader[];
  object(name: string): JsonObject;
  /** Refuses this object, or one of its members. */
  refuse(what: string, name?: string): never;
  /** Refuses a member that is there, and neither null nor one of these: nothing here does what it asks for. */
  only(name: string, ...allowed: readonly (string | boolean | number)[]): void;
}

export function readerOf(value: Json | undefined, place: string, refuse: Refuse): Reader {
  if (!(value instanceof Map)) return refuse(place, `is ${shown(value)} instead of an object.`);
  const json = value;
  const at = (name: string) => (place === '' ? name : `${place}.${name}`);
  const get = (name: string) => json.get(name) ?? undefined;
  const wrong = (name: string, wanted: string): never =>
    refuse(at(name), `is ${shown(get(name))} instead of ${wanted}.`);

  function list(name: string, most: number): readonly Json[] {
    const found = get(name) ?? [];
    if (!Array.isArray(found)) return wrong(name, 'a list');
    if (found.length > most) return refuse(at(name), `has ${found.length} members; ${most} are taken at most.`);
    return found;
  }

  const reader: Reader = {
    place,
    get type() {
      return reader.text('type', '');
    },
    text(name, otherwise) {
      const found = get(name) ?? otherwise;
      return typeof found === 'string' ? found : wrong(name, 'a text');
    },
    flag(name, otherwise) {
      const found = get(name) ?? otherwise;
      return typeof found === 'boolean' ? found : wrong(name, 'true or false');
    },
    count(name, most, otherwise) {
      const found = get(name) ?? otherwise;
      return typeof found === 'number' && found <= most ? found : wrong(name, `a whole number from 0 to ${most}`);
    },
    list,
    part: (name) => (get(name) === undefined ? undefined : readerOf(get(name), at(name), refuse)),
    parts: (name, most) => list(name, most).map((each, k) => readerOf(each, `${at(name)}[${k}]`, refuse)),
    object(name) {
      const found = get(name);
      return found instanceof Map ? found : wrong(name, 'an object');
    },
    refuse: (what, name) => refuse(name === undefined ? place : at(name), what),
    only(name, ...allowed) {
      const found = get(name);
      if (found === undefined || allowed.some((each) => each === found)) return;
      const listed = allowed.map((each) => JSON.stringify(each)).join(', ') || 'null';
      refuse(at(name), `is ${shown(found)}, which is not taken here; ${listed} is.`);
    },
  };
  return reader;
}

/** A number of any form; undefined for what is none. */
export function numberOf(value: Json | undefined): number | undefined {
  const number = value instanceof OtherNumber ? Number(value.text) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** As `JSON.parse` would have it, but that no name means anything. */
export function plainOf(value: Json): unknown {
  if (value instanceof OtherNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plainOf);
  if (!(value instanceof Map)) return value;
  const plain = Object.create(null) as Record<string, unknown>;
  for (const [name, each] of value as JsonObject) plain[name] = plainOf(each);
  return plain;
}
