/** What a format of another framework is to `importModel` and `exportModel`: one value a format, in a folder of its own. */

import { type InterchangeError, OxbowError } from '../errors.js';
import type { Core } from '../layer.js';
import type { ModelDescription } from '../runs/description.js';
import type { Tensor } from '../tensor.js';

/** Formats by their names. */
export type FormatName = 'pytorch' | 'keras' | 'onnx' | 'tfjs';

/** A file that is read, as far as it was asked for; nothing in it is trusted. */
export interface SourceFile {
  /** As the user named it, for errors and for its ending. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** A file that this one names, in the same folder: its name has no way out of that. */
  beside(name: string): Promise<Uint8Array>;
}

/** A file that is to be written: all of a model's are whole before the first one is. */
export interface TargetFile {
  /** In the folder of what the user named, or '' for that itself. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A model as formats see it: what it is made of, and its weights. */
export interface Described {
  readonly description: ModelDescription;
  /** By path, as `weightsOf` gives them. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

/** The options of a reader. */
export interface ReadOptions {
  /** What the file's tensors are the weights of, where the file does not say. */
  readonly as?: ModelDescription | undefined;
}

/** A format of another framework. */
export interface Format<W = object> {
  readonly name: FormatName;
  /** What people call it: `Keras 3`. */
  readonly title: string;
  /** Of its files, the first one being that of new ones: `.onnx`. */
  readonly endings: readonly string[];
  /** Whether the file is one of this format, by its first bytes rather than by its ending. */
  recognises(file: SourceFile): boolean;
  /** @throws OxbowError, an {@link InterchangeError}, that names the place. */
  read(file: SourceFile, options: ReadOptions): Promise<Core<unknown, never, unknown>>;
  /** @throws OxbowError, an {@link InterchangeError}, that names the layer; nothing has been written then. */
  write(model: Described, options: W): Promise<readonly TargetFile[]>;
}

/**
 * What a format cannot express, or what of a format there is nothing for: by name, before anything changes.
 *
 * @param operation as the user called it.
 * @param format its title.
 * @param place a layer's path and its attribute, or a place in the file.
 * @param reason what is there, and what can be done.
 */
export const refused = (operation: string, format: string, place: string, reason: string, cause?: unknown) =>
  new OxbowError<InterchangeError>({
    _tag: 'Interchange',
    format,
    place,
    message: `${operation}: ${format}: ${place}: ${/[.!]$/.test(reason) ? reason : `${reason}.`}`,
    cause,
  });
