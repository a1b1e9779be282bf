/** What can be wrong with a file and its content, as values. Each has a message that can be shown as it is. */

/** The file could not be read or written. */
export interface FileError {
  readonly _tag: 'FileError';
  readonly path: string;
  readonly message: string;
}

/** The bytes are not a checkpoint that can be read. */
export interface FormatError {
  readonly _tag:
    | 'Truncated'
    | 'HeaderTooLarge'
    | 'HeaderNotJson'
    | 'DuplicateName'
    | 'BadMetadata'
    | 'BadTensor'
    | 'UnsupportedType'
    | 'BadOffsets';
  readonly message: string;
}

/** Tensors that do not fit the parameters they were meant for. */
export interface WeightsError {
  readonly _tag: 'WeightsMismatch';
  /** Parameters for which there is no tensor. */
  readonly missing: readonly string[];
  /** Tensors for which there is no parameter. */
  readonly unexpected: readonly string[];
  /** Parameters whose tensor has another shape or type. */
  readonly misshapen: readonly string[];
  readonly message: string;
}

/** Utterances that are not what their format says, and where. */
export interface UtteranceError {
  readonly _tag:
    | 'CountMismatch' // Words and tags are not as many.
    | 'BadLine' // A line that is none of its format.
    | 'MissingLines'; // One of the files that belong together ends early.
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}
