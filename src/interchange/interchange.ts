/** Models from files of other frameworks, and into such files. */
import { host } from '#host';
import { isRecord, requireChoice, requireKind, requireModel } from '../checks.js';
import { fileError, OxbowError } from '../errors.js';
import { weightsOf } from '../formats/weights.js';
import type { Core } from '../layer.js';
import { checkedOptions, type Names } from '../options.js';
import { describe } from '../runs/describe.js';
import type { ModelDescription } from '../runs/description.js';
import type { Ids, Tensor } from '../tensor.js';
import { type Format, type FormatName, refused, type SourceFile, type TargetFile } from './format.js';
import { formatNames, formats } from './formats.js';

/** A file by its path, its bytes, or several by their names, of which the first one is read and may name the others. */
export type InterchangeSource = string | Uint8Array | Readonly<Record<string, Uint8Array>>;

/** The options of {@link importModel}. */
export interface ImportOptions {
  /** What the file's tensors are the weights of, where it does not say: a model, which stays as it is, or a description. */
  readonly as?: Pick<Core<unknown>, 'params'> | ModelDescription | undefined;
}

/** What a format needs in addition to the model. */
export interface FormatOptions {
  /** Of ONNX: a `window` of any length (default), or a single `step`, from carry to carry. */
  readonly graph?: 'window' | 'step' | undefined;
  /**
   * Of Keras: the axes of one example without the batch, `[28, 28, 1]`, or `[null, 8]` for sequences of any length. Default: as far as the
   * first layers tell; images have to say it.
   */
  readonly inputShape?: readonly (number | null)[] | undefined;
}

/** The options of {@link exportModel}. */
export interface ExportOptions extends FormatOptions {
  /** Default: that of the file's ending. */
  readonly format?: FormatName | undefined;
}

const formatOptions: Names<FormatOptions> = { graph: true, inputShape: true };

const BYTES = 'the bytes';
/** More than any file of a model; the rest is left to the memory that there is. */
const MOST_BYTES = 2 ** 40;

/**
 * Reads a model of another framework: PyTorch's state_dicts, as safetensors files and as `torch.save` writes them; graphs of ONNX; models of
 * Keras 3 and files of their weights; layers models of TensorFlow.js. The format is recognised by the file's content. Nothing of the file is run, and what there is no counterpart for is refused by name.
 *
 * @param file its path, in Node; its bytes; or several files by their names, the first one to be read.
 * @param options what the weights are of, where the file does not say.
 * @returns resolves with the model, with the file's weights.
 * @throws OxbowError (as a rejection) that names the file: an {@link InterchangeError} with the place in it, or a {@link FileError}.
 * @throws TypeError (as a rejection) where an option is not known, or what is given is no file.
 * @example
 * ```ts no-run
 * import { gpt } from 'oxbow';
 * import { importModel } from 'oxbow/interchange';
 *
 * const charRnn = await importModel('char-rnn.pt');
 * const as = gpt({ symbols: 65, context: 64, features: 128, heads: 4, blocks: 4 });
 * const blocks = await importModel<typeof as>('blocks.safetensors', { as });
 * ```
 */
export async function importModel<M = Core<unknown, Ids, Tensor>>(
  file: InterchangeSource,
  options: ImportOptions = {},
): Promise<M> {
  const { as } = checkedOptions('importModel', options, { as: true });
  const description = as === undefined ? undefined : descriptionOf(as);
  const source = await sourceOf(file);
  const format = await formatOf(source);
  try {
    return (await format.read(source, { as: description })) as M;
  } catch (error) {
    if (!(error instanceof OxbowError) || error._tag === 'Interchange') throw error;
    // What a model is built from is the file's, or what was given.
    throw refused('importModel', format.title, description === undefined ? source.path : 'as', error.message, error);
  }
}

function descriptionOf(as: NonNullable<ImportOptions['as']>): ModelDescription {
  if (isRecord(as) && typeof (as as Partial<ModelDescription>).$ === 'string') return as as ModelDescription;
  requireModel('importModel', as, 'apply');
  return describe(as);
}

/**
 * A model as the files of another format.
 *
 * @param model what a factory of this package has made.
 * @param options the format, and its own options.
 * @returns resolves with the files; the name of the one that stands for all is empty, and the others are in its folder.
 * @throws OxbowError (as a rejection), an {@link InterchangeError} that names the layer and its attribute, where the format cannot
 * express the model.
 * @throws TypeError (as a rejection) where an option is not known or is another format's, or what is given is no model that can be described.
 * @example
 * ```ts
 * import { decodeCheckpoint, lstm } from 'oxbow';
 * import { encodeModel } from 'oxbow/interchange';
 *
 * const [file] = await encodeModel(lstm(8, 16, { seed: 1 }), { format: 'pytorch' });
 * decodeCheckpoint(file!.bytes).tensors.weight_ih_l0!.shape; // [64, 8]
 * ```
 */
export async function encodeModel(
  model: Pick<Core<unknown>, 'params' | 'kind'>,
  options: FormatOptions & { readonly format: FormatName },
): Promise<readonly TargetFile[]> {
  const { format, ...own } = checkedOptions('encodeModel', options, { format: true, ...formatOptions });
  return encoded('encodeModel', model, format, own);
}

