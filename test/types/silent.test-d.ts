/**
 * No public function is silent when awaited: what gives a TaskEither or an Either says so by its name. Held by the type check
 * over all that the package exports, and over the methods of what its functions give.
 */
import type { Either } from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import type * as oxbow from '../../src/index.js';

type Any = Either<unknown, unknown>;
type IsAny<T> = 0 extends 1 & T ? true : false;

/** Whether a value is an Either, now or once it has been called for. */
type IsSilent<R> =
  IsAny<R> extends true ? false : [R] extends [never] ? false : R extends Any | (() => Promise<Any>) ? true : false;

/** The paths to functions that give an Either though their names do not say so, so many calls deep. */
type Silent<T, Depth extends readonly unknown[]> = {
  [K in keyof T & string]: K extends `${string}Either`
    ? never
    : T[K] extends (...args: never) => infer R
      ? true extends IsSilent<R>
        ? K
        : Depth extends readonly [unknown, ...infer Less]
          ? IsAny<R> extends true
            ? never
            : Below<K, R, Less>
          : never
      : never;
}[keyof T & string];

type Below<K extends string, R, Depth extends readonly unknown[]> = R extends object
  ? `${K}().${Silent<R, Depth> & string}`
  : never;

type TwoCalls = [1, 1];

// The walk finds what it looks for: at once, in a method, in a method of what a method gives, and in a union.
interface Wrong {
  save(): TaskEither<Error, void>;
  parse(text: string): Either<Error, number>;
  parseEither(text: string): Either<Error, number>;
  make<T>(from: T): { save(): TaskEither<Error, T>; saveEither(): TaskEither<Error, T>; fine(): Promise<T> };
  build(): { compile(): { load(): TaskEither<Error, void>; title: string } };
  maybe(): Either<Error, void> | undefined;
}
export const found: Record<'save' | 'parse' | 'maybe' | 'make().save' | 'build().compile().load', true> = {} as Record<
  Silent<Wrong, TwoCalls>,
  true
>;
export const all: Record<Silent<Wrong, TwoCalls>, true> = found;

type Found = Silent<typeof oxbow, TwoCalls>;
export const none: [Found] extends [never] ? true : Found = true;

// Each variant for fp-ts belongs to a function of the name.
type Eithers = keyof typeof oxbow & `${string}Either`;
type Bare<K> = K extends `${infer Name}Either` ? Name : never;
type Orphans = Exclude<Bare<Eithers>, keyof typeof oxbow>;
export const paired: [Orphans] extends [never] ? true : Orphans = true;
// @ts-expect-error there are some
export const some: [Eithers] extends [never] ? true : false = true;
export const saves: Promise<void> = {} as ReturnType<oxbow.Model['save'] | oxbow.Model['load']>;

// An OxbowError is known by its class, and then by its tag.
declare const error: unknown;
if (error instanceof ({} as typeof oxbow).OxbowError) {
  const { message }: Error = error;
  // @ts-expect-error not all of them are of a file
  error.path;
  if (error._tag === 'FileError') [message, error.path].join();
  if (error._tag === 'WeightsMismatch') error.missing.map((path) => path.length);
  if (error._tag === 'BadLine' || error._tag === 'CountMismatch') error.line.toFixed();
  // @ts-expect-error there is no such tag
  error._tag === 'Other';
}
