/** The form of descriptions. */

import { gelu, geluTanh, logistic, relu, softmax, softplus, tanh } from '../ops/activations.js';

/** Any value as plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * What a model, or a part of one, was made by, as plain JSON: a factory's name and what that was given, in which other
 * things stand described in the same way.
 */
export type ModelDescription = {
  /** The factory's name. */
  readonly $: string;
  /** What it was given, in order. */
  readonly args: readonly Json[];
  /** A number for a thing that stands at several places: at the others is `{ $: 'same', args: [id] }`. */
  readonly id?: number;
  /** Of the whole: shapes, by path, of the parameters that may grow. */
  readonly shapes?: { readonly [path: string]: readonly number[] };
};

/** Levels of lists, records and things within one another, so that no description is too deep for those who read it. */
export const DEEPEST = 200;

/** Values that JSON has no form for, by the names that stand for them. */
export const numberKinds = { Float32Array, Float64Array, Int32Array } as const;

export const isNumberKind = (name: string): name is keyof typeof numberKinds => Object.hasOwn(numberKinds, name);

/** The activations that no factory makes. */
export const constantActivations = () => ({ logistic, tanh, relu, softplus, gelu, geluTanh, softmax });
