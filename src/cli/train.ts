/** `oxbow train`: a language model that learns a text, is kept in a folder, and goes on where it was. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { saveRuns } from '../runs/checkpointed.js';
import { type MachineChoice, positive, whole } from './shared/arguments.js';
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
import { knownOptimizer } from './shared/language.js';
import { requireSymbolsOf } from './shared/symbols.js';
import { type CourseData, courseFrom, isSameWay, newCourse, type Way } from './training/course.js';
import { evaluate } from './training/evaluation.js';
import { habits, promptOf, requireSymbols } from './training/habits.js';
import { languageOf } from './training/language.js';
import { trainingPage } from './training/page.js';
import {
  askedBy,
  askedOf,
  askedPlan,
  completed,
  isSamePlan,
  modelNames,
  optionOf,
  partNames,
  planOf,
  recipesHelp,
  requireSound,
  withRecipe,
} from './training/recipe-options.js';
import type { Plan, Recipe } from './training/recipes.js';
import type { GoingOn, KeptLanguage, LanguageAbout, LanguageRun } from './training/run.js';
import { coderFor, printOf, readText, split } from './training/text.js';
import { train } from './training/train.js';
import {
  commandLine,
  evaluatingOf,
  requireTogether,
  type TypedTraining,
  withTraining,
  written,
} from './training/train-options.js';

interface TrainOptions extends MachineChoice, TypedTraining {
  readonly keep: string;
  readonly temperature: number;
  readonly saveEvery: number;
  readonly serve: boolean;
  readonly port: number;
  readonly json?: true;
}

export function trainCommand(): Command {
  const made = command(
    'train',
    'A language model learns a text, character by character, and is kept in a folder; a run that is there goes on.',
    [
      ['oxbow train --keep model/', 'learns Moby Dick for a minute; run again, it learns for one more'],
      ['oxbow train corpus.txt --keep model/ --epochs 10 --units 512', 'learns a text of yours, ten times over'],
      [
        'oxbow train corpus.txt --keep model/ --recipe shakespeare --report report.html',
        'learns it as well as it can, and shows how that goes as a page',
      ],
      ['oxbow train corpus.txt --keep model/ --eval', 'scores what the run has held out, also by dynamic evaluation'],
      ['oxbow train corpus.txt --keep model/ --json | jq .bitsPerCharacter', 'for a program'],
    ],
    recipesHelp,
  )
    .argument('[file]', 'text to learn, UTF-8 (default: Moby Dick)')
    .option('--keep <folder>', 'where the run is kept; one that is there goes on', habits.keep);
  withTraining(withRecipe(made), 'with a run that is there', 'in --keep')
    .option('--no-serve', 'without the live page')
    .option(
      '--port <n>',
      'where the live page is, on this machine alone; 0 is any that is free',
      whole(0, 65_535),
      7070,
    )
    .option('--save-every <n>', 'seconds from one checkpoint to the next', positive(), habits.saveEvery);
  return withJson(withMachine(made), written).action((file: string | undefined, options: TrainOptions) =>
    inContext(options, (context) => leavingNothing(options.keep, () => work(file, options, context))),
  );
}

/** What a run has come to, and where it goes on, unless it is only looked at. */
type Found = Pick<KeptLanguage, 'model' | 'about'> & { readonly goesOn?: KeptLanguage };

/** The run in a folder. One that is only looked at may be learning meanwhile. */
async function found({ keep, eval: only }: TrainOptions, context: Context): Promise<Found | undefined> {
  if (only) {
    const { language, about } = await languageIn(keep);
    return { model: language, about };
  }
  const kept = await resumeKept<LanguageCore>(keep, context);
  if (kept === undefined) return undefined;
  requireTask(kept.about, keep, 'language');
  return { ...kept, goesOn: kept };
}

