/** Recipes: all that decides what a language model learns, as plain values. Any one of them may be given otherwise by its option. */
import type { LanguageCell } from '../../models/language-model.js';
import type { OptimizerName } from '../shared/language.js';

/** How the learning rate goes from the beginning of a training to its end, however that is measured. */
export const scheduleNames = ['constant', 'cosine', 'oneCycle'] as const;
export type ScheduleName = (typeof scheduleNames)[number];

/** Where windows are taken from: lanes that are read side by side with their carry, or places drawn at random, each read from the zero carry. */
export const windowKinds = ['lanes', 'random'] as const;
export type WindowKind = (typeof windowKinds)[number];

/** How weights move in dynamic evaluation: all at one rate, or each at its own by its mean squared gradient. */
export const dynamicRules = ['plain', 'rms'] as const;
export type DynamicRule = (typeof dynamicRules)[number];

export interface ModelRecipe {
  readonly cell: LanguageCell;
  readonly units: number;
  readonly layers: number;
  /** Features of an embedded symbol; 0 is one-hot. */
  readonly embed: number;
  /** Whether the head's weights are the embedding's vectors; the last recurrent layer is then as wide as those. */
  readonly tied: boolean;
  /** Whether what enters a recurrent layer is added to what it gives, where both are equally wide. */
  readonly residual: boolean;
  /** Whether the gates and the cell of an LSTM are normalised. */
  readonly layerNorm: boolean;
  /** Shares that are dropped in each window: whole symbols; embedded features; between, after and within the recurrent layers. */
  readonly dropSymbols: number;
  readonly dropInput: number;
  readonly dropBetween: number;
  readonly dropOutput: number;
  readonly dropConnect: number;
  /** α and β of the activation regularization of what the last recurrent layer gives. */
  readonly ar: number;
  readonly tar: number;
}

export interface LearningRecipe {
  readonly optimizer: OptimizerName;
  /** At its peak. */
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  /** Of `oneCycle`: the share of the training in which the rate rises. */
  readonly rising: number;
  /** The share of the peak that is left by the end. */
  readonly floor: number;
  /** Of `adamw`. */
  readonly weightDecay: number;
  /** The greatest norm of a gradient. */
  readonly clip: number;
  /** The share of each target that is spread over all symbols. */
  readonly smoothing: number;
  readonly windows: WindowKind;
  readonly length: number;
  readonly batch: number;
}

/** When a training is over: whichever of what is not null comes first. */
export interface Plan {
  readonly seconds: number | null;
  readonly epochs: number | null;
  readonly steps: number | null;
}

export interface EvaluationRecipe {
  /** The share of the text, at its end, that is kept from the model until it is done. */
  readonly heldOut: number;
  /** The share of the text before that, which is not learnt either but may be looked at while it learns. */
  readonly validation: number;
  readonly dynamicRule: DynamicRule;
  readonly dynamicRate: number;
  readonly dynamicDecay: number;
  /** Symbols from one update to the next. */
  readonly dynamicLength: number;
}

export interface Recipe extends ModelRecipe, LearningRecipe, EvaluationRecipe, Plan {
  readonly seed: number;
  /** Whether the text comes from stdin, and is learnt as it arrives. */
  readonly stdin: boolean;
}

/** Each optimizer's usual rate. */
export const learningRates: Readonly<Record<OptimizerName, number>> = {
  sgd: 1,
  momentum: 0.2,
  rmsprop: 2e-3,
  adam: 4e-3,
  adamw: 4e-3,
};

const quick: Recipe = {
  cell: 'lstm',
  units: 256,
  layers: 1,
  embed: 64,
  tied: false,
  residual: false,
  layerNorm: false,
  dropSymbols: 0,
  dropInput: 0,
  dropBetween: 0,
  dropOutput: 0,
  dropConnect: 0,
  ar: 0,
  tar: 0,
  optimizer: 'adam',
  learningRate: learningRates.adam,
  schedule: 'cosine',
  rising: 0.1,
  floor: 0.02,
  weightDecay: 0,
  clip: 5,
  smoothing: 0,
  windows: 'lanes',
  length: 64,
  batch: 16,
  seconds: 60,
  epochs: null,
  steps: null,
  heldOut: 0.1,
  validation: 0,
  dynamicRule: 'rms',
  dynamicRate: 1e-3,
  dynamicDecay: 0.01,
  dynamicLength: 20,
  seed: 42,
  stdin: false,
};

const shakespeare: Recipe = {
  ...quick,
  units: 512,
  embed: 128,
  dropInput: 0.15,
  dropOutput: 0.5,
  optimizer: 'adamw',
  schedule: 'oneCycle',
  weightDecay: 0.01,
  clip: 1,
  batch: 32,
  seconds: null,
  epochs: 20,
  dynamicRate: 5e-4,
  dynamicDecay: 3e-3,
};

const onlineLog: Recipe = {
  ...quick,
  learningRate: 1.4e-3,
  schedule: 'constant',
  floor: 1,
  length: 16,
  batch: 1,
  seconds: null,
  stdin: true,
};

/** All recipes by name, and what each is for. */
export const recipes = {
  quick: { about: 'a minute, for any text: one LSTM layer, nothing dropped', recipe: quick },
  shakespeare: {
    about:
      'a quarter of an hour, for a text of about a million characters: one wide LSTM layer with dropout, 20 epochs',
    recipe: shakespeare,
  },
  'online-log': {
    about: 'learns from stdin line by line as it arrives, at a rate that stays: for logs',
    recipe: onlineLog,
  },
} as const satisfies Record<string, { readonly about: string; readonly recipe: Recipe }>;

export type RecipeName = keyof typeof recipes;
export const recipeNames = Object.keys(recipes) as readonly RecipeName[];
export { quick };
