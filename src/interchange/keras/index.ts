/** Keras 3: `.keras` archives, files of weights alone, and whole models as HDF5, which Keras 2 wrote. */

import type { Core } from '../../layer.js';
import type { Tensor } from '../../tensor.js';
import { type Format, type ReadOptions, refused, type SourceFile } from '../format.js';
import { isArchive, openArchive, packed } from './archive.js';
import type { ChainLayer } from './chain.js';
import type { Config } from './config.js';
import { type Hdf5File, isHdf5, readHdf5, writeHdf5 } from './hdf5.js';
import { intoModel } from './into-model.js';
import { readModel, type WeightsFile } from './read-model.js';
import { inOrder } from './read-order.js';
import type { LayerWeights } from './weights.js';
import { type KerasWriteOptions, writtenModel } from './write-model.js';

const TITLE = 'Keras 3';
const CONFIG = 'config.json';
const WEIGHTS = 'model.weights.h5';
const METADATA = 'metadata.json';

/** A config is text of some kilobytes. */
const LONGEST_CONFIG = 2 ** 26;

/** Lists and records within one another: those of a model's layers are far fewer. */
const DEEPEST = 64;

/** How deep a text of JSON is, its strings left out. */
function depthOf(text: string): number {
  let [depth, most] = [0, 0];
  for (const [mark] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (mark === '[' || mark === '{') most = Math.max(most, ++depth);
    else if (mark === ']' || mark === '}') depth -= 1;
  }
  return most;
}

/** JSON of a file. */
export function jsonOf(title: string, place: string, bytes: Uint8Array): unknown {
  if (bytes.length > LONGEST_CONFIG) {
    throw refused(
      'importModel',
      title,
      place,
      `it has ${bytes.length} bytes, more than a config may have, ${LONGEST_CONFIG}`,
    );
  }
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw refused('importModel', title, place, 'it is no JSON in UTF-8; copy the file anew', error);
  }
  if (depthOf(text) <= DEEPEST) return value;
  throw refused('importModel', title, place, `more than ${DEEPEST} lists and records are within one another`);
}

/** Weights where Keras 3 has them: `layers/lstm/cell/vars/0`. */
function byGroups(file: Hdf5File): WeightsFile {
  const used = new Set<string>();
  return {
    of({ group }: ChainLayer): LayerWeights {
      used.add(group);
      return {
        take(config: Config, inner: string, names: readonly string[]): readonly Tensor[] {
          const path = `${inner === '' ? group : `${group}/${inner}`}/vars`;
          const there = file.members(path) ?? [];
          if (there.length !== names.length) {
            config.refuse(`it has ${names.join(', ')}, but ${path} in its file has ${there.length} arrays`);
          }
          return names.map((_, k) => file.numbers(`${path}/${k}`));
        },
        done() {},
      };
    },
    done(layers) {
      const groups = new Set(layers.map(({ group }) => group));
      for (const name of file.members('layers') ?? []) {
        const group = `layers/${name}`;
        const isKnown = [...groups].some((known) => known === group || known.startsWith(`${group}/`));
        if (!isKnown && (file.members(`${group}/vars`) ?? []).length > 0) {
          throw refused('importModel', TITLE, group, 'there are weights of a layer that the model does not have');
        }
      }
    },
  };
}

/** Weights where Keras 2 has them: for each layer a list of names. */
function byNames(file: Hdf5File): WeightsFile {
  return {
    of({ config }: ChainLayer): LayerWeights {
      const group = `model_weights/${config.name}`;
      const names = file.texts(group, 'weight_names') ?? [];
      return inOrder(names.map((name) => [name, () => file.numbers(`${group}/${name}`)]));
    },
  };
}

async function read(file: SourceFile, { as }: ReadOptions): Promise<Core<unknown, never, unknown>> {
  const { bytes } = file;
  if (isArchive(bytes)) {
    const archive = openArchive(TITLE, bytes);
    const config = jsonOf(TITLE, CONFIG, archive.file(CONFIG));
    const model = await readHdf5(TITLE, WEIGHTS, archive.file(WEIGHTS), (weights) =>
      readModel(TITLE, config, byGroups(weights)),
    );
    return as === undefined ? model : intoModel(TITLE, model, as);
  }
  return readHdf5(TITLE, 'the file', bytes, (weights) => {
    const [config] = weights.texts('', 'model_config') ?? [];
    if (config !== undefined) {
      const json = jsonOf(TITLE, 'model_config', new TextEncoder().encode(config));
      const model = readModel(TITLE, json, byNames(weights));
      return as === undefined ? model : intoModel(TITLE, model, as);
    }
    if (weights.members('layers') === undefined) {
      throw refused(
        'importModel',
        TITLE,
        'the file',
        'it has neither layers nor a config: it is no file of Keras, or one of a class of its own',
      );
    }
    if (as === undefined) {
      throw refused('importModel', TITLE, 'the file', 'it has weights alone; say of which model by { as }');
    }
    const { config: json } = writtenModel(TITLE, 'importModel', { description: as, weights: undefined }, {});
    return intoModel(TITLE, readModel(TITLE, json, byGroups(weights)), as);
  });
}

/** Keras 3's files. */
export const keras: Format<KerasWriteOptions> = {
  name: 'keras',
  title: TITLE,
  endings: ['.keras', '.weights.h5', '.h5', '.hdf5'],
  recognises: ({ bytes, path }) => (isArchive(bytes) && !/\.pth?$/.test(path) && hasConfig(bytes)) || isHdf5(bytes),
  read,
  async write(model, options) {
    const { config, arrays, groups } = writtenModel(TITLE, 'exportModel', model, options);
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const files = {
      // No date: the same model is the same bytes.
      [METADATA]: text({ keras_version: '3.0.0', date_saved: '1980-01-01@00:00:00' }),
      [CONFIG]: text(config),
      [WEIGHTS]: await writeHdf5({ arrays, groups }),
    };
    return [{ name: '', bytes: packed(files) }];
  },
};

/** Other frameworks have zip files too. */
function hasConfig(bytes: Uint8Array): boolean {
  try {
    return openArchive(TITLE, bytes).names.includes(CONFIG);
  } catch {
    return false;
  }
}
