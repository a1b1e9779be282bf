/** What a recipe stands for: its model, its rate, its windows. */
import { firstValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { languageOf, learningOf, rateOf, windowsOf } from '../../../src/cli/training/language.js';
import {
  askedBy,
  askedOf,
  completed,
  requireSound,
  type TypedRecipe,
} from '../../../src/cli/training/recipe-options.js';
import { quick, type Recipe, recipeNames, recipes } from '../../../src/cli/training/recipes.js';
import { weightsOf } from '../../../src/formats/weights.js';
import { languageModel } from '../../../src/models/language-model.js';
import { parametersOf } from '../../../src/parameters/parameter.js';
import { build } from '../../../src/runs/build.js';
import { describe as described } from '../../../src/runs/describe.js';
import type { ModelDescription } from '../../../src/runs/description.js';
import { tbptt } from '../../../src/streams/tbptt.js';

const symbols = { size: 11 };
const text = Int32Array.from({ length: 400 }, (_, k) => (k * k) % 11);
const small: Recipe = { ...quick, units: 6, embed: 6, length: 8, batch: 2 };

const variants: readonly (readonly [name: string, recipe: Recipe])[] = [
  ['one-hot', { ...small, embed: 0 }],
  ['tied', { ...small, tied: true }],
  ['tied, two layers of two widths', { ...small, tied: true, layers: 2, units: 9 }],
  ['layer norm', { ...small, layerNorm: true, dropConnect: 0.2 }],
  ['minGru', { ...small, cell: 'minGru', layers: 2 }],
  ['minLstm', { ...small, cell: 'minLstm' }],
  ['griffin', { ...small, cell: 'griffin' }],
  ['gatedDeltaNet', { ...small, cell: 'gatedDeltaNet' }],
  ['residual', { ...small, residual: true, layers: 2 }],
  ['dropSymbols', { ...small, dropSymbols: 0.2 }],
  ['dropInput', { ...small, dropInput: 0.2 }],
  ['dropBetween', { ...small, layers: 2, dropBetween: 0.2 }],
  ['dropOutput', { ...small, dropOutput: 0.2 }],
  ['dropConnect', { ...small, cell: 'gru', dropConnect: 0.2 }],
  ['ar and tar', { ...small, ar: 2, tar: 1 }],
  ['smoothing', { ...small, smoothing: 0.1 }],
  ['adamw', { ...small, optimizer: 'adamw', weightDecay: 0.1 }],
  ['random windows', { ...small, windows: 'random' }],
];

describe.each(variants)('%s', (_, recipe) => {
  it('learns, and is built anew of what its checkpoint says', async () => {
    const model = languageOf(recipe, symbols, 5);
    const { windows$ } = windowsOf(text, recipe);
    const plain = languageOf(small, symbols, 5);
    const losses = async (net: typeof model, by: Recipe) =>
      firstValueFrom(
        windows$.pipe(
          take(3),
          tbptt(
            net,
            learningOf(by, () => 0.01),
          ),
          toArray(),
        ),
      );
    const own = await losses(model, recipe);
    expect(own).toHaveLength(3);
    for (const { loss } of own) expect(loss).toBeGreaterThan(0);
    // What the recipe says makes a difference.
    const usual = await losses(plain, { ...small, windows: recipe.windows });
    const isOther = own.some(({ loss }, k) => loss !== usual[k]?.loss);
    expect(isOther || recipe.windows === 'random').toBe(true);
    const again = build<typeof model>(described(model) as ModelDescription);
    expect(parametersOf(again.params).map(([path, { shape }]) => [path, shape])).toEqual(
      parametersOf(model.params).map(([path, { shape }]) => [path, shape]),
    );
  });
});

it('the plain model has the numbers of languageModel', () => {
  const numbers = ({ params }: Pick<ReturnType<typeof languageOf>, 'params'>) => weightsOf(params);
  const { cell, units, layers, embed } = small;
  expect(numbers(languageOf(small, symbols, 5))).toEqual(
    numbers(languageModel({ symbols: 11, cell, units, layers, embed, seed: 5 })),
  );
});

it.each(recipeNames)('%s makes sense', (name) => {
  expect(requireSound(recipes[name].recipe)).toBe(recipes[name].recipe);
});

describe('the rate', () => {
  const of = (recipe: Partial<Recipe>) => rateOf({ ...quick, learningRate: 1, floor: 0.1, ...recipe });
  it.each([
    ['constant', [1, 1, 1]],
    ['cosine', [1, 0.55, 0.1]],
    ['oneCycle', [0.04, 1, 0.1]],
  ] as const)('%s from the beginning over the middle to the end', (schedule, wanted) => {
    const rate = of({ schedule, rising: 0.5 });
    for (const [k, done] of [0, 0.5, 1].entries()) expect(rate(done)).toBeCloseTo(wanted[k] as number, 4);
    expect(rate(undefined)).toBe(1);
  });

  it('of oneCycle never rises where it is not to', () => {
    const rate = of({ schedule: 'oneCycle', rising: 0 });
    expect(rate(0.001)).toBeGreaterThan(0.99);
  });
});

it.each([
  ['lanes', 1 + Math.floor((99 - 1) / 8)],
  ['random', Math.ceil(199 / 16)],
] as const)('as much as the text has are %s windows: %i', (windows, epoch) => {
  expect(windowsOf(text.subarray(0, 200), { ...small, windows }).epoch).toBe(epoch);
});

it('windows of random places go on where they were', async () => {
  const recipe = { ...small, windows: 'random' } as const;
  const first = (count: number, from?: object) =>
    firstValueFrom(windowsOf(text, recipe, from).windows$.pipe(take(count), toArray()));
  const [all, later] = [await first(5), await first(2, { index: 3 })];
  expect(later.map(({ input }) => input.data)).toEqual(all.slice(3).map(({ input }) => input.data));
});

describe('a run that goes on', () => {
  const was = { ...recipes.shakespeare.recipe, seed: 7 };
  it('has its own recipe, but for what is asked for', () => {
    expect(completed({}, was)).toEqual(was);
    expect(completed({ learningRate: 1 }, was)).toEqual({ ...was, learningRate: 1 });
  });
  it.each<[string, TypedRecipe, number]>([
    ['the default with another optimizer', { optimizer: 'sgd' }, 1],
    ['a recipe by name, with another optimizer', { recipe: 'shakespeare', optimizer: 'sgd' }, 1],
    ['a recipe by name, with its own optimizer', { recipe: 'online-log', optimizer: 'adam' }, 0.0014],
    ['a recipe by name, with another optimizer and a rate', { recipe: 'shakespeare', optimizer: 'sgd', lr: 0.5 }, 0.5],
    ['the online recipe by its option', { stdin: true, optimizer: 'momentum' }, 0.2],
    ['the online recipe by name', { recipe: 'online-log', optimizer: 'momentum' }, 0.2],
  ])('learns at the rate of its optimizer: %s', (_, typed, rate) => {
    expect(completed(askedOf(typed)).learningRate).toBe(rate);
  });
  it.each<[TypedRecipe, string]>([
    [{ dropConnect: 0.1 }, '--drop-connect'],
    [{ recipe: 'shakespeare' }, '--recipe shakespeare'],
    [{ recipe: 'shakespeare', dropConnect: 0.1 }, '--drop-connect'],
  ])('names what asked for a value: %o', (typed, option) => {
    expect(askedBy(typed, 'dropConnect')).toBe(option);
  });
  it('fills what it did not know yet', () => {
    const { ar: _, tar: __, ...older } = quick;
    expect(completed({}, older)).toEqual(quick);
  });
});