function recipeFor(options: TrainOptions, kept: Found | undefined): Recipe {
  const asked = askedOf(options);
  const about = kept?.about as About | undefined;
  if (about === undefined) return requireSound(completed(asked));
  const was = (about.recipe ?? {}) as Partial<Recipe>;
  const { keep } = options;
  for (const name of [...modelNames, ...partNames, 'optimizer', 'stdin'] as const) {
    if (asked[name] === undefined || was[name] === undefined || asked[name] === was[name]) continue;
    const option = optionOf(name);
    throw misused(
      `${keep} has a run with ${option} ${was[name]}, not ${asked[name]}; leave ${askedBy(options, name)} out, or --keep another folder.`,
    );
  }
  knownOptimizer(was.optimizer, keep);
  return requireSound(completed(asked, was));
}

/** The course to take: the kept one, where it is not over and no other is asked for, or a new one after it. */
function courseOf(way: Way, recipe: Recipe, asked: Plan | undefined, was?: CourseData): CourseData {
  const plan = asked ?? planOf(recipe);
  if (was === undefined) return newCourse(way, plan);
  const isSame = asked === undefined || isSamePlan(asked, was.plan);
  return isSame && was.done < 1 && isSameWay(was, way) ? was : newCourse(way, plan, was);
}

/** What can be asked for where there is no run yet: better refused before there is a folder for it. */
function requireNew(options: TrainOptions, file: string): void {
  const { keep } = options;
  if (options.eval) {
    throw misused(`--eval: ${keep} has no run to evaluate; train one first, or give its folder by --keep.`);
  }
  if (options.pipedAgain) throw misused(`--piped-again: ${keep} has no run yet to go on with; leave it out.`);
  requireTogether(options, requireSound(completed(askedOf(options))), file);
}

async function work(file: string | undefined, options: TrainOptions, context: Context): Promise<void> {
  const { keep } = options;
  const given = file === undefined ? '' : 'a file';
  if (!existsSync(keep)) requireNew(options, given);
  const machine = chooseMachine(options);
  const known = file === undefined ? undefined : await readText(file);
  const kept = await found(options, context);
  if (kept === undefined) requireNew(options, given);
  const recipe = recipeFor(options, kept);
  if (kept !== undefined) requireTogether(options, recipe, given, keep);
  const text = recipe.stdin ? undefined : (known ?? (await readText(file)));
  const vocab = kept === undefined ? await coderFor(text, options, recipe) : await vocabularyOf(kept.about, keep);
  await requireSymbolsOf(keep, vocab, options);
  if (text !== undefined)
    requireSymbols(
      'the text',
      text,
      vocab,
      ` of the run in ${keep}; give the text that it learnt, or --keep another folder`,
    );
  const parts = text === undefined ? undefined : split(text, vocab, recipe);
  const about = kept?.about as Partial<LanguageAbout> | undefined;
  const was = courseFrom(about?.course);
  const way = {
    text: text === undefined ? null : printOf(text),
    windows: recipe.windows,
    length: recipe.length,
    batch: parts?.batch ?? 1,
  };
  const isSame = was !== undefined && isSameWay(was, way);
  const model = kept?.model ?? languageOf(recipe, vocab, recipe.seed);
  const run: LanguageRun = {
    ...context,
    recipe,
    model,
    vocab,
    split: parts,
    isOther: was !== undefined && was.text !== way.text,
    course: courseOf(way, recipe, askedPlan(options), was),
    history: about?.history,
    goingOn: kept?.goesOn && goingOnFrom(kept.goesOn, isSame),
    pipedAgain: options.pipedAgain === true,
    prompt: promptOf(options.prompt, vocab, text),
    temperature: options.temperature,
    keep,
    saveEvery: options.saveEvery,
    about: { ...kept?.about },
    report: options.report,
    command: commandLine('oxbow', process.argv.slice(2)),
    machine,
    ...(options.serve && {
      openPage: (rate: () => number) =>
        trainingPage({ model, vocab, step: kept?.goesOn?.step ?? 0, rate, save: saveRuns }, options.port, context),
    }),
  };
  await (options.eval ? evaluate : train)(run, evaluatingOf(options));
}

/** At its place in the same text, or at the beginning of another. */
const goingOnFrom = ({ step, from, snapshot, position }: KeptLanguage, isSame: boolean): GoingOn => ({
  step,
  saved: from.date,
  ...(isSame ? { from: snapshot } : { state: snapshot.state }),
  position: isSame ? position : undefined,
});
