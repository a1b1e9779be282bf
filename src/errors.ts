/** What the world outside can get wrong. Each error has a tag, the facts that belong to it, and a message that can be shown as it is. */

/** An error with a tag. */
interface Tagged<T extends string> extends Error {
  readonly name: 'OxbowError';
  readonly _tag: T;
}

/** The file could not be read or written; `cause` is what the system said. */
export interface FileError extends Tagged<'FileError'> {
  readonly path: string;
}

/** The bytes are not a checkpoint that can be read. */
export interface FormatError
  extends Tagged<
    | 'Truncated'
    | 'HeaderTooLarge'
    | 'HeaderNotJson'
    | 'DuplicateName'
    | 'BadMetadata'
    | 'BadTensor'
    | 'UnsupportedType'
    | 'BadOffsets'
    | 'BadChecksum' // Bytes are not as they were written.
    | 'UnsupportedFormat' // A later version of the package wrote it.
    | 'OtherTier' // The run comes from other kernels, with other bits.
  > {}

/** Tensors that do not fit the parameters they were meant for. */
export interface WeightsError extends Tagged<'WeightsMismatch'> {
  /** Parameters for which there is no tensor. */
  readonly missing: readonly string[];
  /** Tensors for which there is no parameter. */
  readonly unexpected: readonly string[];
  /** Parameters whose tensor has another shape or type. */
  readonly misshapen: readonly string[];
}

/** Utterances that are not what their format says, and where. */
export interface UtteranceError
  extends Tagged<
    | 'CountMismatch' // Words and tags are not as many.
    | 'BadLine' // A line that is none of its format.
    | 'MissingLines' // One of the files that belong together ends early.
  > {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** What was written down is not this tagger's. */
export interface TaggerError extends Tagged<'TaggerMismatch'> {}

/** A correction of a slot that an utterance cannot take. */
export interface CorrectionError extends Tagged<'BadCorrection'> {}

/** A window that cannot be learnt from, where a run is to stop at one. Weights are those of the last whole update. */
export interface BadWindowError extends Tagged<'BadWindow'> {
  /** Which of the subscription's windows it was, from 1. */
  readonly window: number;
  /** Where the source goes on after it, if it says so. */
  readonly position: unknown;
  /** Its own numbers, what does not fit the model, its loss, or weights and carry before it. */
  readonly reason: 'data' | 'misfit' | 'loss' | 'start';
  /** What the run goes on from, as the outcome of the last update would have given it: option `from` or `state`. */
  readonly snapshot: unknown;
}

/** The folder of a run that is another process's. */
export interface FolderError
  extends Tagged<
    | 'FolderHeld' // Another process writes into it.
    | 'FolderLost' // Another process took it over from this one.
  > {
  /** That of the folder. */
  readonly path: string;
  /** Who has it, where that is known. */
  readonly pid: number | undefined;
  readonly host: string | undefined;
}

/** A description that no model can be built from. */
export interface DescriptionError extends Tagged<'BadDescription'> {
  /** Where in it: `stack.args[0].rnn`. */
  readonly place: string;
}

/** A file of another framework that cannot be read, or a model that another framework's format cannot express. */
export interface InterchangeError extends Tagged<'Interchange'> {
  /** The format's title: `Keras 3`. */
  readonly format: string;
  /** The layer's path and its attribute, or the place in the file. */
  readonly place: string;
}

/** A `tokenizer.json` that is none, or that says what is not done here. */
export interface TokenizerError extends Tagged<'BadTokenizer'> {
  /** Where in it: `pre_tokenizer.pattern`. */
  readonly place: string;
}

/** Any of them: the tag says which. */
export type OxbowError =
  | FileError
  | FormatError
  | FolderError
  | WeightsError
  | UtteranceError
  | TaggerError
  | CorrectionError
  | BadWindowError
  | DescriptionError
  | InterchangeError
  | TokenizerError;

/** What an error is made of: its tag, its message, its facts, and what caused it. */
type Facts<X> = X extends OxbowError
  ? Omit<X, keyof Error> & { readonly message: string; readonly cause?: unknown }
  : never;

interface OxbowErrorConstructor {
  new <X extends OxbowError = OxbowError>(facts: Facts<X>): X;
  readonly prototype: OxbowError;
}

/**
 * What a function of this package rejects with, or a stream ends with, where the world outside is at fault: a file, its
 * content, or numbers that are of another model. `instanceof` says that it is one, and `_tag` which.
 *
 * @example
 * try {
 *   await loadCheckpoint('model.safetensors');
 * } catch (error) {
 *   if (error instanceof OxbowError && error._tag === 'FileError') console.log(error.path, error.message);
 * }
 */
export const OxbowError = class OxbowError extends Error {
  constructor({ message, cause, ...facts }: { readonly message: string; readonly cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, facts);
  }

  static {
    Object.defineProperty(OxbowError.prototype, 'name', { value: 'OxbowError' });
  }
} as unknown as OxbowErrorConstructor;

/** The same error said of an operation or a file, which the message then begins with. */
export const saidOf =
  (place: string) =>
  <X extends OxbowError>(error: X): X =>
    new OxbowError({ ...error, message: `${place}: ${error.message}`, cause: error.cause } as never) as X;

const remedies = {
  read: 'give the path of a file that can be read',
  written: 'give a path in a folder that is there and can be written to',
} as const;

/** Where what the system says has a remedy of its own. */
const remediesOf: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on its disk, or give a path on another one',
  EDQUOT: 'make room on its disk, or give a path on another one',
  EFBIG: 'raise the limit of the size of files (ulimit -f), or give a path on another disk',
  EMFILE: 'raise the limit of open files (ulimit -n), or open fewer',
  ENFILE: 'close files that other processes have open',
  EEXIST: 'a file is where a folder has to be, so give another path',
  ENOTDIR: 'a file is where a folder has to be, so give another path',
};

/** A file that an operation cannot read or write, and why. A reason of our own is a sentence, which has its remedy. */
export function fileError(operation: string, verb: keyof typeof remedies, path: string, cause: unknown): FileError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = String((cause as { readonly code?: unknown } | undefined)?.code);
  const remedy = reason.endsWith('.') ? '' : `; ${remediesOf[code] ?? remedies[verb]}.`;
  return new OxbowError<FileError>({
    _tag: 'FileError',
    path,
    message: `${operation}: ${path} cannot be ${verb}: ${reason}${remedy}`,
    cause,
  });
}
