/** `oxbow train`: a language model that learns a text, is kept in a folder, and goes on where it was. */
import type { Command } from 'commander';
import { connect, last, lastValueFrom, merge, NEVER, type Observable, take, takeUntil, tap, timer } from 'rxjs';
import { type LanguageCell, type LanguageModelOptions, languageModel } from '../models/language-model.js';
import { checkpointed, saveRuns } from '../runs/checkpointed.js';
import type { Resumed } from '../runs/resume.js';
import { lanes } from '../streams/lanes.js';
import { type TbpttSnapshot, tbptt } from '../streams/tbptt.js';
import { type Coder, strangerIn } from '../streams/coder.js';
import { crossEntropy } from '../training/losses/cross-entropy.js';
import { cosine } from '../training/schedules.js';
import { choice, type MachineChoice, positive, whole } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { Failure, misused } from './shared/failure.js';
import { type About, type LanguageCore, requireTask, resumeKept, vocabularyOf } from './shared/kept.js';
import { knownOptimizer, type OptimizerName, optimizerNames, optimizerOf } from './shared/language.js';
import { count, weightsIn } from './shared/numbers.js';
import { coderOf, requireSymbolsOf, type SymbolChoice, textChoices } from './shared/symbols.js';
import { type CourseData, course, courseFrom } from './training/course.js';
import { trainingPage } from './training/page.js';
import { recipe } from './training/recipe.js';
import { heldOutBits, lastWords, promptOf, samples } from './training/speech.js';
import { printOf, readText, split } from './training/text.js';

interface TrainOptions extends MachineChoice {
  readonly keep: string;
  readonly cell?: LanguageCell;
  readonly units?: number;
  readonly layers?: number;
  readonly embed?: number;
  readonly length?: number;
  readonly batch?: number;
  readonly optimizer?: OptimizerName;
  readonly lr?: number;
  readonly seconds?: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly symbols?: SymbolChoice;
  readonly prompt?: string;
  readonly temperature: number;
  readonly saveEvery: number;
  readonly serve: boolean;
  readonly port: number;
  readonly json?: true;
}

/** What a run is made of, as it is kept with it. */
type Recipe = Omit<LanguageModelOptions, 'symbols'> & {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
};

export function trainCommand(): Command {
  const { model, learningRates } = recipe;
  const rates = Object.entries(learningRates).map(([name, rate]) => `${name} ${rate}`);
  const made = command(
    'train',
    'A language model learns a text, character by character, and is kept in a folder; a run that is there goes on.',
    [
      ['oxbow train --keep model/', 'learns Moby Dick for a minute; run again, it learns for one more'],
      ['oxbow train corpus.txt --keep model/ --epochs 10 --units 512', 'learns a text of yours, ten times over'],
      ['oxbow train corpus.txt --keep model/ --json | jq .bitsPerCharacter', 'for a program'],
    ],
  )
    .argument('[file]', 'text to learn, UTF-8 (default: Moby Dick)')
    .option('--keep <folder>', 'where the run is kept; one that is there goes on', recipe.keep)
    .addOption(choice('--cell <name>', `recurrent cell (default: ${model.cell})`, ['rnn', 'lstm', 'gru']))
    .option('--units <n>', `hidden units of a layer (default: ${model.units})`, whole(1))
    .option('--layers <n>', `recurrent layers (default: ${model.layers})`, whole(1))
    .option('--embed <n>', `features of a symbol; 0 is one-hot (default: ${model.embed})`, whole(0))
    .option('--length <n>', `steps of a window (default: ${recipe.length})`, whole(1))
    .option('--batch <n>', `lanes of text read side by side (default: ${recipe.batch})`, whole(1))
    .addOption(
      choice('--optimizer <name>', `what makes a step of a gradient (default: ${recipe.optimizer})`, optimizerNames),
    )
    .option('--lr <rate>', `learning rate (default: ${rates.join(', ')})`, positive())
    .option('--seconds <n>', `learn for so long (default: ${recipe.seconds}, unless --epochs)`, positive())
    .option('--epochs <n>', 'go through the text so often', whole(1))
    .option('--seed <n>', `of weights and samples (default: ${recipe.seed})`, whole(0))
    .addOption(
      choice('--symbols <name>', 'of a new run: text, those of its text; bytes, those of UTF-8 (default: text)', textChoices),
    )
    .option('--prompt <text>', 'what the model goes on from in its samples')
    .option(
      '--temperature <n>',
      'of samples: below 1 bolder, above 1 more varied',
      positive(),
      recipe.sample.temperature,
    )
    .option('--no-serve', 'without the live page')
    .option(
      '--port <n>',
      'where the live page is, on this machine alone; 0 is any that is free',
      whole(0, 65_535),
      7070,
    )
    .option('--save-every <n>', 'seconds from one checkpoint to the next', positive(), recipe.saveEvery);
  return withJson(withMachine(made), 'the start, each sample and the end').action(
    (file: string | undefined, options: TrainOptions) => inContext(options, (context) => train(file, options, context)),
  );
}

