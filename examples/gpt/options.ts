/** The command line, checked as far as that goes without a text. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { type Failure, failure } from '../shared/failure.js';

/** nanoGPT's settings for a CPU: what happens without options. */
export const recipe = {
  blocks: 4,
  heads: 4,
  features: 128,
  context: 64,
  batch: 12,
  steps: 2000,
  learningRate: 1e-3,
  floor: 1e-4,
  warmup: 100,
  beta2: 0.99,
  clipNorm: 1,
  /** The share of the text that is kept from the model until the end. */
  heldOut: 0.1,
  seed: 1337,
  length: 500,
  temperature: 0.8,
} as const;

export interface Options {
  readonly file?: string;
  readonly steps: number;
  readonly batch: number;
  readonly context: number;
  readonly features: number;
  readonly heads: number;
  readonly blocks: number;
  readonly lr: number;
  readonly seed: number;
  readonly temperature: number;
}

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
};

const positive = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
};

function command(): Command {
  return new Command('gpt')
    .description('A character model after GPT that learns from windows of a text and speaks.')
    .usage('[options]        (npm run example:gpt -- [options])')
    .option('--file <path>', 'text to learn from, UTF-8 (default: Moby Dick)')
    .option('--steps <n>', 'windows to learn from', whole(1), recipe.steps)
    .option('--batch <n>', 'places of the text side by side in a window', whole(1), recipe.batch)
    .option('--context <n>', 'characters that one character sees', whole(2), recipe.context)
    .option('--features <n>', 'features of a character', whole(1), recipe.features)
    .option('--heads <n>', 'heads of the attention', whole(1), recipe.heads)
    .option('--blocks <n>', 'blocks one after another', whole(1), recipe.blocks)
    .option('--lr <rate>', 'learning rate at its peak', positive, recipe.learningRate)
    .option('--seed <n>', 'of weights, windows and the text at the end', whole(0), recipe.seed)
    .option('--temperature <n>', 'below 1 bolder, above 1 more varied', positive, recipe.temperature)
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride();
}

export function parseOptions(args: readonly string[]): E.Either<Failure, Options | 'help'> {
  const parser = command();
  try {
    parser.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? E.right('help') : E.left(failure(error.message.replace(/^error: /, '')));
  }
  const options = parser.opts<Options>();
  if (options.features % options.heads === 0) return E.right(options);
  return E.left(failure(`--features ${options.features} cannot be cut into ${options.heads} heads; choose others.`));
}
