/** `oxbow score`: how surprising each line is to a model, which may learn from it meanwhile. */

import type { Command } from 'commander';
import { lastValueFrom, takeUntil, tap } from 'rxjs';
import { languageModel } from '../models/language-model.js';
import { checkpointed } from '../runs/checkpointed.js';
import { isOpen } from '../streams/open-vocabulary.js';
import { distributionFrom } from './scoring/distribution.js';
import { chunksOf, linesOf } from './scoring/lines.js';
import { recipe } from './scoring/recipe.js';
import { type ScoredLine, type ScorerOptions, scorer } from './scoring/scorer.js';
import { highlighted } from './scoring/shown.js';
import { type MachineChoice, positive } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { misused } from './shared/failure.js';
import {
  type About,
  type LanguageCore,
  languageIn,
  leavingNothing,
  requireTask,
  resumeKept,
  vocabularyOf,
} from './shared/kept.js';
import { knownOptimizer, optimizerOf } from './shared/language.js';
import { count, several } from './shared/numbers.js';
import { requireSymbolsOf, streamCoder, streamSymbols, type TypedSymbols, tokenizerOption } from './shared/symbols.js';

interface ScoreOptions extends MachineChoice, TypedSymbols {
  readonly model?: string;
  readonly learn?: true;
  readonly keep?: string;
  readonly lr?: number;
  readonly strange: number;
  readonly onlyStrange?: true;
  readonly saveEvery: number;
  readonly json?: true;
}

/** Seconds. */
const SAVE_EVERY = 30;

export function scoreCommand(): Command {
  const made = command(
    'score',
    'How surprising each line of files, or of stdin, is to a model, which may learn as it reads.',
    [
      ['tail -f app.log | oxbow score --learn --keep model/', 'learns what is usual, and marks lines that are not'],
      [
        'oxbow score app.log --learn --keep model/ --only-strange',
        'only those lines; run again, it goes on where it was',
      ],
      ['oxbow score --model model/ today.log --json', 'by what was learnt before, for a program'],
    ],
  )
    .argument('[files...]', 'texts to read, UTF-8; without any, stdin, as - is')
    .option('--model <path>', 'folder of a run, or a file of one: scores, and learns nothing')
    .option('--learn', 'learn from each line once it has been scored; needs --keep')
    .option('--keep <folder>', 'where the run is kept; one that is there goes on')
    .option('--lr <rate>', `learning rate (default: the run's own, ${recipe.learningRate} for a new one)`, positive())
    .addOption(streamSymbols('a new run (default: open)'))
    .addOption(tokenizerOption('a new run'))
    .option('--strange <n>', 'at most so many per cent of lines are strange', positive(100), recipe.strange)
    .option('--only-strange', 'show no other lines')
    .option('--save-every <n>', 'seconds from one checkpoint to the next', positive(), SAVE_EVERY);
  return withJson(withMachine(made), 'each line').action((files: readonly string[], options: ScoreOptions) =>
    inContext(options, (context) => leavingNothing(options.keep, () => score(files, options, context))),
  );
}

interface Opened extends ScorerOptions {
  /** What is written down with the run; undefined where nothing is learnt. */
  readonly about: (() => About) | undefined;
}

async function openKept(
  keep: string,
  { lr, ...typed }: TypedSymbols & Pick<ScoreOptions, 'lr'>,
  context: Context,
): Promise<Opened> {
  const kept = await resumeKept<LanguageCore>(keep, context);
  if (kept !== undefined) requireTask(kept.about, keep, 'language');
  const about: About = kept?.about ?? {};
  const vocab = kept === undefined ? await streamCoder(typed) : await vocabularyOf(about, keep);
  await requireSymbolsOf(keep, vocab, typed);
  const model = kept?.model ?? languageModel({ symbols: vocab.size, grows: isOpen(vocab), ...recipe.model });
  const distribution = distributionFrom(about.surprise);
  const was = about.recipe ?? { ...recipe.model, optimizer: recipe.optimizer, learningRate: recipe.learningRate };
  const optimizer = knownOptimizer(was.optimizer, keep);
  const usual = typeof was.learningRate === 'number' ? was.learningRate : recipe.learningRate;
  const rate = lr ?? usual;
  const decay = 'weightDecay' in was && typeof was.weightDecay === 'number' ? was.weightDecay : 0;
  context.screen.note(
    kept === undefined
      ? `a new run in ${keep}`
      : `${keep} goes on after ${several(distribution.lines, 'line')}, step ${count(kept.step)}`,
  );
  const state = kept?.snapshot.state;
  return {
    model,
    vocab,
    distribution,
    learning: { optimizer: optimizerOf(optimizer, rate, decay), clipNorm: recipe.clipNorm, state },
    about: () => ({
      ...about,
      task: 'language',
      vocab: vocab.toJSON(),
      recipe: { ...was, learningRate: rate },
      surprise: distribution.data(),
    }),
  };
}

