import type { FileError, UtteranceError } from '../errors.js';

/** What is wrong with a file as something that can be thrown: an error notification with its tag on it. */
export type Thrown = Error & (FileError | UtteranceError);

export const cannotRead = (path: string, cause: unknown): Thrown => {
  const message = `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
  return Object.assign(new Error(message, { cause }), { _tag: 'FileError' as const, path });
};

/** `path:line: what` is what editors and terminals open at that line. */
export const badLine = (_tag: UtteranceError['_tag'], path: string, line: number, what: string): Thrown =>
  Object.assign(new Error(`${path}:${line}: ${what}`), { _tag, path, line });

const tags = new Set<unknown>(['FileError', 'CountMismatch', 'BadLine', 'MissingLines'] satisfies Thrown['_tag'][]);

export const isThrown = (error: unknown): error is Thrown =>
  error instanceof Error && '_tag' in error && tags.has(error._tag);
