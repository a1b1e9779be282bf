/** What is done, by the mode that the options come to. */
import * as E from 'fp-ts/lib/Either.js';
import type { Failure } from '../shared/failure.js';
import { readSets } from './data.js';
import { trainOffline } from './offline.js';
import type { Options } from './options.js';
import { openSession } from './session.js';

export async function run(options: Options): Promise<E.Either<Failure, unknown>> {
  const session = openSession(options);
  if (E.isLeft(session)) return session;
  const sets = await readSets(options)();
  if (E.isLeft(sets)) return sets;
  return E.right(await trainOffline(session.right, sets.right));
}
