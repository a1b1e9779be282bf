import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { requireChoice } from '../../checks.js';
import type { Core } from '../../layer.js';
import { textOf } from '../../layers/onnx-graph/graph.js';
import { onnxGraph } from '../../layers/onnx-graph/onnx-graph.js';
import { checkedOptions } from '../../options.js';
import type { Format, SourceFile } from '../format.js';
import { TITLE } from './emitter.js';
import { graphIn } from './read.js';
import { cannotRead } from './tensors.js';
import { graphOf } from './write.js';

/** Options of an export to ONNX. */
export interface OnnxOptions {
  /**
   * What the graph takes: windows `[T, B, …]` of any length (`window`, the default), or one step `[B, …]` of a stream (`step`).
   * Both take the carry as inputs and give it as outputs, by its paths: `rnn.h` enters, `rnn.h.next` leaves.
   */
  readonly graph?: 'window' | 'step';
}

/** The fields of a model that are messages, texts or bytes; the others are numbers. */
const lengthy = [2, 3, 4, 6, 7, 8, 14, 20, 25, 26];
const numeric = [1, 5];

/** Whether bytes are fields of a model and nothing else, a graph among them. */
function isModel({ bytes }: SourceFile): boolean {
  const reader = new BinaryReader(bytes);
  let hasGraph = false;
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      const fits =
        type === WireType.LengthDelimited
          ? lengthy.includes(number)
          : type === WireType.Varint && numeric.includes(number);
      if (!fits) return false;
      hasGraph ||= number === 7;
      reader.skip(type, number);
    }
    return hasGraph;
  } catch {
    return false;
  }
}

export const onnx: Format<OnnxOptions> = {
  name: 'onnx',
  title: TITLE,
  endings: ['.onnx'],
  recognises: isModel,
  async read(file, { as } = {}) {
    if (as !== undefined) cannotRead('as', 'a file of ONNX says itself what it is; leave it out');
    const { graph, weights } = await graphIn(file);
    const model = onnxGraph(textOf(graph));
    for (const [name, { data }] of Object.entries(weights)) model.params[name]?.assign(data);
    return model as unknown as Core<unknown, never, unknown>;
  },
  async write(model, options = {}) {
    const { graph = 'window' } = checkedOptions('exportModel', options, { graph: true });
    requireChoice('exportModel', 'graph', graph, ['window', 'step']);
    return [{ name: '', bytes: graphOf(model, graph) }];
  },
};
