/** What flows between the layers of an imported model, as far as its config says it. */

/** A size of which the config may say nothing. */
export type Size = number | null;

/** What a layer gives for one example. */
export interface Signal {
  /** Steps of a sequence; undefined where an example is one moment. */
  readonly steps: Size | undefined;
  /** The axes of one step. */
  readonly shape: readonly Size[];
  /**
   * Whether steps are masked: `on`, or `ended` where Keras 3 has them masked no longer, though they still are padding.
   */
  readonly mask: 'none' | 'on' | 'ended';
  /** What stands for padding, where the first layers say so. */
  readonly padding?: number;
  /** Whether it is the model's input as it is. */
  readonly first: boolean;
}

/** Where a layer is, as errors show it. */
export function showSignal({ steps, shape }: Signal): string {
  const sizes = [...(steps === undefined ? [] : [steps]), ...shape].map((size) => size ?? '?');
  return `[${['batch', ...sizes].join(', ')}]`;
}
