import { gru } from '../cells/gru.js';
import { lstm } from '../cells/lstm.js';
import { minGru } from '../cells/min-gru.js';
import { minLstm } from '../cells/min-lstm.js';
import { simpleRnn } from '../cells/simple-rnn.js';
import { stacked } from '../cells/stacked.js';
import { requireCount } from '../checks.js';
import { described } from '../description.js';
import type { Layer } from '../layer.js';
import { dense } from '../layers/dense.js';
import { embedding } from '../layers/embedding.js';
import { gatedDeltaNet } from '../layers/gated-delta-net.js';
import { griffinBlock } from '../layers/griffin-block.js';
import { oneHot } from '../layers/one-hot.js';
import { checkedOptions, type Names } from '../options.js';
import { stack } from '../stack.js';
import type { Ids } from '../tensor.js';

const cells = {
  rnn: simpleRnn,
  lstm,
  gru,
  minGru,
  minLstm,
  griffin: (inputs: number, units: number) => griffinBlock(inputs, units, { outputs: units }),
  gatedDeltaNet: (inputs: number, units: number) => gatedDeltaNet(inputs, units, { outputs: units }),
};

/** The recurrent cells that a {@link languageModel} may have. */
export type LanguageCell = keyof typeof cells;

/** The options of {@link languageModel}. */
export interface LanguageModelOptions {
  /** V, as many as the vocabulary has. */
  readonly symbols: number;
  /** Default `'lstm'`; `'griffin'` is {@link griffinBlock}. All but `rnn`, `lstm` and `gru` want two layers or more. */
  readonly cell?: LanguageCell | undefined;
  /** Hidden units of a layer. Default 256. */
  readonly units?: number | undefined;
  /** Recurrent layers. Default 1. */
  readonly layers?: number | undefined;
  /** Features of an embedded symbol; 0 is one-hot. Default 64. */
  readonly embed?: number | undefined;
  /** Of the initial weights. Default 42. */
  readonly seed?: number | undefined;
  /**
   * Whether it may gain symbols, as those of an `openVocabulary`: the embedding by rows, the head by columns. Default false. It needs
   * embedded symbols.
   */
  readonly grows?: boolean | undefined;
}

const names: Names<LanguageModelOptions> = {
  symbols: true,
  cell: true,
  units: true,
  layers: true,
  embed: true,
  seed: true,
  grows: 'boolean',
};

/**
 * A recurrent language model: embedding, stacked cells, a dense head.
 *
 * `p(x_{t+1} | x_1 … x_t) = softmax(W h_t + b)`, where `h_t` is what the uppermost cell gives after `x_t`.
 *
 * Source: Mikolov et al. (2010), “Recurrent neural network based language model”; Karpathy (2015) for characters.
 *
 * Shapes: ids `[T, B]` in, logits `[T, B, V]` out. Carry: that of the cells, under `rnn`.
 *
 * @param options how many symbols there are; the cell and its sizes.
 * @returns a stack of `embed`, `rnn` and `head`.
 * @throws TypeError where an option is not known, or there is no such cell; RangeError where a size is none.
 * @example
 * const model = languageModel({ symbols: vocab.size, cell: 'gru', units: 128 });
 * ids$.pipe(model).subscribe((logits) => console.log(logits.shape));
 */
export function languageModel(options: LanguageModelOptions): Layer<unknown, Ids> {
  const checked = checkedOptions('languageModel', options, names);
  const { symbols, cell = 'lstm', units = 256, layers = 1, embed = 64, seed = 42, grows = false } = checked;
  if (!Object.hasOwn(cells, cell)) {
    throw new TypeError(`languageModel: cell is one of ${Object.keys(cells).join(', ')}, not ${String(cell)}.`);
  }
  requireCount('languageModel', 'symbols', symbols);
  requireCount('languageModel', 'units', units);
  requireCount('languageModel', 'layers', layers);
  if (embed !== 0) requireCount('languageModel', 'embed', embed);
  if (grows && embed === 0) {
    throw new RangeError('languageModel: one-hot symbols cannot become more; give { embed: 64 }, or leave grows out.');
  }
  const first = embed === 0 ? oneHot(symbols) : embedding(symbols, embed, { grows });
  const widths = Array.from({ length: layers }, (_, k) => (k > 0 ? units : embed === 0 ? symbols : embed));
  const rnn = stacked(widths.map((inputs): Layer<unknown> => cells[cell](inputs, units)));
  const model = stack({ embed: first, rnn, head: dense(units, symbols, { grows }) }, { seed });
  return described(model, 'languageModel', [options]);
}
