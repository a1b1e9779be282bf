/** PyTorch's state_dicts: safetensors files both ways, and what `torch.save` writes, to be read. */
import { encodeCheckpoint } from '../../formats/checkpoint.js';
import { loadWeights, weightsOf } from '../../formats/weights.js';
import type { Core } from '../../layer.js';
import { build } from '../../runs/build.js';
import type { ModelDescription } from '../../runs/description.js';
import type { Shape, Tensor } from '../../tensor.js';
import type { Described, Format, ReadOptions, SourceFile, TargetFile } from '../format.js';
import { readTorchFile, recognises, TITLE, type TorchFile, wrong } from './file.js';
import { inferred } from './infer.js';
import type { Link } from './layout.js';
import { weightsFrom } from './match.js';
import { planOf } from './rules.js';

/** Of the metadata: how the model is made, and a module of Python that has it. */
const [MODEL, PYTHON] = ['model', 'python'] as const;

const shapesOf = (weights: Readonly<Record<string, Tensor>>): ReadonlyMap<string, Shape> =>
  new Map(Object.entries(weights).map(([path, { shape }]) => [path, shape]));

async function read(file: SourceFile, { as }: ReadOptions): Promise<Core<unknown, never, unknown>> {
  const torch = readTorchFile(file);
  const description = as ?? said(file.path, torch) ?? inferred(file.path, torch.tensors);
  const model = build<Core<unknown, never, unknown>>(description);
  const own = weightsOf(model.params);
  const { units } = planOf('importModel', description, shapesOf(own));
  loadWeights(model.params, weightsFrom(file.path, units, own, torch.tensors));
  return model;
}

/** What a file that was written here says of its model. */
function said(path: string, { metadata }: TorchFile): ModelDescription | undefined {
  if (metadata.run !== undefined) {
    throw wrong(path, 'it is a file of a run of this package; loadRun reads it');
  }
  const text = metadata[PYTHON] === undefined ? undefined : metadata[MODEL];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as ModelDescription;
  } catch (error) {
    throw wrong(`${path}: __metadata__.${MODEL}`, 'it is no JSON; export the model anew', error);
  }
}

async function write({ description, weights }: Described): Promise<readonly TargetFile[]> {
  const { units, python } = planOf('exportModel', description, shapesOf(weights));
  const tensors = units.flatMap(({ name, links }) =>
    links.flatMap((link: Link) => {
      const torch = link.toTorch(link.paths.map((path) => weights[path] as Tensor));
      return link.names.map((each, k) => [name === '' ? each : `${name}.${each}`, torch[k] as Tensor] as const);
    }),
  );
  const metadata = { format: 'pt', [MODEL]: JSON.stringify(description), [PYTHON]: python };
  return [{ name: '', bytes: encodeCheckpoint({ tensors: Object.fromEntries(tensors), metadata }) }];
}

/** PyTorch as a format. */
export const pytorch: Format = {
  name: 'pytorch',
  title: TITLE,
  endings: ['.safetensors', '.pt', '.pth'],
  recognises,
  read,
  write,
};
