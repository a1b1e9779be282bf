/** The other side: ONNX Runtime for graphs, and python3-onnx for what ONNX says of them. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Core, type Layer, type Parameter, parametersOf, type Tensor, weightsOf } from 'oxbow';
import type { SourceFile } from '../../../src/interchange/format.js';
import { type OnnxOptions, onnx } from '../../../src/interchange/onnx/onnx.js';
import { describe } from '../../../src/runs/describe.js';

const folder = new URL('../../onnxruntime/', import.meta.url);
/** Whether ONNX Runtime is installed: `npm ci --ignore-scripts` in test/onnxruntime. */
export const hasRuntime = existsSync(new URL('node_modules/onnxruntime-node', folder));
/** Debian's Python, whichever else is first on the path. */
const PYTHON = '/usr/bin/python3';
export const hasChecker = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;

interface OrtTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}
interface Session {
  readonly inputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
}
interface Runtime {
  readonly InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<Session> };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
}

let loaded: Runtime | undefined;
const runtime = (): Runtime => {
  loaded ??= createRequire(new URL('package.json', folder))('onnxruntime-node') as Runtime;
  return loaded;
};

export const sessionOf = (bytes: Uint8Array): Promise<Session> =>
  runtime().InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });

/** Runs a graph on our tensors: ids go in as int64, lengths as int32. */
export async function runGraph(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const { Tensor: Made } = runtime();
  const given = Object.fromEntries(
    Object.entries(feeds).map(([name, { shape, type, data }]) => [
      name,
      type === 'int32' && name !== 'lengths'
        ? new Made('int64', BigInt64Array.from(data, BigInt), shape)
        : new Made(type, data.slice(), shape),
    ]),
  );
  const results = await session.run(given);
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => [name, { shape: dims.map(Number), type: 'float32', data }]),
  );
}

/** A model's file. */
export async function exported(model: Core<never, never, unknown>, options: OnnxOptions = {}): Promise<Uint8Array> {
  const described = { description: describe(model), weights: weightsOf(model.params) };
  const [file] = await onnx.write(described, options);
  return file?.bytes as Uint8Array;
}

/** What `onnx.checker` says of files: nothing where it accepts them. */
export function checkerSays(files: readonly Uint8Array[]): readonly string[] {
  const script = `
import base64, json, sys, onnx
said = []
for each in json.load(sys.stdin):
    try:
        onnx.checker.check_model(onnx.load_model_from_string(base64.b64decode(each)), full_check=True)
        said.append('')
    except Exception as error:
        said.append(str(error))
print(json.dumps(said))`;
  const input = JSON.stringify(files.map((each) => Buffer.from(each).toString('base64')));
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', script], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

/** Numbers that are not constant, from a generator of their own. */
export function noise(model: Core<never, never, unknown>): void {
  let state = 7;
  for (const [, each] of parametersOf(model.params)) {
    // No larger where more of them are summed, so that results stay near 1.
    const inputs = each.shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const most = Math.min(0.4, 1.5 / Math.sqrt(inputs));
    each.assign(
      Float32Array.from({ length: each.data.length }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
        return (state / 2 ** 31) * most;
      }),
    );
  }
}

/** A file as the reader gets it. */
export const fileOf = (bytes: Uint8Array, others: Readonly<Record<string, Uint8Array>> = {}): SourceFile => ({
  path: 'model.onnx',
  bytes,
  beside: (name) => {
    const found = others[name];
    return found ? Promise.resolve(found) : Promise.reject(new Error(`no ${name}`));
  },
});

export type Read = Layer<Readonly<Record<string, Tensor>>, Tensor, unknown, Readonly<Record<string, Parameter>>>;

export const imported = async (bytes: Uint8Array, others?: Readonly<Record<string, Uint8Array>>): Promise<Read> =>
  (await onnx.read(fileOf(bytes, others), {})) as unknown as Read;

/** The official cases of recurrent operators, whose weights become initializers, as exporters have them. */
export function conformanceCases(): readonly Conformance[] {
  const script = `
import warnings; warnings.filterwarnings('ignore')
import base64, json, numpy as np, onnx
from onnx import helper, numpy_helper
# Names of numpy's that the cases were written with.
np.float, np.bool, np.int, np.object = float, bool, int, object
from onnx.backend.test.case.node import gru, lstm, rnn
cases = []
def tensor(x):
    return {'shape': list(x.shape), 'data': np.asarray(x, dtype=np.float64).reshape(-1).tolist()}
def expect(node, inputs, outputs, name, **_):
    names = [each for each in node.input if each]
    infos = [helper.make_tensor_value_info(names[0], onnx.TensorProto.FLOAT, inputs[0].shape)]
    weights = [numpy_helper.from_array(np.asarray(x), n) for n, x in zip(names[1:], inputs[1:])]
    given = [n for n in node.output if n]
    out = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, y.shape) for n, y in zip(given, outputs)]
    model = helper.make_model(helper.make_graph([node], name, infos, out, weights))
    layout = [a.i for a in node.attribute if a.name == 'layout']
    cases.append({'name': name, 'bytes': base64.b64encode(model.SerializeToString()).decode(), 'layout': layout[0] if layout else 0,
                  'x': tensor(inputs[0]), 'outputs': {n: tensor(y) for n, y in zip(given, outputs)}})
for module, made in [(rnn, rnn.RNN), (lstm, lstm.LSTM), (gru, gru.GRU)]:
    module.expect = expect
    for each in sorted(dir(made)):
        if each.startswith('export'): getattr(made, each)()
print(json.dumps(cases))`;
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', script], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Conformance[];
}

/** A tensor as scripts write it down. */
export interface Written {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Conformance {
  readonly name: string;
  readonly bytes: string;
  readonly layout: number;
  readonly x: Written;
  readonly outputs: Readonly<Record<string, Written>>;
}
