/** The checkpoints in the folder of a run: their names, what each says of itself, and which of them is the newest that can be used. */
import * as E from 'fp-ts/lib/Either.js';
import { host } from '#host';
import { type FileError, type FormatError, fileError, OxbowError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { loadAs } from '../formats/checkpoint-file.js';
import { formatError } from '../formats/header.js';
import { type Metadata, OWN } from '../formats/seal.js';

/** Where a checkpoint comes from. */
export interface Provenance {
  /** The package's version that wrote it. */
  readonly version: string;
  /** The tier of the kernels that the numbers come from; others give other bits. */
  readonly tier: string;
  /** When it was written, as ISO 8601 has it. */
  readonly date: string;
  /** The hash of the checkpoint that the run went on from, or wrote before; undefined for the first one. */
  readonly parent: string | undefined;
}

/** A checkpoint in the folder of a run. */
export interface StoredCheckpoint extends Provenance {
  readonly checkpoint: Checkpoint;
  readonly step: number;
  /** The path of its file. */
  readonly file: string;
  /** What it is known by: the SHA-256 of its header, which has the checksum of its numbers. */
  readonly hash: string;
}

/** What there is to go on from in the folder of a run. */
export interface Newest {
  /** The newest checkpoint that is as it was written; undefined where there is none. */
  readonly found: StoredCheckpoint | undefined;
  /** Newer ones that are damaged, and what is wrong with each. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

const DIGITS = 12;
export const MOST_STEPS = 10 ** DIGITS - 1;

export const fileNameOf = (step: number): string => `step-${String(step).padStart(DIGITS, '0')}.safetensors`;

/** The steps of the checkpoints in a folder, newest first. */
export async function storedSteps(folder: string): Promise<readonly number[]> {
  const names = await host.namesIn(folder);
  const steps = names.flatMap((name) => /^step-(\d{12})\.safetensors$/.exec(name)?.slice(1).map(Number) ?? []);
  return steps.sort((a, b) => b - a);
}

/** What a file says of itself, as metadata. */
export function provenanceOf(step: number, { version, tier, date, parent }: Provenance): Metadata {
  const facts = { step: String(step), version, tier, date, ...(parent !== undefined && { parent }) };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [OWN + name, value]));
}

/** The SHA-256 of a header, in hexadecimal digits. */
export async function hashOf(header: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', header as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What was done on disk for an operation; what the system refuses becomes an error that names the path. */
export async function onDisk<A>(
  operation: string,
  verb: 'read' | 'written',
  path: string,
  work: () => Promise<A>,
): Promise<A> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof OxbowError ? cause : fileError(operation, verb, path, cause);
  }
}

/**
 * The newest checkpoint that is as it was written. Newer ones that are damaged are skipped, with a warning; whatever else keeps a
 * file from being read, which may be over the next time, is an error.
 *
 * @param aside what is done to a damaged file; where it is then.
 */
export async function newestIn(
  operation: string,
  folder: string,
  aside: (file: string) => Promise<string>,
): Promise<Newest> {
  const skipped: { readonly file: string; readonly reason: string }[] = [];
  const seen = new Set<number>();
  for (;;) {
    const steps = await onDisk(operation, 'read', folder, () => storedSteps(folder));
    const step = steps.find((each) => !seen.has(each));
    if (step === undefined) return { found: undefined, skipped };
    seen.add(step);
    const path = host.pathOf(folder, fileNameOf(step));
    const read = await storedIn(operation, path, step);
    if (E.isRight(read)) {
      const { header, ...stored } = read.right;
      return { found: { ...stored, hash: await hashOf(header) }, skipped };
    }
    const error = read.left;
    // Its writer has removed it meanwhile, and has written others.
    if (codeOf(error) === 'ENOENT') continue;
    if (!isDamage(error)) throw error;
    const file = await onDisk(operation, 'written', path, () => aside(path));
    skipped.push({ file, reason: error.message });
    host.warn(`${error.message} It is skipped for the checkpoint before it.`, 'OXBOW_CHECKPOINT_SKIPPED');
  }
}

/** Reads a checkpoint that the folder of a run has under that step. */
const storedIn = (operation: string, file: string, step: number) =>
  loadAs(operation, file, (checkpoint, { own, header }) => {
    const fact = (name: string) => own[OWN + name];
    const [version, tier, date] = [fact('version'), fact('tier'), fact('date')];
    if (version === undefined || tier === undefined || date === undefined) {
      return E.left(
        formatError('BadMetadata', 'the file does not say which run it is of, as those of openRunFolder do.'),
      );
    }
    if (fact('step') !== String(step)) {
      return E.left(
        formatError('BadMetadata', `the file is named by step ${step}, but it is of step ${fact('step')}.`),
      );
    }
    return E.right({ checkpoint, step, file, version, tier, date, parent: fact('parent'), header });
  })();

const codeOf = ({ cause }: Error): unknown => (cause as { readonly code?: unknown } | undefined)?.code;

/** Whether a file is lost for good. A later version's is not, nor is one for which there is no memory now. */
const isDamage = (error: FileError | FormatError): boolean =>
  error._tag === 'FileError' ? codeOf(error) === 'EIO' : error._tag !== 'UnsupportedFormat';
