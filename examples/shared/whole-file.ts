import { rename, rm, writeFile } from 'node:fs/promises';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type Failure, failure, messageOf } from './failure.js';

/** Writes a text: whoever reads the path finds the old one or the new one, whenever the process ends. */
export function writeWhole(path: string, text: string): TE.TaskEither<Failure, void> {
  const beside = `${path}.${process.pid}.tmp`;
  return TE.tryCatch(
    async () => {
      try {
        await writeFile(beside, text);
        await rename(beside, path);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
    },
    (error) => failure(`--save: ${path} cannot be written: ${messageOf(error)}.`),
  );
}
