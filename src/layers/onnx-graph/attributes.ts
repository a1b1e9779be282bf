/** Attributes of a node, with what they are where they are left out. */
import type { GraphNode } from './graph.js';

export interface Attributes {
  number(name: string, otherwise: number): number;
  text(name: string, otherwise: string): string;
  numbers(name: string): readonly number[] | undefined;
  texts(name: string): readonly string[] | undefined;
}

export function attributesOf({ attributes }: GraphNode): Attributes {
  const of = (name: string) => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  const list = (name: string, type: string) => {
    const value = of(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((each) => typeof each === type)) return value;
    throw new TypeError(`${name} is no list of ${type}s`);
  };
  return {
    number(name, otherwise) {
      const value = of(name) ?? otherwise;
      if (typeof value === 'number') return value;
      throw new TypeError(`${name} is no number`);
    },
    text(name, otherwise) {
      const value = of(name) ?? otherwise;
      if (typeof value === 'string') return value;
      throw new TypeError(`${name} is no text`);
    },
    numbers: (name) => list(name, 'number') as readonly number[] | undefined,
    texts: (name) => list(name, 'string') as readonly string[] | undefined,
  };
}