type Kept = Resumed<LanguageCore, TbpttSnapshot<unknown>>;

/** What of a run was asked for that it cannot become any more. */
function requireSame(keep: string, options: TrainOptions, was: Partial<Recipe>): void {
  for (const name of ['cell', 'units', 'layers', 'embed', 'optimizer'] as const) {
    const asked = options[name];
    if (asked === undefined || was[name] === undefined || asked === was[name]) continue;
    throw misused(
      `${keep} has a run with --${name} ${was[name]}, not ${asked}; leave --${name} out, or --keep another folder.`,
    );
  }
}

function recipeFor(options: TrainOptions, kept: Kept | undefined): Recipe {
  const { keep, cell, units, layers, embed, seed, lr } = options;
  const about: About | undefined = kept?.about;
  if (about !== undefined) {
    requireTask(about, keep, 'language');
    requireSame(keep, options, (about.recipe ?? {}) as Partial<Recipe>);
  }
  const asked = Object.fromEntries(
    Object.entries({ cell, units, layers, embed, seed }).filter(([, value]) => value !== undefined),
  );
  const was = (about?.recipe ?? {}) as Partial<Recipe>;
  const optimizer = knownOptimizer(options.optimizer ?? was.optimizer ?? recipe.optimizer, keep);
  const learningRate = lr ?? was.learningRate ?? recipe.learningRates[optimizer];
  return { ...recipe.model, seed: recipe.seed, ...was, ...asked, optimizer, learningRate };
}

interface Place {
  readonly epoch: number;
  readonly index: number;
}

/** The course to take: the kept one, where it is not over and no other is asked for, or a new one. */
function planFor(
  { seconds, epochs }: TrainOptions,
  fresh: Pick<CourseData, 'text' | 'length' | 'batch'>,
  after: number,
  was?: CourseData,
): CourseData {
  const isAsked = seconds !== undefined || epochs !== undefined;
  const isSame = (epochs ?? null) === was?.epochs && (seconds ?? null) === was?.seconds;
  if (was !== undefined && was.done < 1 && (!isAsked || isSame)) return was;
  const long = { epochs: epochs ?? null, seconds: seconds ?? (epochs === undefined ? recipe.seconds : null) };
  return { ...fresh, ...long, after, spent: 0, done: 0 };
}

