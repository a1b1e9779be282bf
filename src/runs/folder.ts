/**
 * The folder of a run: its last checkpoints, a file each, written by one process at a time. Whatever happens to the process or the
 * machine, the newest file under its name is whole.
 */
import { host } from '#host';
import { requireCount } from '../checks.js';
import { type FolderError, OxbowError } from '../errors.js';
import { type Checkpoint, fileLayoutOf } from '../formats/checkpoint.js';
import { settled, writeLayout } from '../formats/checkpoint-file.js';
import type { FolderHolder, HeldFolder } from '../host/host.js';
import { machine } from '../kernels/machine.js';
import { checkedOptions, type Names } from '../options.js';
import { version } from '../version.js';
import {
  fileNameOf,
  hashOf,
  MOST_STEPS,
  type Newest,
  newestIn,
  onDisk,
  provenanceOf,
  type StoredCheckpoint,
  storedSteps,
} from './stored.js';

/** Options of {@link openRunFolder}. */
export interface RunFolderOptions {
  /** How many checkpoints are kept, the newest ones; default 3. */
  readonly keep?: number;
  /**
   * Whether to take the folder from a process of another host, which cannot be asked whether it lives: where it is known, by
   * a scheduler for one, that the other is gone. Default false.
   */
  readonly takeOver?: boolean;
}

/** Options of {@link RunFolder.write}. */
export interface WriteOptions {
  /** How far the run is; each is after the one before it. */
  readonly step: number;
  /**
   * Whether all numbers stay as they are until they are written, so that those that are part of a larger buffer need not be copied.
   * Default false.
   */
  readonly held?: boolean;
  /** How many checkpoints are kept from now on; default as many as before. */
  readonly keep?: number;
}

/** The folder of a run, held by this process. */
export interface RunFolder {
  /** Where it is, from the root. */
  readonly path: string;
  /**
   * Writes a checkpoint, then removes those that are more than is kept. One is written at a time.
   *
   * @returns resolves when it is on the disk, with where it is, its hash, and what it says of itself.
   */
  write(checkpoint: Checkpoint, options: WriteOptions): Promise<Omit<StoredCheckpoint, 'checkpoint'>>;
  /**
   * Reads the newest checkpoint that is as it was written, which the next one then has as its parent. Those that are damaged are
   * renamed to `….broken`, with a warning.
   */
  newest(): Promise<Newest>;
  /** Waits for what is being written, and lets the folder go. */
  close(): Promise<void>;
}

const names: Names<RunFolderOptions> = { keep: true, takeOver: 'boolean' };
const writeNames: Names<WriteOptions> = { step: true, held: 'boolean', keep: true };

/**
 * Opens the folder of a run to write checkpoints into it, and makes it where there is none. One process holds it at a time; one that
 * is dead holds none. What a killed process was writing is removed.
 *
 * A checkpoint becomes a file of its own, `step-000000001234.safetensors`: written under another name, brought to the disk, then
 * renamed. It has a checksum of all of it, which is held against the bytes where it is read.
 *
 * @param path that of the folder.
 * @param options how many checkpoints are kept, and whether another host's lock counts.
 * @returns resolves with the folder once it is this process's.
 * @throws OxbowError (as a rejection): a {@link FolderError} that names process and host where another one holds it, a
 * {@link FileError} where it cannot be written to.
 * @throws TypeError, RangeError (as rejections) where an option is not known, or `keep` is no count.
 * @example
 * ```ts no-run
 * const folder = await openRunFolder('runs/alice', { keep: 5 });
 * const { found } = await folder.newest();
 * if (found) loadWeights(model.params, found.checkpoint.tensors);
 * await folder.write({ tensors: weightsOf(model.params), metadata: {} }, { step: (found?.step ?? 0) + 1000 });
 * await folder.close();
 * ```
 */
