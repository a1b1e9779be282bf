/** `npm run example:gpt`: a character model after GPT that learns from windows of a text, and speaks. */
import * as E from 'fp-ts/lib/Either.js';
import {
  adam,
  cosine,
  crossEntropy,
  generateFrom,
  gpt,
  type Ids,
  ids,
  machine,
  parametersOf,
  randomWindows,
  tbptt,
  text,
  vocabulary,
  warmup,
} from 'oxbow';
import { lastValueFrom, tap } from 'rxjs';
import { readCorpus } from '../shared/corpus.js';
import { type Failure, failure, messageOf } from '../shared/failure.js';
import { screen } from '../shared/screen.js';
import { heldOutLoss } from './held-out.js';
import { type Options, parseOptions, recipe } from './options.js';

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

async function run(options: Options): Promise<E.Either<Failure, void>> {
  const { file, steps, batch, context, seed, lr } = options;
  const corpus = await readCorpus(file)();
  if (E.isLeft(corpus)) return corpus;
  const vocab = vocabulary(corpus.right);
  const symbols = vocab.encode(corpus.right);
  const cut = Math.floor(symbols.length * (1 - recipe.heldOut));
  const [training, heldOut] = [symbols.subarray(0, cut), symbols.subarray(cut)];
  if (heldOut.length <= context) {
    const least = Math.ceil((context + 1) / recipe.heldOut);
    return E.left(failure(`the text has ${symbols.length} symbols; give at least ${least}, or a smaller --context.`));
  }
  const { features, heads, blocks } = options;
  const model = gpt({ symbols: vocab.size, context, features, heads, blocks, tied: true, seed });
  const weights = parametersOf(model.params).reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const { threads, tier } = machine();
  const out = screen();
  out.say(`${count(symbols.length)} characters, ${vocab.size} symbols; the last ${count(heldOut.length)} held out`);
  out.say(
    `${blocks} blocks of ${features} features, ${heads} heads, ${count(weights)} weights; ${threads} threads, tier ${tier}`,
  );

  const rise = Math.min(recipe.warmup, Math.ceil(steps / 2));
  const fall = cosine({ rate: lr, steps: Math.max(1, steps - rise), floor: (lr * recipe.floor) / recipe.learningRate });
  const optimizer = adam(warmup(rise, fall), { beta2: recipe.beta2 });
  const started = performance.now();
  const line = (step: number, loss: number, rate: number) =>
    `step ${count(step)} of ${count(steps)} · loss ${loss.toFixed(3)} nats · ${count(rate)} characters/s · ` +
    `${count(((performance.now() - started) / 1000 / step) * (steps - step))} s left`;
  let mean: number | undefined;
  await lastValueFrom(
    randomWindows(training, { length: context, batch, count: steps, seed }).pipe(
      tbptt(model, { loss: crossEntropy(), optimizer, clipNorm: recipe.clipNorm }),
      tap(({ step, loss, tokensPerSecond }) => {
        mean = mean === undefined ? loss : 0.98 * mean + 0.02 * loss;
        const now = mean;
        out.live(() => line(step, now, tokensPerSecond), step === steps);
      }),
    ),
  );
  out.say(`learnt in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const loss = heldOutLoss(model, heldOut, context, vocab.size);
  out.say(`held out: ${loss.toFixed(4)} nats, ${(loss / Math.LN2).toFixed(3)} bits per character`);

  const prompt: Ids = ids([1, 1], [symbols.includes(newline(vocab)) ? newline(vocab) : (symbols[0] as number)]);
  out.write('\n');
  await generateFrom(model, prompt, { length: recipe.length, temperature: options.temperature, seed, context })
    .pipe(text(vocab))
    .forEach(out.write);
  out.write('\n');
  return E.right(undefined);
}

/** The id of a line's end, −1 where the text has none. */
const newline = ({ symbols }: { readonly symbols: readonly string[] }): number => symbols.indexOf('\n');

function complain(message: string): void {
  process.stderr.write(`gpt: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

/** The exit code: 0 where all went well, 2 where the user can put it right. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (E.isRight(options) && options.right === 'help') return 0;
  const outcome = E.isLeft(options) ? options : await run(options.right as Options);
  if (E.isRight(outcome)) return 0;
  complain(outcome.left.message);
  return 2;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  complain(messageOf(error));
  return 1;
});
