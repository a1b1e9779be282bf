/** `oxbow generate`: a model goes on from a prompt, symbol by symbol. */
import type { Command } from 'commander';
import { takeUntil } from 'rxjs';
import { strangerIn, symbolsOf } from '../streams/coder.js';
import { generateFrom } from '../streams/generate.js';
import { decoderOf } from '../streams/tokenizer/tokenizer.js';
import { ids } from '../tensor.js';
import { type MachineChoice, positive, share, texts, whole } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { Failure, messageOf } from './shared/failure.js';
import { languageIn } from './shared/kept.js';
import { requireTokens, usualPrompt } from './training/habits.js';

interface GenerateCommandOptions extends MachineChoice {
  readonly model: string;
  readonly length: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly greedy?: true;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly echo?: true;
  readonly json?: true;
}

/** Symbols that an error shows; of thousands the first ones are enough. */
const MOST_SHOWN = 120;

const shownSymbols = (symbols: readonly string[]): string => {
  const more = symbols.length - MOST_SHOWN;
  return `${JSON.stringify(symbols.slice(0, MOST_SHOWN).join(''))}${more > 0 ? ` and ${more.toLocaleString('en-US')} more` : ''}`;
};

export function generateCommand(): Command {
  const made = command('generate', 'A model goes on from a prompt; its symbols go to stdout as they come.', [
    ['oxbow generate --model model/ "Call me "', 'goes on from a prompt, by 300 characters'],
    [
      'echo -n "The whale" | oxbow generate --model model/ --echo --stop "\\n\\n"',
      'a prompt from stdin; ends with the paragraph',
    ],
    ['oxbow generate --model model/ --json --seed 7 | jq .surprisal', 'each symbol with its surprise, for a program'],
  ])
    .argument('[prompt]', 'what it goes on from; without it stdin, where that is no terminal')
    .requiredOption('--model <path>', 'folder of a run, which may be learning meanwhile, or a file of one')
    .option('--length <n>', 'symbols to generate', whole(1), 300)
    .option('--temperature <n>', 'below 1 bolder, above 1 more varied', positive(), 0.8)
    .option('--top-k <n>', 'only the n most probable symbols', whole(1))
    .option('--top-p <p>', 'only the fewest symbols that have this probability together', share)
    .option('--min-p <p>', "only symbols with at least this share of the most probable one's probability", share)
    .option('--greedy', 'always the most probable symbol')
    .option('--repetition-penalty <n>', 'above 1 it repeats itself less', positive())
    .option('--seed <n>', 'of the draws (default: another one each time)', whole(0, 2 ** 32 - 1))
    .option('--stop <text>', 'end before this text, \\n for a line end; may be given several times', texts)
    .option('--echo', 'show the prompt first');
  return withJson(withMachine(made), 'each symbol').action(
    (prompt: string | undefined, options: GenerateCommandOptions) =>
      inContext(options, (context) => generate(prompt, options, context)),
  );
}

/** All of stdin, where something is piped in. */
async function piped(stopped: Context['ending']): Promise<string | undefined> {
  if (process.stdin.isTTY === true) return undefined;
  const close = stopped.requested$.subscribe(() => process.stdin.destroy());
  let text = '';
  try {
    for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  } catch (error) {
    if (!stopped.requested())
      throw new Failure(`stdin cannot be read: ${messageOf(error)}; give the prompt as an argument.`);
  } finally {
    close.unsubscribe();
  }
  return text === '' ? undefined : text;
}

async function generate(given: string | undefined, options: GenerateCommandOptions, context: Context): Promise<void> {
  const { screen, ending } = context;
  chooseMachine(options);
  const { language, vocab } = await languageIn(options.model);
  const prompt = given ?? (await piped(ending)) ?? usualPrompt(vocab);
  if (ending.requested()) return;
  const unknown = strangerIn(vocab, prompt);
  if (prompt === '') throw new Failure('the prompt is empty; give the model something to go on from.', 2);
  if (unknown !== undefined) {
    throw new Failure(
      `the prompt has ${JSON.stringify(unknown)}, which the model does not know; it knows ${shownSymbols(symbolsOf(vocab) ?? [])}.`,
      2,
    );
  }
  requireTokens('the prompt', prompt, vocab);
  const { length, temperature, topK, topP, minP, greedy, repetitionPenalty, stop } = options;
  const encoded = vocab.encode(prompt);
  const seed = options.seed ?? (crypto.getRandomValues(new Uint32Array(1))[0] as number);
  if (options.echo) {
    screen.write(prompt);
    screen.record({ prompt });
  }
  const decoder = decoderOf(vocab);
  await generateFrom(language, ids([encoded.length, 1], encoded), {
    length,
    temperature,
    seed,
    vocab,
    surprisal: screen.json,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
    ...(greedy !== undefined && { greedy }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    ...(stop !== undefined && { stop }),
  })
    .pipe(takeUntil(ending.requested$))
    .forEach(({ data, surprisal }) => {
      // Bytes of a character that is not whole yet are ''.
      const symbol = decoder.push(data);
      screen.write(symbol);
      screen.record({ symbol, surprisal });
    });
  screen.write(`${decoder.end()}\n`);
}
