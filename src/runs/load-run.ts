import { host } from '#host';
import { fileError } from '../errors.js';
import { loadCheckpoint } from '../formats/checkpoint-file.js';
import { formatError } from '../formats/header.js';
import type { Core } from '../layer.js';
import { checkedOptions } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import type { Ids, Tensor } from '../tensor.js';
import { type Resumed, runIn } from './resume.js';
import { newestIn } from './stored.js';

/** The options of {@link loadRun}. */
export interface LoadRunOptions<M> {
  /** The model to put the weights into, where it is not one that the file can describe, or is there already. */
  readonly model?: M | undefined;
}

/** What a run had learnt: its model, and what it said of itself. */
export type LoadedRun<M> = Pick<Resumed<M, unknown>, 'model' | 'about'> & {
  /** The file that was read. */
  readonly file: string;
};

/**
 * Reads the model of a run that `checkpointed` keeps, to use it or to begin another run with its weights. The folder stays free, and
 * another process may write into it meanwhile; `resume` is for the run itself to go on.
 *
 * @param path that of the folder, whose newest file that is whole is taken, or of one of its files, wherever that is now.
 * @param options a model of your own.
 * @returns resolves with the model, with its weights, and what the run said of itself.
 * @throws TypeError (as a rejection) where an option is not known, or the file does not say how its model is made.
 * @throws OxbowError (as a rejection) where there is no such file, it is none of a run, or its weights are not those of the model.
 * @example
 * ```ts no-run
 * const { model, about } = await loadRun('runs/alice');
 * generateFrom(model, prompt, { length: 100 }).pipe(text(vocabularyFrom(about.vocab)));
 * ```
 */
export async function loadRun<M extends { readonly params: Params } = Core<unknown, Ids, Tensor>>(
  path: string,
  options: LoadRunOptions<M> = {},
): Promise<LoadedRun<M>> {
  const { model: given } = checkedOptions('loadRun', options, { model: true }) as LoadRunOptions<M>;
  const { file, checkpoint } = (await isFolder(path))
    ? await newest(path)
    : { file: path, checkpoint: await loadCheckpoint(path) };
  const { model, about } = runIn<M, unknown>(file, checkpoint, given);
  return { model, about, file };
}

async function newest(folder: string) {
  const { found } = await newestIn('loadRun', folder, async (file) => file);
  if (found !== undefined) return found;
  throw formatError(
    'BadMetadata',
    `loadRun: ${folder} has no file of a run; give the folder that checkpointed wrote into.`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    await host.namesIn(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return false;
    throw fileError('loadRun', 'read', path, cause);
  }
}