async function train(file: string | undefined, options: TrainOptions, context: Context): Promise<void> {
  const { keep } = options;
  const { screen, ending } = context;
  const machine = chooseMachine(options);
  const text = await readText(file);
  const kept = await resumeKept<LanguageCore>(keep, context);
  const made = recipeFor(options, kept);
  const vocab = kept === undefined ? coderOf(options.symbols ?? 'text', text) : await vocabularyOf(kept.about, keep);
  requireSymbolsOf(keep, vocab, options.symbols);
  requireSymbols(keep, text, vocab);
  const symbols = vocab.encode(text);
  const was = courseFrom((kept?.about as About | undefined)?.course);
  const length = options.length ?? was?.length ?? recipe.length;
  const { training, heldOut, batch } = split(symbols, length, options.batch ?? was?.batch ?? recipe.batch);
  const fresh = { text: printOf(text), length, batch };
  const goesOn = was !== undefined && was.text === fresh.text && was.batch === batch && was.length === length;
  const position = goesOn ? (kept?.position as Place | undefined) : undefined;
  const epoch = Math.ceil(Math.floor((training.length - 1) / batch) / length);
  const before = position ? (position.epoch - 1) * epoch + position.index : 0;
  const plan = planFor(options, fresh, before, goesOn ? was : undefined);
  const { optimizer, learningRate, ...shape } = made;
  const model = kept?.model ?? languageModel({ symbols: vocab.size, ...shape });
  const done = course(plan, epoch, before);

  screen.say(`${count(symbols.length)} characters, ${vocab.size} symbols; the last ${count(heldOut.length)} held out`);
  const weights = weightsIn(model.params);
  screen.say(`${made.cell} ${made.layers} × ${made.units}: ${count(weights)} weights; ${machine}`);
  if (kept === undefined) screen.note(`a new run in ${keep}`);
  else {
    const place = position ? `epoch ${position.epoch}, window ${position.index}` : 'the beginning of the text';
    screen.note(`${keep} goes on after step ${count(kept.step)}, at ${place}`);
  }
  screen.record({ ...made, symbols: vocab.size, weights, machine, from: kept?.step, keep });

  const floor = recipe.floor * learningRate;
  const rate = cosine({ rate: learningRate, steps: 1, floor });
  const left = plan.epochs === null ? Number.POSITIVE_INFINITY : plan.epochs * epoch - (before - plan.after);
  const goOn = goesOn ? { from: kept?.snapshot } : { state: kept?.snapshot.state };
  const about = (): About => ({
    ...(kept?.about as About | undefined),
    task: 'language',
    vocab: vocab.toJSON(),
    recipe: { ...made },
    course: done.data(),
  });
  const pace = () => rate(done.fraction());
  const page = options.serve
    ? await trainingPage({ model, vocab, step: kept?.step ?? 0, rate: pace, save: saveRuns }, options.port, context)
    : undefined;
  if (page !== undefined) screen.say(`live page: ${page.url}`);
  const steps$ = lanes(training, {
    batch,
    length,
    epochs: Number.POSITIVE_INFINITY,
    ...(position && { from: position }),
  }).pipe(
    take(left),
    takeUntil(merge(ending.requested$, deadline(plan))),
    tap(() => page?.hold()),
    tbptt(model, {
      loss: crossEntropy(),
      optimizer: optimizerOf(optimizer, () => (page?.factor ?? 1) * pace()),
      clipNorm: recipe.clipNorm,
      thread: 'learner',
      ...goOn,
    }),
    tap(({ step, loss, window }) => {
      const symbols = window.target.data.length;
      done.seen(loss, symbols);
      page?.updated({ step, loss, symbols });
      screen.live(done.line);
    }),
    // This command deals with signals by itself.
    checkpointed(keep, { model, everyMs: 1000 * options.saveEvery, about, signals: false }),
  );
  const speech = {
    model,
    vocab,
    prompt: promptOf(options.prompt ?? '', vocab),
    seed: options.seed ?? recipe.seed,
    temperature: options.temperature,
  };
  try {
    await lastValueFrom(
      steps$.pipe(
        connect((shared$) =>
          merge(
            samples(speech).pipe(
              tap((said) => {
                screen.say(`» ${said.replaceAll(/\s+/g, ' ').trim()}`);
                screen.record({ characters: done.symbols(), bitsPerCharacter: done.recent(), said });
              }),
              takeUntil(merge(shared$.pipe(last(null, null)), ending.requested$)),
            ),
            shared$,
          ),
        ),
      ),
      { defaultValue: undefined },
    );
  } finally {
    await page?.close();
  }
  if (done.symbols() === 0) {
    screen.note(
      ending.requested() ? 'nothing learnt' : `this course is over; give --seconds or --epochs for another one`,
    );
    return;
  }
  screen.live(done.line, true);
  screen.note(`saved in ${keep}`);
  const scored = ending.requested() ? undefined : await heldOutBits(model, heldOut, context);
  if (scored !== undefined) {
    screen.say(
      `held out: ${scored.bitsPerCharacter.toFixed(3)} bits per character, ${count(scored.characters)} characters`,
    );
  }
  const said = ending.requested() ? undefined : await lastWords(speech, context);
  screen.record({ characters: done.symbols(), heldOut: scored, said, keep, interrupted: ending.requested() });
}

// Timers end at 2³¹ ms.
const deadline = ({ seconds, spent }: CourseData): Observable<unknown> =>
  seconds === null ? NEVER : timer(Math.min(1000 * Math.max(0, seconds - spent), 2 ** 31 - 1));

/** A vocabulary that knows no replacement must know every symbol. */
function requireSymbols(keep: string, text: string, vocab: Coder): void {
  const symbol = strangerIn(vocab, text);
  if (symbol === undefined) return;
  throw new Failure(
    `the text has ${JSON.stringify(symbol)}, which is not among the ${vocab.size} symbols of the run in ${keep}; --keep another folder.`,
  );
}