async function openModel(path: string): Promise<Opened> {
  const { language, vocab, about } = await languageIn(path);
  return { model: language, vocab, distribution: distributionFrom(about.surprise), about: undefined };
}

/** Options that make no sense together, and what to do. */
export function conflictOf({ model, learn, keep }: Pick<ScoreOptions, 'model' | 'learn' | 'keep'>): string | undefined {
  if (learn && keep === undefined) return '--learn needs a place for what is learnt; give --keep DIR.';
  if (learn && model !== undefined) return '--model is only read; to learn on, give its folder to --keep instead.';
  if (!learn && keep !== undefined) return '--keep is for what --learn learns; give --learn too, or --model DIR.';
  if (!learn && model === undefined) return 'there is nothing to score by; give --model DIR, or --learn --keep DIR.';
  return undefined;
}

async function score(files: readonly string[], options: ScoreOptions, context: Context): Promise<void> {
  const { model: path, keep } = options;
  const conflict = conflictOf(options);
  if (conflict !== undefined) throw misused(conflict);
  chooseMachine(options);
  const opened = keep === undefined ? await openModel(path as string) : await openKept(keep, options, context);
  const { screen, ending } = context;
  let [lines, strange, symbols, bits] = [0, 0, 0, 0];
  const show = (line: ScoredLine) => {
    const isStrange = isStrangeBy(line, options.strange);
    lines += 1;
    if (isStrange) strange += 1;
    symbols += line.text.length + 1;
    bits += line.bits * (line.text.length + 1);
    if (options.onlyStrange && !isStrange) return;
    screen.record(recordOf(line, isStrange));
    screen.say(
      `${line.bits.toFixed(2).padStart(5)} ${isStrange ? '!' : ' '} ${highlighted(line, isStrange, screen.coloured)}`,
    );
  };
  const progress = () =>
    `${several(lines, 'line')} · ${(bits / symbols).toFixed(3)} bits per character · ${count(strange)} strange`;
  const scored$ = scorer((stopped) => linesOf(chunksOf(files, stopped)), opened).pipe(
    takeUntil(ending.requested$),
    tap(({ lines: some }) => {
      for (const line of some) show(line);
      // Where lines are shown on the same terminal, they are progress enough.
      if (process.stdout.isTTY !== true || options.onlyStrange) screen.live(progress);
    }),
  );
  const kept = {
    model: opened.model,
    everyMs: 1000 * options.saveEvery,
    about: opened.about,
    // This command deals with signals by itself.
    signals: false,
  };
  await lastValueFrom(keep === undefined ? scored$ : scored$.pipe(checkpointed(keep, kept)), {
    defaultValue: undefined,
  });
  if (lines > 0) screen.live(progress, true);
  if (keep !== undefined && lines > 0) screen.note(`saved in ${keep}`);
}

/** Above so many of the lines before it, and clearly above most of them. */
export const isStrangeBy = ({ rank, deviations }: ScoredLine, percent: number): boolean =>
  rank !== undefined && rank >= 1 - percent / 100 && (deviations as number) >= recipe.deviations;

const rounded = (value: number | undefined) => (value === undefined ? undefined : Math.round(1e4 * value) / 1e4);

const recordOf = ({ line, text, bits, score, rank, deviations, span }: ScoredLine, strange: boolean) => ({
  line,
  text,
  bits: rounded(bits),
  excess: rounded(score),
  rank: rounded(rank),
  deviations: rounded(deviations),
  strange,
  span,
});
