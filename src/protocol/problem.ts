/** What was not done, and why, as both sides say it. */
import type { ErrorCode } from './messages.js';
import type { Answers } from './types.js';

/** The status over HTTP of each code. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  malformed: 400,
  invalid: 400,
  'too-large': 413,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'wrong-task': 400,
  'not-allowed': 405,
  'in-use': 409,
  'learning-off': 403,
  'rate-limited': 429,
  quota: 429,
  overloaded: 503,
  closing: 503,
  failed: 500,
};

/** Facts of a {@link ServeError}. */
export interface ProblemFacts {
  /** The field of the request that is wrong. */
  readonly field?: string | undefined;
  /** Seconds after which to try again. */
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A request that was not done: thrown by what serves, and on the client's side what a promise rejects with, or an Observable ends
 * with.
 *
 * @example
 * ```ts
 * import { ServeError } from 'oxbow/serve';
 *
 * const error = new ServeError('rate-limited', 'too many requests; wait a second.', { retryAfter: 1 });
 * console.log(error.code, error.retryAfter);
 * ```
 */
export class ServeError extends Error {
  override readonly name = 'ServeError';
  /** Why. */
  readonly code: ErrorCode;
  /** The field of the request that is wrong. */
  readonly field: string | undefined;
  /** Seconds after which to try again. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, { field, retryAfter, cause }: ProblemFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.field = field;
    this.retryAfter = retryAfter;
  }

  /** The status of an answer over HTTP. */
  get status(): number {
    return statusOf[this.code];
  }

  /** The message that says it. */
  toMessage(id?: string): Answers['error'] {
    const { code, field, message, retryAfter } = this;
    return {
      type: 'error',
      ...(id !== undefined && { id }),
      code,
      ...(field !== undefined && { field }),
      message,
      ...(retryAfter !== undefined && { retryAfter }),
    };
  }
}
