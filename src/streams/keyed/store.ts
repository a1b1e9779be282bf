/** Carries on their way to a store and back; a store that fails is an error that names the key. */
import type { KeyedState } from './layout.js';

/** Where the carries of keys are that have given way; a database, a file, a map. */
export interface KeyedStore<S = unknown, K = unknown> {
  /** What was put last for a key; `undefined` for a key that is new. */
  get(key: K): KeyedState<S> | undefined | PromiseLike<KeyedState<S> | undefined>;
  /** Keeps what is there of a key, in the place of what was. Of one key the next comes after this one is done. */
  put(key: K, state: KeyedState<S>): unknown;
}

/** What goes to and fro; each gives whether it is done later. */
export interface Traffic<S, K> {
  /** @throws Error where the store throws, or what `given` throws. */
  get(key: K, given: (state: KeyedState<S> | undefined) => void): boolean;
  /** `done` is called only where it is done later. @throws Error where the store throws. */
  put(key: K, state: KeyedState<S>, done: () => void): boolean;
  /** What is still on its way is not reported any more. */
  close(): void;
}

/** What an error says that is about a key. */
export function ofKey(operation: string, key: unknown, what: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = `${operation}: key ${typeof key === 'string' ? JSON.stringify(key) : String(key)}: ${what}${message}`;
  const Kind = cause instanceof RangeError ? RangeError : cause instanceof TypeError ? TypeError : Error;
  return new Kind(text, { cause });
}

const isPromise = (given: unknown): given is PromiseLike<unknown> =>
  typeof (given as PromiseLike<unknown> | undefined)?.then === 'function';

/** `failed` is called with what goes wrong later. */
export function traffic<S, K>(
  operation: string,
  store: KeyedStore<S, K> | undefined,
  failed: (error: unknown) => void,
): Traffic<S, K> {
  let closed = false;

  const fail = (error: unknown) => {
    if (!closed) failed(error);
  };

  /** Asks the store; whether the answer comes later. What is thrown then is an error of the stream. */
  function ask<R>(
    key: K,
    what: string,
    question: () => R | PromiseLike<R>,
    answer: (given: R, later: boolean) => void,
  ) {
    let given: R | PromiseLike<R>;
    try {
      given = question();
    } catch (error) {
      throw ofKey(operation, key, what, error);
    }
    if (!isPromise(given)) {
      answer(given, false);
      return false;
    }
    given.then(
      (own) => {
        if (closed) return;
        try {
          answer(own as R, true);
        } catch (error) {
          fail(error);
        }
      },
      (error: unknown) => fail(ofKey(operation, key, what, error)),
    );
    return true;
  }

  return {
    get: (key, given) => ask(key, 'the store did not give its carry: ', () => store?.get(key), given),
    put: (key, state, done) =>
      ask(
        key,
        'the store did not take its carry: ',
        () => store?.put(key, state),
        (_, later) => {
          if (later) done();
        },
      ),
    close() {
      closed = true;
    },
  };
}
