/** Configs of Keras as their JSON has them, read by name: what is not known is refused, and so is a value that there is nothing for. */

import { refused } from '../format.js';

/** A record of a config. */
export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is read, and how that is said. */
export interface Reading {
  /** That of the format. */
  readonly title: string;
  /** What of training is not taken over: said when the model is there. */
  readonly left: string[];
}

/** How much a message quotes. */
const LONGEST = 100;

export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** Attributes that say nothing of what a layer computes, or that other ones say too. */
const silent = new Set([
  'name',
  'trainable',
  'dtype',
  'seed',
  'batch_input_shape',
  'batch_shape',
  'input_shape',
  'input_dtype',
  'input_length',
  'unit_forget_bias',
  'unroll',
  'implementation',
  'time_major',
  'zero_output_for_mask',
  'autocast',
  'use_cudnn',
  'registered_name',
  'fused',
]);

/** A layer's config. */
export class Config {
  readonly #asked = new Set<string>();

  constructor(
    readonly reading: Reading,
    /** The layer's name within its file. */
    readonly name: string,
    readonly className: string,
    readonly fields: Fields,
  ) {}

  /** @throws OxbowError, an InterchangeError, that names the layer, and an attribute of it. */
  refuse(reason: string, attribute?: string): never {
    const place = attribute === undefined ? this.name : `${this.name}.${attribute}`;
    throw refused('importModel', this.reading.title, place, reason);
  }

  /** What an attribute is; undefined where it is not there, or null. */
  value(name: string): unknown {
    this.#asked.add(name);
    return Object.hasOwn(this.fields, name) ? (this.fields[name] ?? undefined) : undefined;
  }

  count(name: string, otherwise?: number): number {
    const value = this.value(name) ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    return this.refuse(`${quoted(value)} is no whole number above 0`, name);
  }

  number(name: string, otherwise?: number): number {
    const value = this.value(name) ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.refuse(`${quoted(value)} is no number`, name);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.value(name) ?? otherwise;
    if (typeof value === 'boolean') return value;
    return this.refuse(`${quoted(value)} is neither true nor false`, name);
  }

  /** The share that is dropped. */
  rate(name: string): number {
    const value = this.number(name, 0);
    if (value >= 0 && value < 1) return value;
    return this.refuse(`${value} is no share from 0 to below 1`, name);
  }

  text(name: string, otherwise: string): string {
    const value = this.value(name) ?? otherwise;
    return typeof value === 'string' ? value : this.refuse(`${quoted(value)} is no text`, name);
  }

  /** One number for all axes, or one for each. */
  sizes(name: string, axes: number, otherwise?: readonly number[]): readonly number[] {
    const value = this.value(name) ?? otherwise;
    const all = Array.isArray(value) && value.length === 1 ? value[0] : value;
    const sizes = typeof all === 'number' ? new Array<number>(axes).fill(all) : all;
    const fits =
      Array.isArray(sizes) && sizes.length === axes && sizes.every((size) => Number.isSafeInteger(size) && size > 0);
    return fits ? (sizes as number[]) : this.refuse(`${quoted(value)} is not ${axes} whole numbers above 0`, name);
  }

  /** Refuses an attribute that has another value than those for which there is something here. */
  only(name: string, allowed: readonly unknown[], reason = 'there is nothing for it here'): void {
    const value = this.value(name);
    if (value === undefined || allowed.some((each) => JSON.stringify(each) === JSON.stringify(value))) return;
    this.refuse(`${quoted(value)}: ${reason}`, name);
  }

  /**
   * What was not asked for: of training, which is said and left out, or unknown, which is refused.
   *
   * @throws OxbowError, an InterchangeError, that names an attribute that nobody knows.
   */
  done(): void {
    this.#dtype();
    const { left } = this.reading;
    if (this.fields.trainable === false) left.push(`${this.name}.trainable: it is learnt like any other here`);
    for (const [name, value] of Object.entries(this.fields)) {
      const nothing = value === null || value === false || value === undefined;
      if (nothing || this.#asked.has(name) || silent.has(name) || name.endsWith('_initializer')) continue;
      if (!/_(?:regularizer|constraint)$/.test(name)) {
        this.refuse(`${quoted(value)}: there is nothing for it here`, name);
      }
      left.push(`${this.name}.${name}: ${quoted(value)}; compile({ l2 }) has a penalty of weights`);
    }
  }

  /** Weights are float32 here, and so is all that is computed. */
  #dtype(): void {
    const given = this.value('dtype');
    const named = isFields(given) && isFields(given.config) ? given.config.name : given;
    if (named === undefined || named === 'float32') return;
    if (named === 'mixed_float16' || named === 'mixed_bfloat16') {
      this.reading.left.push(`${this.name}.dtype: ${named}; all is computed in float32 here`);
    } else if (!(typeof named === 'string' && /^u?int(?:8|16|32|64)$/.test(named) && this.className === 'InputLayer')) {
      this.refuse(`${quoted(given)}: weights and what is computed are float32 here`, 'dtype');
    }
  }
}
