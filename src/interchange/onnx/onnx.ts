import { requireChoice } from '../../checks.js';
import { checkedOptions } from '../../options.js';
import type { Format } from '../format.js';
import { TITLE } from './emitter.js';
import { graphOf } from './write.js';

/** Options of an export to ONNX. */
export interface OnnxOptions {
  /**
   * What the graph takes: windows `[T, B, …]` of any length (`window`, the default), or one step `[B, …]` of a stream (`step`).
   * Both take the carry as inputs and give it as outputs, by its paths: `rnn.h` enters, `rnn.h.next` leaves.
   */
  readonly graph?: 'window' | 'step';
}

export const onnx: Format<OnnxOptions> = {
  name: 'onnx',
  title: TITLE,
  endings: ['.onnx'],
  recognises: () => false,
  read: () => Promise.reject(new Error('not yet')),
  async write(model, options = {}) {
    const { graph = 'window' } = checkedOptions('exportModel', options, { graph: true });
    requireChoice('exportModel', 'graph', graph, ['window', 'step']);
    return [{ name: '', bytes: graphOf(model, graph) }];
  },
};
