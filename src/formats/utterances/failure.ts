import { type FileError, OxbowError, type UtteranceError } from '../../errors.js';

/** `path:line: what` is what editors and terminals open at that line. */
export const badLine = (
  operation: string,
  _tag: UtteranceError['_tag'],
  path: string,
  line: number,
  what: string,
): UtteranceError =>
  new OxbowError<UtteranceError>({
    _tag,
    path,
    line,
    message: `${operation}: ${path}:${line}: ${what} Put the line right, or leave it out.`,
  });

const tags = new Set<unknown>(['FileError', 'CountMismatch', 'BadLine', 'MissingLines'] satisfies (
  | FileError
  | UtteranceError
)['_tag'][]);

/** Whether a source of utterances is at fault: a file of it, or a line. */
export const isOfSource = (error: unknown): error is FileError | UtteranceError =>
  error instanceof OxbowError && tags.has(error._tag);
