import type { Core } from '../layer.js';
import type { ExampleLayout } from './examples.js';

/** A core whatever its carry, input and output are. */
export type AnyCore = Core<unknown, unknown, unknown>;

/** A model, and its layers one by one: a check that finds a mistake names the layer. */
export interface LayeredModel {
  readonly core: Core<unknown>;
  readonly layers: readonly (readonly [name: string, layer: AnyCore])[];
  /** How examples are taken, where the user said so. */
  readonly input: ExampleLayout | undefined;
  /** The id that fills up shorter sequences, where there is one. */
  readonly padding: number | undefined;
}

/** A layer as messages call it. */
export const labelOf = (name: string, { kind }: AnyCore): string => `layer "${name}" (${kind})`;
