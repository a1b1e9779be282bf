/** A recipe on the command line: one option for each of its values, and the recipes by name. */
import type { Command, Option } from 'commander';
import { amount, choice, part, positive, share, whole } from '../shared/arguments.js';
import { misused } from '../shared/failure.js';
import { optimizerNames } from '../shared/language.js';
import {
  dynamicRules,
  learningRates,
  type ModelRecipe,
  type Plan,
  quick,
  type Recipe,
  type RecipeName,
  recipeNames,
  recipes,
  scheduleNames,
  windowKinds,
} from './recipes.js';

/** How a value is typed where that is not its own name. */
const typedAs: Partial<Record<keyof Recipe, string>> = { learningRate: 'lr' };

/** The option of a value of a recipe: `--drop-connect`. */
export const optionOf = (name: string): string =>
  `--${typedAs[name as keyof Recipe] ?? name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** What was typed to ask for a value: its own option, or the recipe that has it. */
export const askedBy = (typed: TypedRecipe, name: Exclude<keyof Recipe, 'learningRate'>): string =>
  typed[name] === undefined && typed.recipe !== undefined ? `--recipe ${typed.recipe}` : optionOf(name);

type Parser = (text: string) => number;

const choices = (name: keyof Recipe, what: string, names: readonly string[]) =>
  choice(`${optionOf(name)} <name>`, `${what} (default: ${quick[name]})`, names);

const rates = Object.entries(learningRates).map(([name, rate]) => `${name} ${rate}`);

/** In the order of the help: numbers with their parser, names to choose from, and what is either so or not. */
const options: readonly (Option | readonly [name: keyof Recipe, what: string, parse?: Parser, usual?: string])[] = [
  choices('cell', 'recurrent cell', ['rnn', 'lstm', 'gru', 'minGru', 'minLstm', 'griffin', 'gatedDeltaNet']),
  ['units', 'hidden units of a layer', whole(1)],
  ['layers', 'recurrent layers', whole(1)],
  ['embed', 'features of a symbol; 0 is one-hot', whole(0)],
  ['tied', "the head's weights are the embedding's; the last layer is as wide as that"],
  ['residual', 'what enters a layer is added to what it gives'],
  ['layerNorm', 'the gates and the cell of an LSTM are normalised'],
  ['dropSymbols', 'share of the symbols that is dropped in a window', part],
  ['dropInput', 'share of the embedded features that is dropped in a window', part],
  ['dropBetween', 'share that is dropped between recurrent layers', part],
  ['dropOutput', 'share that is dropped before the head', part],
  ['dropConnect', 'share of the recurrent weights that is dropped in a window', part],
  ['ar', 'penalty of large activations, α', amount],
  ['tar', 'penalty of activations that change quickly, β', amount],
  choices('optimizer', 'what makes a step of a gradient', optimizerNames),
  ['learningRate', 'learning rate at its peak', positive(), rates.join(', ')],
  choices('schedule', 'how the rate goes, over the steps or the seconds that the training takes', scheduleNames),
  ['rising', 'of oneCycle: the share of the training in which the rate rises', part],
  ['floor', 'share of the rate that is left by the end', positive(1)],
  ['weightDecay', 'of adamw: how fast weights decay', amount],
  ['clip', 'the greatest norm of a gradient', positive()],
  ['smoothing', 'share of each target that is spread over all symbols', part],
  choices('windows', 'lanes of text with their carry, or places drawn at random', windowKinds),
  ['length', 'steps of a window', whole(1)],
  ['batch', 'lanes of text read side by side', whole(1)],
  ['seconds', 'learn for so long', positive(), `${quick.seconds}, unless --epochs or --steps`],
  ['epochs', 'go through the text so often', whole(1), 'as long as --seconds says'],
  ['steps', 'learn from so many windows', whole(1), 'as long as --seconds says'],
  ['heldOut', 'share of the text, its end, that is scored when all is learnt', positive(0.5)],
  ['validation', 'share of the text, before its end, that is scored while it learns', part],
  choices('dynamicRule', 'of dynamic evaluation: one rate for all weights, or one for each', dynamicRules),
  ['dynamicRate', 'of dynamic evaluation: its learning rate', amount],
  ['dynamicDecay', 'of dynamic evaluation: share of the way back to the trained weights', share],
  ['dynamicLength', 'of dynamic evaluation: symbols from one update to the next', whole(1)],
  ['seed', 'of weights, masks and samples', whole(0)],
];

/** What was typed of a recipe. */
export type TypedRecipe = { readonly [K in keyof Omit<Recipe, 'learningRate'>]?: NonNullable<Recipe[K]> } & {
  readonly recipe?: RecipeName;
  readonly lr?: number;
};

export function withRecipe(command: Command): Command {
  command.addOption(choice('--recipe <name>', 'what all that is not given is by default', recipeNames));
  for (const option of options) {
    if ('attributeName' in option) {
      command.addOption(option);
      continue;
    }
    const [name, what, parse, usual] = option;
    const flag = optionOf(name);
    if (parse === undefined) command.option(flag, what).option(flag.replace('--', '--no-'), `not ${flag}`);
    else command.option(`${flag} <n>`, `${what} (default: ${usual ?? quick[name]})`, parse);
  }
  const stdin = 'learn online from what is piped in, each symbol scored before it is learnt (recipe online-log)';
  return command.option('--stdin', stdin);
}

const WIDTH = 80;

/** Words in lines of a terminal. */
function lines(words: readonly string[], indent: string): string[] {
  const made: string[] = [];
  for (const word of words) {
    const last = made.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) made[made.length - 1] = `${last} ${word}`;
    else made.push(indent + word);
  }
  return made;
}

/** How each recipe differs from the one that is the default; for a command's help. */
export const recipesHelp = [
  '',
  'Recipes:',
  ...recipeNames.flatMap((name) => {
    const { about, recipe } = recipes[name];
    const own = (Object.keys(recipe) as (keyof Recipe)[]).filter((key) => recipe[key] !== quick[key]);
    const shown = own.filter((key) => recipe[key] !== null && recipe[key] !== false);
    const told = shown.map((key) => (recipe[key] === true ? optionOf(key) : `${optionOf(key)} ${recipe[key]}`));
    return [...lines(`${name}: ${about}`.split(' '), '  '), ...lines(told, '      ')];
  }),
].join('\n');

const plans = ['seconds', 'epochs', 'steps'] as const satisfies readonly (keyof Plan)[];

/** What a model is made of: it cannot become another any more. */
export const modelNames = [
  ...(['cell', 'units', 'layers', 'embed', 'tied', 'residual', 'layerNorm', 'dropSymbols'] as const),
  ...(['dropInput', 'dropBetween', 'dropOutput', 'dropConnect', 'ar', 'tar'] as const),
] satisfies readonly (keyof ModelRecipe)[];

/** What of the text is not learnt: were it another later, what has been learnt would be scored. */
export const partNames = ['heldOut', 'validation'] as const satisfies readonly (keyof Recipe)[];

/** What may be another each time: how long it learns, and how it is evaluated. */
export const passingNames: readonly (keyof Recipe)[] = [
  ...plans,
  ...(['dynamicRule', 'dynamicRate', 'dynamicDecay', 'dynamicLength'] as const),
];

/** The values that were typed, or belong to a recipe that was asked for by name. */
export function askedOf(typed: TypedRecipe): Partial<Recipe> {
  const named: Partial<Recipe> = typed.recipe === undefined ? {} : recipes[typed.recipe].recipe;
  const own = Object.fromEntries(
    (Object.keys(quick) as (keyof Recipe)[]).flatMap((key) => {
      const value = key === 'learningRate' ? typed.lr : typed[key];
      return value === undefined ? [] : [[key, value]];
    }),
  ) as Partial<Recipe>;
  // A recipe's rate is that of its optimizer.
  const isOther = named.optimizer !== undefined && own.optimizer !== undefined && own.optimizer !== named.optimizer;
  const rate = isOther && own.learningRate === undefined ? { learningRate: learningRates[own.optimizer] } : {};
  return { ...named, ...rate, ...own, ...(hasPlan(own) && planOf(own)) };
}

const hasPlan = (asked: Partial<Plan>): boolean => plans.some((name) => asked[name] != null);

export const isSamePlan = (a: Plan, b: Plan): boolean => plans.every((name) => a[name] === b[name]);

export const planOf = ({ seconds = null, epochs = null, steps = null }: Partial<Plan>): Plan => ({
  seconds,
  epochs,
  steps,
});

/** When a training is to be over, where that was typed. */
export const askedPlan = (typed: TypedRecipe): Plan | undefined => (hasPlan(typed) ? planOf(typed) : undefined);

/** A whole recipe: what was asked for, and for the rest that of the run that it goes on with, or the default. */
export function completed(asked: Partial<Recipe>, was?: Partial<Recipe>): Recipe {
  const stdin = asked.stdin ?? was?.stdin ?? false;
  const usual = { ...(stdin ? recipes['online-log'].recipe : quick), ...was };
  const made = { ...usual, ...asked };
  if (asked.optimizer === undefined || asked.optimizer === usual.optimizer || asked.learningRate !== undefined) {
    return made;
  }
  return { ...made, learningRate: learningRates[asked.optimizer] };
}

/** Values that make no sense together. */
export function requireSound(recipe: Recipe): Recipe {
  const { cell, layerNorm, dropConnect, tied, embed, optimizer, weightDecay, stdin, heldOut, validation } = recipe;
  const wrong = (message: string) => {
    throw misused(message);
  };
  if (tied && embed === 0) wrong('--tied takes the vectors of an embedding; give --embed above 0, or --no-tied.');
  if (layerNorm && cell !== 'lstm')
    wrong(`--layer-norm is that of --cell lstm, not ${cell}; give that cell, or --no-layer-norm.`);
  if (dropConnect > 0 && !['rnn', 'lstm', 'gru'].includes(cell)) {
    wrong(`--drop-connect drops recurrent weights, of which ${cell} has none; give another cell, or --drop-connect 0.`);
  }
  if (weightDecay > 0 && optimizer !== 'adamw') {
    wrong(`--weight-decay is that of adamw; give --optimizer adamw, or --weight-decay 0.`);
  }
  if (heldOut + validation >= 1) {
    wrong(
      `--held-out ${heldOut} and --validation ${validation} leave nothing of the text to learn; make them smaller.`,
    );
  }
  if (stdin) {
    const why = 'text that is piped in has one lane and no second epoch';
    if (recipe.batch !== 1) wrong(`--stdin does not go with --batch: ${why}; leave one of them out.`);
    if (recipe.epochs !== null) wrong(`--stdin does not go with --epochs: ${why}; leave one of them out.`);
    if (recipe.windows === 'random') wrong(`--stdin does not go with --windows random: what is piped in comes once.`);
  }
  return recipe;
}
