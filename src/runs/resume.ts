import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { type FormatError, saidOf } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { formatError } from '../formats/header.js';
import { putWeights } from '../formats/weights.js';
import { machine } from '../kernels/machine.js';
import type { Core } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import type { TbpttSnapshot } from '../streams/tbptt.js';
import type { Ids, Tensor } from '../tensor.js';
import { buildEither } from './build.js';
import type { ModelDescription } from './description.js';
import { openRunFolder, type RunFolder } from './folder.js';
import { readRecord } from './record.js';
import type { Newest, StoredCheckpoint } from './stored.js';

/** The options of {@link resume}. */
export interface ResumeOptions<M> {
  /** The model to put the weights into, where it is not one that the file can describe, or is there already. */
  readonly model?: M | undefined;
  /**
   * Whether a run of another tier of kernels may go on: `'any'`, with other bits than it would have had there. Default `'same'`.
   */
  readonly tier?: 'same' | 'any' | undefined;
}

const names: Names<ResumeOptions<unknown>> = { model: true, tier: true };

/** A run that can go on. */
export interface Resumed<M, S> {
  /** The model, with its weights. */
  readonly model: M;
  /** What the run needs: option `from` of `tbptt`, `keyedTbptt`, `learnTags`, `fitTagger` and a model's `fit`. */
  readonly snapshot: S;
  /** Where the source goes on, as the source said; undefined where it did not. */
  // biome-ignore lint/suspicious/noExplicitAny: each source has a type of its own, which its option `from` takes; no file can say it to the compiler.
  readonly position: any;
  /** What the run said of itself. */
  // biome-ignore lint/suspicious/noExplicitAny: the caller's own, as it was given to `checkpointed`; no file can say it to the compiler.
  readonly about: any;
  readonly step: number;
  /** Where it comes from: the file, its version, tier, date and hash. */
  readonly from: Omit<StoredCheckpoint, 'checkpoint'>;
  /** Newer files that are damaged, and what is wrong with each. */
  readonly skipped: Newest['skipped'];
}

/** Folders that this process holds, and nobody writes into yet, by the paths they were asked for. */
const waiting = new Map<string, RunFolder>();
/** Those that are being let go. */
const leaving = new Map<string, Promise<unknown>>();

/** The folder of a run: the one that `resume` has opened, or else opened now. */
export async function folderOf(path: string): Promise<RunFolder> {
  await leaving.get(path);
  const held = waiting.get(path);
  waiting.delete(path);
  return held ?? openRunFolder(path);
}

/** Says that a folder is this process's until a promise is settled. */
export function letGo(path: string, done: Promise<unknown>): void {
  const settled = done.then(
    () => undefined,
    () => undefined,
  );
  leaving.set(path, settled);
  void settled.then(() => {
    if (leaving.get(path) === settled) leaving.delete(path);
  });
}

/**
 * Reads what `checkpointed` has kept in a folder last: a model with its weights, and all that its run needs to go on, bit for bit, as
 * if it had never stopped. This process has the folder from then on.
 *
 * A file that is damaged is passed over for the one before, with a warning. A run that comes from another tier of kernels would go on
 * with other bits, so it is an error unless `tier: 'any'` is asked for.
 *
 * @param folder its path; it is made where it is not there.
 * @param options a model of your own, and whether another tier will do.
 * @returns resolves with the run, or with undefined where the folder has none yet.
 * @throws TypeError (as a rejection) where an option is not known, or the file does not say how its model is made.
 * @throws OxbowError (as a rejection) where another process has the folder, the file is none of a run, its weights are not those of
 * the model, or it comes from another tier.
 * @example
 * ```ts no-run
 * const kept = await resume('alice');
 * if (kept) console.log(`goes on after update ${kept.step}, at`, kept.position);
 * ```
 */
export async function resume<
  M extends { readonly params: Params } = Core<unknown, Ids, Tensor>,
  S = TbpttSnapshot<unknown>,
>(folder: string, options: ResumeOptions<M> = {}): Promise<Resumed<M, S> | undefined> {
  const { model: given, tier = 'same' } = checkedOptions('resume', options, names) as ResumeOptions<M>;
  if (tier !== 'same' && tier !== 'any') throw new TypeError(`resume: tier is 'same' or 'any', not ${String(tier)}.`);
  const opened = await folderOf(folder);
  waiting.set(folder, opened);
  try {
    const { found, skipped } = await opened.newest();
    if (found === undefined) return undefined;
    const { checkpoint, ...from } = found;
    if (tier === 'same' && from.tier !== machine().tier) throw otherTier(from.file, from.tier);
    return { ...runIn<M, S>(from.file, checkpoint, given), step: from.step, from, skipped };
  } catch (error) {
    waiting.delete(folder);
    await opened.close();
    throw error;
  }
}

/** What a file keeps of a run, with its weights in a model: the one that is given, or the one that it describes. */
export function runIn<M extends { readonly params: Params }, S>(
  file: string,
  checkpoint: Checkpoint,
  given?: M,
): Pick<Resumed<M, S>, 'model' | 'snapshot' | 'position' | 'about'> {
  const said = saidOf(`resume: ${file}`);
  const run = pipe(
    readRecord(checkpoint),
    E.chainW((record) =>
      pipe(
        given === undefined ? rebuilt<M>(file, record.model) : E.right(given),
        E.chainFirstW((model) => putWeights(model.params, record.weights)),
        E.map((model) => ({ ...record, model })),
      ),
    ),
  );
  if (E.isLeft(run)) throw said(run.left);
  const { model, snapshot, position, about } = run.right;
  return { model, snapshot: snapshot as S, position, about };
}

function rebuilt<M>(file: string, description: unknown) {
  if (description !== null) return buildEither<M>(description as ModelDescription);
  throw new TypeError(
    `resume: ${file} does not say how its model is made, since it has parts of your own; give it by resume(folder, { model }), or ` +
      'register those parts before the run begins.',
  );
}

const otherTier = (file: string, tier: string): FormatError =>
  formatError(
    'OtherTier',
    `resume: ${file} comes from the ${tier} tier of kernels, and this machine runs ${machine().tier}: the run would go on with other bits.`,
  );
