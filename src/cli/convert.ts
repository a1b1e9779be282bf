/** `oxbow convert`: a model from one format into another; checkpoints and runs of this package are read too. */
import { readFile, stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { loadWeights } from '../formats/weights.js';
import type { FormatName } from '../interchange/format.js';
import { formatNames } from '../interchange/formats.js';
import { exportModel, importModel } from '../interchange/interchange.js';
import type { Core } from '../layer.js';
import { parametersOf } from '../parameters/parameter.js';
import { build } from '../runs/build.js';
import { describe } from '../runs/describe.js';
import type { ModelDescription } from '../runs/description.js';
import { type RunRecord, readRecord } from '../runs/record.js';
import { choice } from './shared/arguments.js';
import { type Context, command, inContext, withJson } from './shared/command.js';
import { Failure, messageOf } from './shared/failure.js';
import { readStored } from './shared/kept.js';
import { bytes, several } from './shared/numbers.js';
import { weightsIn } from './shared/weights.js';

interface Options {
  readonly as?: string;
  readonly format?: FormatName;
  readonly graph?: 'window' | 'step';
  readonly inputShape?: readonly (number | null)[];
  readonly json?: true;
}

export function convertCommand(): Command {
  const made = command(
    'convert',
    'A model into the format of another framework: from its files, a checkpoint, or the folder of a run.',
    [
      ['oxbow convert model/ model.safetensors', 'what a run has learnt, for PyTorch, with the names of a state_dict'],
      ['oxbow convert net.pt net.safetensors --as model.json', 'weights whose names do not say what they make'],
      ['oxbow convert model/ model.onnx --graph step', 'a graph of one step, from carry to carry'],
      ['oxbow convert lenet/ lenet.keras --input-shape 32,32,1', 'images, of which Keras wants to know the size'],
    ],
  )
    .argument('<from>', 'folder of a run, one of its files, or a file of another framework')
    .argument('<to>', 'file to write; its ending says the format')
    .option('--as <path>', 'what the weights are of: a description as JSON, or a run of such a model')
    .addOption(choice('--format <name>', 'format to write (default: by the ending)', formatNames))
    .addOption(choice('--graph <kind>', 'of ONNX: a window of any length, or one step', ['window', 'step']))
    .option('--input-shape <axes>', 'of Keras: axes of one example; ? is any length', axes);
  return withJson(made, 'what was converted').action((from: string, to: string, options: Options) =>
    inContext(options, (context) => convert(from, to, options, context)),
  );
}

/** `28,28,1`, or `?,8`. */
function axes(text: string): readonly (number | null)[] {
  const parts = text.split(',').map((each) => each.trim());
  if (parts.every((each) => each === '?' || /^[1-9]\d*$/.test(each))) {
    return parts.map((each) => (each === '?' ? null : Number(each)));
  }
  throw new InvalidArgumentError('It is axes with commas between them, as in 28,28,1 or ?,8.');
}

async function convert(
  from: string,
  to: string,
  { as, format, graph, inputShape }: Options,
  { screen }: Context,
): Promise<void> {
  const run = await runIn(from);
  const { model, lost } = run === undefined ? await foreign(from, as) : learnt(from, run, as);
  const files = await exportModel(model, to, { format, graph, inputShape });
  const layers = [...new Set(parametersOf(model.params).map(([path]) => path.split('.')[0] as string))];
  const { $: made } = describe(model);
  const found = {
    from,
    model: made,
    layers,
    parameters: parametersOf(model.params).length,
    weights: weightsIn(model.params),
    files,
    lost,
  };
  screen.record(found);
  screen.say(`${from} is a ${made} with ${layers.join(', ')}`);
  screen.say(`${several(found.parameters, 'parameter')}, ${several(found.weights, 'weight')}`);
  for (const { path, bytes: size } of files) screen.say(`${path}  ${bytes(size)}`);
  if (lost.length > 0) screen.say(`left behind, since weights alone travel: ${lost.join(', ')}`);
}

type Run = RunRecord & { readonly weights: Parameters<typeof loadWeights>[1] };

/** What was kept of a run; undefined where the file is none of one. */
async function runIn(path: string): Promise<Run | undefined> {
  if (!(await isFolder(path)) && !path.endsWith('.safetensors')) return undefined;
  try {
    const record = readRecord((await readStored(path)).checkpoint);
    return E.isRight(record) ? record.right : undefined;
  } catch (error) {
    if (await isFolder(path)) throw error;
    // Other kinds of numbers than a checkpoint's; what is wrong with it otherwise is said by what reads it next.
    return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${messageOf(error)}; give a file, or the folder of a run.`);
  }
}

function learnt(path: string, { weights, ...record }: Run, as: string | undefined) {
  if (as !== undefined) throw new Failure(`--as: ${path} says itself what its model is; leave it out.`, 2);
  if (record.model === null) {
    throw new Failure(`${path} does not say how its model is made, since it has parts of its program's own; use that.`);
  }
  const model = build<Core<unknown>>(record.model as ModelDescription);
  loadWeights(model.params, weights);
  const about = Object.keys(Object(record.about)).map((name) => `about.${name}`);
  const lost = [
    ...(record.snapshot === null ? [] : ['optimizer and carry']),
    ...(record.position === undefined || record.position === null ? [] : ['position']),
    ...about,
  ];
  return { model, lost };
}

async function foreign(path: string, as: string | undefined) {
  const options = as === undefined ? {} : { as: await described(as) };
  return { model: await importModel<Core<unknown>>(path, options), lost: [] as readonly string[] };
}

/** What a file says of a model: JSON of a description, or a run. */
async function described(path: string): Promise<ModelDescription> {
  const run = await runIn(path);
  if (run?.model) return run.model as ModelDescription;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ModelDescription;
  } catch (error) {
    throw new Failure(
      `--as: ${path} is neither a run nor JSON: ${messageOf(error)}; write JSON.stringify(describe(model)) into a file.`,
    );
  }
}
