/** Models that were kept: read without holding their folder, so that a run that learns is not disturbed. */
import { existsSync, rmdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { loadCheckpoint } from '../../formats/checkpoint-file.js';
import { loadWeights } from '../../formats/weights.js';
import { removeUnheld } from '../../host/node/hold-folder.js';
import { machine } from '../../kernels/machine.js';
import type { Core } from '../../layer.js';
import type { Params } from '../../parameters/parameter.js';
import { build } from '../../runs/build.js';
import type { ModelDescription } from '../../runs/description.js';
import { loadNewest } from '../../runs/folder.js';
import { type RunRecord, readRecord } from '../../runs/record.js';
import { type Resumed, resume } from '../../runs/resume.js';
import type { StoredCheckpoint } from '../../runs/stored.js';
import { type Coder, type CoderData, coderFrom } from '../../streams/coder.js';
import type { TbpttSnapshot } from '../../streams/tbptt.js';
import type { Ids } from '../../tensor.js';
import type { Context } from './command.js';
import { Failure, messageOf } from './failure.js';

/** What a run of a command says of itself. */
export interface About {
  readonly task?: unknown;
  readonly vocab?: CoderData;
  readonly recipe?: Readonly<Record<string, unknown>>;
  /** How surprising lines were lately; see `scoring/distribution.ts`. */
  readonly surprise?: unknown;
  readonly course?: unknown;
}

export interface Kept extends RunRecord {
  readonly about: About;
  readonly weights: StoredCheckpoint['checkpoint']['tensors'];
  readonly metadata: Readonly<Record<string, string>>;
  /** The file, and what it says of itself where it stands in a run's folder. */
  readonly from: { readonly file: string } & Partial<Omit<StoredCheckpoint, 'checkpoint'>>;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new Failure(
      `${path} cannot be read: ${messageOf(error)}; give the folder of a run (oxbow train --keep DIR), or a file of one.`,
    );
  }
}

/** The newest checkpoint of a folder, or a file. */
export async function readStored(path: string) {
  if (!(await isFolder(path))) return { checkpoint: await loadCheckpoint(path), from: { file: path }, skipped: [] };
  const { found, skipped } = await loadNewest(path);
  if (found === undefined) {
    const why = skipped.length > 0 ? ` that is sound: ${skipped[0]?.reason}` : '';
    throw new Failure(`${path} has no checkpoint of a run${why}; give a folder that oxbow train --keep has filled.`);
  }
  const { checkpoint, ...from } = found;
  return { checkpoint, from, skipped };
}

/** What was kept of a run. */
export async function readKept(path: string): Promise<Kept> {
  const { checkpoint, from, skipped } = await readStored(path);
  const record = readRecord(checkpoint);
  if (E.isLeft(record)) {
    throw new Failure(
      `${from.file} is no checkpoint of a run: ${messageOf(record.left)} oxbow inspect ${path} shows it.`,
    );
  }
  const about = (record.right.about ?? {}) as About;
  return { ...record.right, about, metadata: checkpoint.metadata, from, skipped };
}

/** The model of a run that is for a task. */
export function modelOf<M>(kept: Kept, path: string, task: 'language' | 'tagger'): M {
  requireTask(kept.about, path, task);
  if (kept.model === null) {
    throw new Failure(`${path} does not say how its model is made, since it has parts of its program's own; use that.`);
  }
  const model = build<M & Core<unknown>>(kept.model as ModelDescription);
  loadWeights(model.params, kept.weights);
  return model;
}

/** Goes on with a run that is kept in a folder; undefined where there is none yet. Says so where its numbers will be others here. */
export async function resumeKept<M extends { readonly params: Params }, S = TbpttSnapshot<unknown>>(
  path: string,
  { screen }: Pick<Context, 'screen'>,
): Promise<Resumed<M, S> | undefined> {
  const kept = await resume<M, S>(path, { tier: 'any' });
  const { tier } = machine();
  if (kept !== undefined && kept.from.tier !== tier) {
    screen.note(
      `${path} comes from the ${kept.from.tier} tier and goes on with ${tier}: its numbers will differ in their last bits.`,
    );
  }
  return kept;
}

/**
 * Works on a run that is to be kept in a folder. A folder that was made for it, and has come to hold nothing, is removed again, with
 * those around it that were made too: what was refused leaves nothing. One that another process has taken stays.
 */
export async function leavingNothing<T>(folder: string | undefined, work: () => Promise<T>): Promise<T> {
  const made: string[] = [];
  for (let path = resolve(folder ?? '.'); !existsSync(path); path = dirname(path)) made.push(path);
  try {
    return await work();
  } finally {
    const [own, ...around] = made;
    if (own !== undefined && existsSync(own)) removeMade(own, around);
  }
}

function removeMade(own: string, around: readonly string[]): void {
  try {
    if (removeUnheld(own)) for (const path of around) rmdirSync(path);
  } catch {
    // Somebody else has made something there meanwhile, which is to stay.
  }
}

export function requireTask(about: About | undefined, path: string, task: 'language' | 'tagger'): void {
  if (about?.task === task) return;
  const command = { language: 'oxbow train', tagger: 'oxbow tag --learn' }[task];
  const is = typeof about?.task === 'string' ? `a run of the task ${about.task}` : 'a run that does not say its task';
  throw new Failure(`${path} is ${is}, and this takes the task ${task}, as ${command} keeps it.`);
}

export type LanguageCore = Core<unknown, Ids>;

/** The model and the symbols of a language run. What a symbol is that it does not know is never an error here. */
export async function languageIn(
  path: string,
): Promise<Kept & { readonly language: LanguageCore; readonly vocab: Coder }> {
  const kept = await readKept(path);
  const language = modelOf<LanguageCore>(kept, path, 'language');
  return { ...kept, language, vocab: await vocabularyOf(kept.about, path) };
}

export async function vocabularyOf({ vocab }: Pick<About, 'vocab'>, path: string): Promise<Coder> {
  try {
    return await coderFrom(vocab);
  } catch (error) {
    throw new Failure(`${path} has no vocabulary that can be read: ${messageOf(error)} Train it anew.`);
  }
}