export async function openRunFolder(path: string, options: RunFolderOptions = {}): Promise<RunFolder> {
  const { takeOver = false, ...chosen } = checkedOptions('openRunFolder', options, names);
  let { keep = 3 } = chosen;
  requireCount('openRunFolder', 'keep', keep);
  const taken = await onDisk('openRunFolder', 'written', path, () => host.holdFolder(path, takeOver));
  if (!('lost' in taken)) throw folderError('openRunFolder', 'FolderHeld', path, taken);
  const folder: HeldFolder = taken;
  let last: { readonly step: number; readonly hash: string } | undefined;
  let busy: Promise<unknown> | undefined;
  let isClosed = false;

  /** @throws OxbowError, a {@link FolderError}, where another process has taken the folder over. */
  function requireHeld(operation: string): void {
    const holder = folder.lost();
    if (holder) throw folderError(operation, 'FolderLost', folder.path, holder);
  }

  /** Does one thing at a time. */
  async function alone<A>(operation: string, work: () => Promise<A>): Promise<A> {
    if (isClosed) throw new Error(`${operation}: the folder ${folder.path} is closed; open it anew.`);
    if (busy) throw new Error(`${operation}: the folder ${folder.path} is still at work; await what it does first.`);
    const working = work();
    busy = working;
    try {
      return await working;
    } finally {
      busy = undefined;
    }
  }

  async function put(checkpoint: Checkpoint, { step, held = false, keep: kept = keep }: WriteOptions) {
    requireCount('write', 'keep', kept);
    keep = kept;
    requireCount('write', 'step', step, 0, MOST_STEPS);
    const provenance = {
      version,
      tier: machine().tier,
      date: new Date().toISOString(),
      parent: last?.hash,
    };
    const layout = fileLayoutOf('write', held ? checkpoint : settled(checkpoint), provenanceOf(step, provenance));
    const file = host.pathOf(folder.path, fileNameOf(step));
    return onDisk('write', 'written', file, async () => {
      requireHeld('write');
      const [newest = -1] = await storedSteps(folder.path);
      if (step < newest || (step === newest && step !== last?.step)) {
        throw new Error(
          `step ${step} is not after step ${newest}, which the folder has; go on from newest(), or give the run a folder of its own.`,
        );
      }
      await writeLayout(file, layout, () => requireHeld('write'));
      last = { step, hash: await hashOf(layout.header) };
      await removeOld();
      return { file, step, hash: last.hash, ...provenance };
    });
  }

  /** What has been written is on the disk, whatever becomes of the old ones. */
  async function removeOld(): Promise<void> {
    try {
      const old = (await storedSteps(folder.path)).slice(keep);
      for (const step of old) await host.removeFile(host.pathOf(folder.path, fileNameOf(step)));
    } catch (error) {
      const reason = (error as Error).message;
      host.warn(`old checkpoints in ${folder.path} cannot be removed: ${reason}`, 'OXBOW_CHECKPOINTS_KEPT');
    }
  }

  async function setAside(file: string): Promise<string> {
    requireHeld('newest');
    await host.renameFile(file, `${file}.broken`);
    return `${file}.broken`;
  }

  return {
    path: folder.path,
    write: async (checkpoint, given) => {
      const checked = checkedOptions('write', given, writeNames);
      return alone('write', () => put(checkpoint, checked));
    },
    newest: () =>
      alone('newest', async () => {
        const newest = await newestIn('newest', folder.path, setAside);
        last = newest.found;
        return newest;
      }),
    async close() {
      isClosed = true;
      await busy?.catch(() => undefined);
      folder.release();
    },
  };
}

const folderError = (
  operation: string,
  _tag: FolderError['_tag'],
  path: string,
  { pid, host: where, message }: FolderHolder,
): FolderError =>
  new OxbowError<FolderError>({ _tag, path, pid, host: where, message: `${operation}: ${path} ${message}` });

/**
 * Reads the newest checkpoint in the folder of a run that is as it was written, also while another process writes into it: nothing is
 * changed there.
 *
 * @param path that of the folder.
 * @returns resolves with the checkpoint, if there is one, and with the newer ones that are damaged, of which a warning is given.
 * @throws OxbowError (as a rejection), a {@link FileError} where the folder cannot be read, or a {@link FormatError} where a later
 * version of the package wrote the file.
 * @example
 * ```ts no-run
 * const { found } = await loadNewest('runs/alice');
 * if (found) loadWeights(model.params, found.checkpoint.tensors);
 * ```
 */
export const loadNewest = async (path: string): Promise<Newest> => newestIn('loadNewest', path, async (file) => file);
