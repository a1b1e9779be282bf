/** What a recipe stands for: the model, how it learns, and the windows that it learns from. */
import type { Observable } from 'rxjs';
import { gru } from '../../cells/gru.js';
import { lstm } from '../../cells/lstm.js';
import { minGru } from '../../cells/min-gru.js';
import { minLstm } from '../../cells/min-lstm.js';
import { simpleRnn } from '../../cells/simple-rnn.js';
import { stacked } from '../../cells/stacked.js';
import type { Core, Layer } from '../../layer.js';
import { activationRegularization } from '../../layers/activation-regularization.js';
import { dense } from '../../layers/dense.js';
import { dropout } from '../../layers/dropout.js';
import { embedding } from '../../layers/embedding.js';
import { gatedDeltaNet } from '../../layers/gated-delta-net.js';
import { griffinBlock } from '../../layers/griffin-block.js';
import { oneHot } from '../../layers/one-hot.js';
import { tied } from '../../layers/tied.js';
import { normal } from '../../parameters/initializers.js';
import { stack } from '../../stack.js';
import type { Coder } from '../../streams/coder.js';
import { type LanesOptions, lanes } from '../../streams/lanes.js';
import { isOpen } from '../../streams/open-vocabulary.js';
import { type RandomWindowsOptions, randomWindows } from '../../streams/random-windows.js';
import type { SymbolWindow } from '../../streams/window.js';
import { crossEntropy } from '../../training/losses/cross-entropy.js';
import { cosine, oneCycle } from '../../training/schedules.js';
import type { LanguageCore } from '../shared/kept.js';
import { optimizerOf } from '../shared/language.js';
import type { LearningRecipe, ModelRecipe, Recipe } from './recipes.js';

const gated = { rnn: simpleRnn, lstm, gru };
const apart = {
  minGru,
  minLstm,
  griffin: (inputs: number, units: number) => griffinBlock(inputs, units, { outputs: units }),
  gatedDeltaNet: (inputs: number, units: number) => gatedDeltaNet(inputs, units, { outputs: units }),
};

/** One recurrent layer; those whose gates do not see the state have no recurrent matrix of which something could be dropped. */
function recurrent({ cell, dropConnect, layerNorm }: ModelRecipe, inputs: number, units: number): Layer<unknown> {
  if (cell !== 'rnn' && cell !== 'lstm' && cell !== 'gru') return apart[cell](inputs, units);
  const dropping = dropConnect > 0 ? { dropConnect } : {};
  return cell === 'lstm' && layerNorm
    ? lstm(inputs, units, { ...dropping, layerNorm })
    : gated[cell](inputs, units, dropping);
}

/** Embedding, recurrent layers, head, and between them what the recipe has dropped or penalised. */
export function languageOf(recipe: ModelRecipe, vocab: Pick<Coder, 'size'>, seed: number): LanguageCore {
  const symbols = vocab.size;
  const grows = isOpen(vocab);
  const { units, layers, embed, residual, dropSymbols, dropInput, dropBetween, dropOutput } = recipe;
  const { ar, tar } = recipe;
  // A head that is tied multiplies what comes in by vectors of this length.
  const scaled = recipe.tied ? { initializers: { table: normal(embed ** -0.5) } } : {};
  const table =
    embed === 0
      ? undefined
      : embedding(symbols, embed, { grows, ...(dropSymbols > 0 && { dropout: dropSymbols }), ...scaled });
  const widths = Array.from({ length: layers }, (_, k) => (recipe.tied && k === layers - 1 ? embed : units));
  const inputs = [embed === 0 ? symbols : embed, ...widths];
  const masked = (rate: number) => dropout(rate, { mask: 'window' });
  const rnn: Core<unknown> = stacked(
    widths.map((width, k) => recurrent(recipe, inputs[k] as number, width)),
    {
      ...(dropBetween > 0 && { dropout: { rate: dropBetween, mask: 'window' as const } }),
      ...(residual && { residual }),
    },
  );
  return stack(
    {
      embed: table ?? oneHot(symbols),
      ...(dropInput > 0 && { dropInput: masked(dropInput) }),
      rnn,
      ...(dropOutput > 0 && { dropOutput: masked(dropOutput) }),
      ...((ar > 0 || tar > 0) && { calm: activationRegularization({ alpha: ar, beta: tar }) }),
      head: recipe.tied && table !== undefined ? tied(table) : dense(widths.at(-1) as number, symbols, { grows }),
    },
    { seed },
  ) as unknown as LanguageCore;
}

/** So many steps stand for a whole training in a schedule, however long that is and in whatever it is measured. */
const WHOLE = 1_000_000;

/** The rate where so much of the training is done, from 0 to 1; where no end is known, the peak. */
export function rateOf({
  schedule,
  learningRate,
  floor,
  rising,
}: LearningRecipe): (done: number | undefined) => number {
  const low = floor * learningRate;
  const schedules = {
    constant: () => learningRate,
    cosine: cosine({ rate: learningRate, steps: WHOLE, floor: low }),
    // It begins at a 25th of the peak, and ends at the floor.
    oneCycle: oneCycle({
      rate: learningRate,
      steps: WHOLE,
      rising: Math.max(rising, 1e-6),
      from: 25,
      to: 1 / (25 * floor),
    }),
  };
  const rate = schedules[schedule];
  return (done) => (done === undefined ? learningRate : rate(done * (WHOLE - 1)));
}

/** Loss, optimizer and clipping, as a trainer takes them. */
export const learningOf = ({ optimizer, weightDecay, clip, smoothing }: LearningRecipe, rate: () => number) => ({
  loss: crossEntropy(smoothing > 0 ? { smoothing } : {}),
  optimizer: optimizerOf(optimizer, rate, weightDecay),
  clipNorm: clip,
});

/** Windows of a text without an end, from a place on, and how many of them are as much as the text has. */
export interface TextWindows {
  readonly windows$: Observable<SymbolWindow>;
  readonly epoch: number;
}

export function windowsOf(
  text: Int32Array,
  { windows, length, batch, seed }: Pick<Recipe, 'windows' | 'length' | 'batch' | 'seed'>,
  /** What the same source has said of its place, as it was kept with the run; the source looks at it itself. */
  position?: unknown,
): TextWindows {
  if (windows === 'random') {
    const count = Number.MAX_SAFE_INTEGER;
    const from = position as RandomWindowsOptions['from'];
    return {
      windows$: randomWindows(text, { length, batch, count, seed, from }),
      epoch: Math.ceil((text.length - 1) / (length * batch)),
    };
  }
  const from = position as LanesOptions['from'];
  return {
    windows$: lanes(text, { batch, length, epochs: Number.POSITIVE_INFINITY, ...(from && { from }) }),
    epoch: Math.ceil(Math.floor((text.length - 1) / batch) / length),
  };
}
