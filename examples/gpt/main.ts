/** `npm run example:gpt`: a character model after GPT that learns from windows of a text, and speaks. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { checkSymbols, readCorpus } from '../shared/corpus.js';
import { type Failure, failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count, several } from '../shared/numbers.js';
import { prepare, runProgram } from '../shared/program.js';
import { markOf, sameText, type TextMark, takeFolder } from '../shared/run.js';
import { screen } from '../shared/screen.js';
import { checkSize, checkWindow, weightsIn } from '../shared/weights.js';
import { heldOutLoss } from './held-out.js';
import { freshSpeaker, type KeptGpt, keptSpeaker, loadedSpeaker, openGpt, type Speaker } from './model.js';
import { type Options, parseOptions } from './options.js';
import { recipe } from './recipe.js';
import { speak } from './say.js';
import { train } from './train.js';

function speakerOf(options: Options, kept: KeptGpt | undefined, text: string): TE.TaskEither<Failure, Speaker> {
  if (kept) return TE.right(keptSpeaker(options, kept));
  if (options.load !== undefined) return loadedSpeaker(options, options.load);
  return TE.fromEither(freshSpeaker(options, text));
}

function windowFits({ shape: { context, features }, course: { batch }, vocab }: Speaker): E.Either<Failure, void> {
  return checkWindow(context * batch, Math.max(features, vocab.size), 'a smaller --batch or --context');
}

interface Split {
  readonly training: Int32Array;
  readonly heldOut: Int32Array;
}

/** Keeps the end of a text from the model. */
function splitOf({ vocab, shape: { context } }: Speaker, text: string): E.Either<Failure, Split> {
  const symbols = vocab.encode(text);
  const cut = Math.floor(symbols.length * (1 - recipe.heldOut));
  if (symbols.length - cut > context) {
    return E.right({ training: symbols.subarray(0, cut), heldOut: symbols.subarray(cut) });
  }
  const least = Math.ceil((context + 1) / recipe.heldOut);
  return E.left(failure(`the text has ${symbols.length} symbols; give at least ${least}, or a smaller --context.`));
}

async function run(
  options: Options,
  interrupt: Interrupt,
  machine: string,
  kept: KeptGpt | undefined,
  speaker: Speaker,
  { training, heldOut }: Split,
  mark: TextMark,
): Promise<E.Either<Failure, void>> {
  const { model, shape, vocab } = speaker;
  const { blocks, features, heads } = shape;
  const out = screen(options.json);
  const characters = training.length + heldOut.length;
  const weights = weightsIn(model.params);
  out.say(`${count(characters)} characters, ${vocab.size} symbols; the last ${count(heldOut.length)} held out`);
  const sizes = `${several(blocks, 'block')} of ${several(features, 'feature')}, ${several(heads, 'head')}`;
  out.say(`${sizes}, ${count(weights)} weights; ${machine}`);
  out.record({
    characters,
    symbols: vocab.size,
    heldOut: heldOut.length,
    ...shape,
    ...speaker.course,
    weights,
    machine,
    goesOn: kept && { step: kept.step, saved: kept.from.date },
  });

  const step = await train(speaker, options, kept, training, mark, out, interrupt);
  const ending = { step, saved: options.save };
  const loss = interrupt.requested() ? undefined : await heldOutLoss(speaker, heldOut, out, interrupt);
  if (loss === undefined) {
    out.record({ ...ending, interrupted: true });
    return E.right(undefined);
  }
  const bits = loss / Math.LN2;
  out.say(`held out: ${loss.toFixed(4)} nats, ${bits.toFixed(3)} bits per character`);
  const said = await speak(speaker, options.temperature, out, interrupt);
  out.record({ ...ending, heldOut: { loss, bitsPerCharacter: bits }, said, interrupted: interrupt.requested() });
  return E.right(undefined);
}

function start(options: Options, interrupt: Interrupt) {
  return pipe(
    prepare(options),
    TE.bind('kept', () => openGpt(options)),
    TE.let('file', ({ kept }) => options.file ?? kept?.about.text.file ?? undefined),
    TE.bind('text', ({ file }) => readCorpus(file)),
    TE.chainFirstEitherK(({ kept, text }) => sameText(options.save, kept?.about.text, text)),
    TE.bind('speaker', ({ kept, text }) => speakerOf(options, kept, text)),
    TE.chainFirstEitherK(({ text, speaker }) => checkSymbols('the text', text, speaker.vocab)),
    TE.chainFirstEitherK(({ speaker }) => checkSize(speaker.model.params, 'fewer --features or --blocks')),
    TE.chainFirstEitherK(({ speaker }) => windowFits(speaker)),
    TE.bind('split', ({ text, speaker }) => TE.fromEither(splitOf(speaker, text))),
    TE.chainFirst(() => takeFolder(options)),
    TE.chain(
      ({ machine, kept, file, text, speaker, split }) =>
        () =>
          run(options, interrupt, machine, kept, speaker, split, markOf(file, text)),
    ),
  )();
}

await runProgram('gpt', parseOptions(process.argv.slice(2)), start);