async function encoded(
  operation: string,
  model: Pick<Core<unknown>, 'params' | 'kind'>,
  name: FormatName,
  options: FormatOptions,
): Promise<readonly TargetFile[]> {
  requireModel(operation, model);
  requireChoice(operation, 'format', name, formatNames);
  const format = await loaded(name);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const each of Object.keys(given)) {
    if (formats[name].options?.includes(each)) continue;
    throw new TypeError(`${operation}: ${each} is no option of ${format.title}; leave it out.`);
  }
  return format.write({ description: describe(model), weights: weightsOf(model.params) }, given);
}

/**
 * Writes a model for another framework: for PyTorch a safetensors file by the names of a state_dict, whose metadata have a module
 * of Python that takes it; for others a graph of ONNX, or an archive of Keras 3. All of it is made before anything is written, and each file is replaced as a whole or not at all.
 *
 * @param model what a factory of this package has made.
 * @param file the path; its folder must be there.
 * @param options the format, where the file's extension does not say it, and its own options.
 * @returns resolves with what was written, when it is on the disk.
 * @throws OxbowError (as a rejection), an {@link InterchangeError} that names the layer and its attribute where the format cannot
 * express the model, or a {@link FileError} where a file cannot be written.
 * @throws TypeError (as a rejection) where an option is not known, the ending is of no format or of another one, or what is given is
 * no model that can be described.
 * @example
 * ```ts no-run
 * import { languageModel } from 'oxbow';
 * import { exportModel } from 'oxbow/interchange';
 *
 * await exportModel(languageModel({ symbols: 65 }), 'char-rnn.safetensors');
 * ```
 */
export async function exportModel(
  model: Pick<Core<unknown>, 'params' | 'kind'>,
  file: string,
  options: ExportOptions = {},
): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
  const { format, ...own } = checkedOptions('exportModel', options, { format: true, ...formatOptions });
  requireKind('exportModel', typeof file === 'string', 'the path of a file', file, 'encodeModel gives the bytes');
  const name = format ?? namedBy(file);
  if (name === undefined) {
    throw new TypeError(
      `exportModel: ${file} ends as no format does; give { format }, one of ${formatNames.join(', ')}.`,
    );
  }
  const files = await encoded('exportModel', model, name, own);
  const [ending = ''] = formats[name].endings;
  // A file whose ending says another kind would be read as that.
  if (namedBy(file) !== undefined && !file.endsWith(ending)) {
    throw new TypeError(`exportModel: ${file} is written as ${ending}; name it so, or give another format.`);
  }
  // The one that names the others comes last, so that it never names what is not there.
  const ordered = [...files].sort((a, b) => Number(a.name === '') - Number(b.name === ''));
  const written: { path: string; bytes: number }[] = [];
  for (const { name: inner, bytes } of ordered) {
    const path = inner === '' ? file : host.pathOf(folderOf(file), inner);
    try {
      await host.replaceFile(path, () => [bytes]);
    } catch (cause) {
      throw fileError('exportModel', 'written', path, cause);
    }
    written.push({ path, bytes: bytes.length });
  }
  return written;
}

const loaded = (name: FormatName): Promise<Format> => formats[name].load();

const namedBy = (path: string): FormatName | undefined =>
  formatNames.find((name) => formats[name].endings.some((ending) => path.endsWith(ending)));

const folderOf = (path: string) => path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || '.';

/** The format of a file, by its content; the one of its ending is asked first. */
async function formatOf(source: SourceFile): Promise<Format> {
  const likely = namedBy(source.path);
  for (const name of [...formatNames].sort((a, b) => Number(b === likely) - Number(a === likely))) {
    const format = await loaded(name);
    if (format.recognises(source)) return format;
  }
  throw refused(
    'importModel',
    'no known format',
    source.path,
    `its bytes are of none of ${formatNames.join(', ')}; give a file of one of them`,
  );
}

async function sourceOf(file: InterchangeSource): Promise<SourceFile> {
  if (typeof file === 'string') {
    return {
      path: file,
      bytes: await bytesAt(file),
      beside: (name) => bytesAt(host.pathOf(folderOf(file), plain(file, name))),
    };
  }
  if (file instanceof Uint8Array) {
    return { path: BYTES, bytes: file, beside: async (name) => missing(BYTES, name) };
  }
  const entries = isRecord(file) ? Object.entries(file) : [];
  const fits = entries.length > 0 && entries.every(([, bytes]) => bytes instanceof Uint8Array);
  requireKind('importModel', fits, 'a path, bytes, or bytes by their names', file, 'read the file as bytes');
  const [[path, bytes]] = entries as unknown as readonly [readonly [string, Uint8Array]];
  return {
    path,
    bytes,
    beside: async (name) => (Object.hasOwn(file, plain(path, name)) ? (file[name] as Uint8Array) : missing(path, name)),
  };
}

/** A name that stays in its folder. */
function plain(path: string, name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\\0:]/.test(name)) return name;
  throw refused(
    'importModel',
    'files',
    path,
    `it names the file ${JSON.stringify(name.slice(0, 100))}, which is not in its folder`,
  );
}

function missing(path: string, name: string): never {
  throw refused(
    'importModel',
    'files',
    path,
    `it names the file ${JSON.stringify(name.slice(0, 100))}; give that too, { [name]: bytes }`,
  );
}

async function bytesAt(path: string): Promise<Uint8Array> {
  try {
    const file = await host.openFile(path);
    try {
      const { size } = await file.stat();
      if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, more than any model.`);
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await file.read(bytes, at, size - at, null);
        if (bytesRead === 0) throw new Error('it became shorter while it was read.');
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError('importModel', 'read', path, cause);
  }
}
