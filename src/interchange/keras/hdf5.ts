/**
 * HDF5 files in memory, by the HDF Group's library as WebAssembly (`h5wasm`), which is loaded where it is first asked for. It sees a file
 * system of its own with one file in it, so that no link leads out of that.
 */

import { MOST_NUMBERS } from '../../checks.js';
import { OxbowError } from '../../errors.js';
import { type Tensor, tensor } from '../../tensor.js';
import { refused } from '../format.js';

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

export const isHdf5 = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, k) => bytes[k] === byte);

/** Members of a group: layers and variables are far fewer. */
const MOST_MEMBERS = 20_000;
/** The memory of the library is of 32 bits, and holds the file besides what is read. */
const MOST_BYTES = 2 ** 30;

type Library = typeof import('h5wasm');

let library: Promise<Library> | undefined;
let broken: unknown;
let files = 0;

/** The library, once it is ready. */
async function loaded(): Promise<Library> {
  library ??= import('h5wasm').then(async (module) => {
    // Errors are thrown with what the library says of them, and not printed.
    (await module.ready).activate_throwing_error_handler();
    return module;
  });
  return library;
}

/** What is read of a file. */
export interface Hdf5File {
  /** Names within a group; undefined where there is no group of that path. */
  members(path: string): readonly string[] | undefined;
  /** @throws OxbowError, an InterchangeError, where it is none of floating-point numbers, or larger than its file. */
  numbers(path: string): Tensor;
  /** Texts of an attribute; undefined where it is not there. */
  texts(path: string, attribute: string): readonly string[] | undefined;
}

/**
 * Opens a file for as long as a function runs.
 *
 * @throws OxbowError, an InterchangeError, where the file is damaged.
 */
export async function readHdf5<R>(
  title: string,
  place: string,
  bytes: Uint8Array,
  use: (file: Hdf5File) => R,
): Promise<R> {
  const refuse = (where: string, reason: string, cause?: unknown): never => {
    throw refused('importModel', title, where, reason, cause);
  };
  if (!isHdf5(bytes)) refuse(place, 'it is no HDF5 file');
  if (bytes.length > MOST_BYTES)
    refuse(place, `its ${bytes.length} bytes are more than can be read at once, ${MOST_BYTES}`);
  const { File, FS, Group, Dataset } = await loaded();
  if (broken !== undefined)
    refuse(place, 'an earlier file has broken the reader of HDF5; start the process anew', broken);
  files += 1;
  const name = `/${files}.h5`;
  let file: InstanceType<Library['File']> | undefined;
  const within = <T>(where: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      if (error instanceof OxbowError) throw error;
      if (error instanceof WebAssembly.RuntimeError) broken = error;
      return refuse(where, 'the HDF5 file is damaged there; copy or save it anew', error);
    }
  };
  const at = (path: string) => within(path, () => (path === '' ? file : exists(path) ? file?.get(path) : null));
  /** Whether all of a path is there, hard links alone: `get` follows any. */
  function exists(path: string): boolean {
    let group: { keys(): string[] } | null = file as InstanceType<Library['Group']>;
    const parts = path.split('/');
    return parts.every((part, k) => {
      if (group === null || !keysOf(group, path).includes(part)) return false;
      const next = k < parts.length - 1 ? file?.get(parts.slice(0, k + 1).join('/')) : null;
      group = next instanceof Group ? next : null;
      return true;
    });
  }
  function keysOf(group: { keys(): string[] }, path: string): readonly string[] {
    const keys = group.keys();
    return keys.length > MOST_MEMBERS ? refuse(path, `it has ${keys.length} members`) : keys;
  }
  try {
    (FS as NonNullable<typeof FS>).writeFile(name, bytes);
    file = within(place, () => new File(name, 'r'));
    return use({
      members: (path) => {
        const group = at(path);
        return group instanceof Group ? within(path, () => keysOf(group, path)) : undefined;
      },
      numbers(path) {
        const found = at(path);
        if (!(found instanceof Dataset)) return refuse(path, 'there is no array');
        const { metadata } = found;
        const shape = (metadata.shape ?? []).map(Number);
        const count = shape.reduce((product, size) => product * size, 1);
        if (metadata.type !== 1 || (metadata.size !== 4 && metadata.size !== 8)) {
          refuse(path, `it is of type ${String(within(path, () => found.dtype))}, and weights are float32`);
        }
        // What is packed may be larger than its file, but not out of proportion.
        const most = metadata.chunks ? 100 * bytes.length : bytes.length;
        if (!(count <= MOST_NUMBERS && count * metadata.size <= most)) {
          refuse(path, `its ${shape.join(' × ')} numbers are more than its file can have`);
        }
        const values = count === 0 ? [] : within(path, () => found.value);
        if (values !== null && typeof values === 'object' && (values as ArrayLike<number>).length === count) {
          return tensor(shape, Float32Array.from(values as ArrayLike<number>));
        }
        return refuse(path, 'its numbers cannot be read');
      },
      texts(path, attribute) {
        const found = at(path);
        if (found === null || found === undefined) return undefined;
        return within(`${path}@${attribute}`, () => {
          const value = 'attrs' in found ? found.attrs[attribute]?.value : undefined;
          if (value === undefined || value === null) return undefined;
          return [value].flat().map(String);
        });
      },
    });
  } finally {
    try {
      file?.close();
      FS?.unlink(name);
    } catch {
      // What is damaged may not close.
    }
  }
}

/** Arrays by their paths, with a `name` on the group of each where there is one. */
export interface NewFile {
  readonly arrays: readonly (readonly [path: string, value: Tensor])[];
  /** Groups and their attribute `name`. */
  readonly groups: readonly (readonly [path: string, name: string])[];
}

/** The bytes of a new file, which are the same for the same arrays. */
export async function writeHdf5(content: NewFile): Promise<Uint8Array> {
  const module = await loaded();
  // The library notes when an object was made, has no option that it should not, and asks the clock here.
  const { now } = Date;
  Date.now = () => 0;
  try {
    return written(module, content);
  } finally {
    Date.now = now;
  }
}

function written({ File, FS }: Library, { arrays, groups }: NewFile): Uint8Array {
  files += 1;
  const name = `/${files}.h5`;
  const file = new File(name, 'w');
  const made = new Set<string>();
  function group(path: string): InstanceType<Library['Group']> {
    const parts = path.split('/');
    parts.forEach((_, k) => {
      const own = parts.slice(0, k + 1).join('/');
      if (made.has(own)) return;
      made.add(own);
      file.create_group(own);
    });
    return file.get(path) as InstanceType<Library['Group']>;
  }
  try {
    for (const [path, text] of groups) group(path).create_attribute('name', text);
    for (const [path, { shape, data }] of arrays) {
      const cut = path.lastIndexOf('/');
      group(path.slice(0, cut)).create_dataset({ name: path.slice(cut + 1), data, shape: [...shape], dtype: '<f4' });
    }
    file.close();
    return (FS as NonNullable<typeof FS>).readFile(name);
  } finally {
    try {
      FS?.unlink(name);
    } catch {
      // It was not made.
    }
  }
}
