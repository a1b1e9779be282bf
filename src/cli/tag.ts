/** `oxbow tag`: slots of utterances, learnt from corrections as they come. */
import type { Command } from 'commander';
import { concatMap, from, lastValueFrom, map, type Observable, takeUntil, tap } from 'rxjs';
import { isRecord, shown } from '../checks.js';
import { learnTags } from '../models/tagger/online/learn-tags.js';
import type { LearnTagsSnapshot, TagLesson, TagOutcome } from '../models/tagger/online/lessons.js';
import { idProblem, pending } from '../models/tagger/online/pending.js';
import { slotsOf } from '../models/tagger/online/slots.js';
import { type Tagger, tagger } from '../models/tagger/tagger.js';
import type { Tagging } from '../models/tagger/tagging.js';
import { checkpointed } from '../runs/checkpointed.js';
import { fromAsync } from '../streams/from-async.js';
import { adam } from '../training/optimizers/adam.js';
import { chunksOf, linesOf } from './scoring/lines.js';
import { type MachineChoice, positive } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { messageOf } from './shared/failure.js';
import { leavingNothing, modelOf, readKept, requireTask, resumeKept } from './shared/kept.js';
import { several } from './shared/numbers.js';

/** Every choice of a new run that decides what comes out. */
const recipe = {
  net: { features: 64, units: 100, dropout: 0.1, hashed: {}, bidirectional: false, seed: 42 },
  learningRate: 2e-3,
  clipNorm: 5,
  replay: { size: 1000, per: 8, seed: 42 },
  /** Utterances whose corrections may still come. */
  pending: 1000,
} as const;

interface TagCommandOptions extends MachineChoice {
  readonly model: string;
  readonly learn?: true;
  readonly saveEvery: number;
  readonly json?: true;
}

export function tagCommand(): Command {
  const made = command('tag', 'Tags the words of utterances, a line of stdin each, and learns from corrections.', [
    ['echo "from taipei to boston" | oxbow tag --model slots/', 'each word with its tag: taipei/B-fromloc'],
    ['oxbow tag --model slots/ --json < utterances.txt', 'words, tags and slots, for a program'],
    [
      'echo \'{"words":["to","boston"],"tags":["O","B-toloc"]}\' | oxbow tag --learn --model slots/',
      'learns an utterance; a run that is not there begins',
    ],
    [
      'oxbow tag --learn --model slots/ --json < lessons.jsonl',
      'tags {"id":"7","text":"to boston"}, and learns {"id":"7","corrections":[{"slot":"toloc","words":"boston"}]} of it',
    ],
  ])
    .requiredOption('--model <path>', 'folder of a run, or a file of one')
    .option(
      '--learn',
      'learn from lines of JSON: { words, tags }, or { id, tags } or { id, corrections } of what was tagged',
    )
    .option('--save-every <n>', 'seconds from one checkpoint to the next', positive(), 30);
  return withJson(withMachine(made), 'each line').action((options: TagCommandOptions) =>
    inContext(options, (context) =>
      options.learn ? leavingNothing(options.model, () => tagLines(options, context)) : tagLines(options, context),
    ),
  );
}

/** Words with blanks between them; a text of blanks has none. */
const wordsOf = (text: string): string[] => text.split(/\s+/u).filter((word) => word !== '');

/** A correction with none of the last three confirms what was tagged, which nobody means who has misspelt one. */
const correctionNames: readonly string[] = ['id', 'tags', 'corrections', 'intent'];

/** What a line says: words, or JSON; what is wrong with it, as a text. */
export function lessonOf(line: string): TagLesson | string {
  const text = line.trim();
  if (!text.startsWith('{') && !text.startsWith('[')) return { words: wordsOf(text) };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `${messageOf(error)}; give words, or a line of JSON.`;
  }
  if (Array.isArray(value)) return { words: value };
  if (!isRecord(value)) return 'it is neither words nor a record of JSON.';
  const { text: said, ...rest } = value;
  if (said !== undefined && typeof said !== 'string')
    return `its text is ${shown(said)}; give a text, or words as a list.`;
  const words = said === undefined ? {} : { words: wordsOf(said) };
  const strange = Object.keys(rest).find((name) => !correctionNames.includes(name));
  if (said === undefined && !('words' in rest) && strange !== undefined) {
    return `a correction has no ${shown(strange)}; it has ${correctionNames.join(', ')}.`;
  }
  // What else is wrong with it is said by who learns it.
  return { ...words, ...rest } as unknown as TagLesson;
}

/** What is shown of a line: its outcome, or why it is passed over. */
type Shown =
  | string
  | (TagOutcome extends infer O
      ? O extends TagOutcome
        ? Omit<O, 'step' | 'snapshot'> & { readonly step?: number }
        : never
      : never);

const numbered = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.trim() !== '');

async function tagLines(options: TagCommandOptions, context: Context): Promise<number> {
  chooseMachine(options);
  const { screen, ending } = context;
  let [tagged, learnt, refused] = [0, 0, 0];

  function show(outcome: Shown): void {
    if (typeof outcome === 'string' || 'message' in outcome) {
      refused += 1;
      const message = typeof outcome === 'string' ? outcome : messageOf(new Error(outcome.message));
      screen.note(`oxbow: a line is passed over: ${message}`);
      screen.record({
        outcome: 'rejected',
        ...(typeof outcome === 'string' ? {} : { id: outcome.id, outcome: outcome.outcome }),
        message,
      });
      return;
    }
    const isLearnt = outcome.outcome === 'learned';
    if (isLearnt) learnt += 1;
    else tagged += 1;
    const tagging: Tagging = isLearnt ? outcome.prediction : outcome;
    screen.say(
      `${tagging.words.map(({ word, tag }) => `${word}/${tag}`).join(' ')}${tagging.intent ? ` (${tagging.intent.name})` : ''}`,
    );
    screen.record({
      outcome: outcome.outcome,
      id: outcome.id,
      words: tagging.words.map(({ word }) => word),
      tags: tagging.words.map(({ tag }) => tag),
      slots: slotsOf(tagging.words),
      intent: tagging.intent,
      ...(isLearnt && { taught: outcome.tags, loss: outcome.loss, step: outcome.step }),
    });
  }

  const line$ = fromAsync((stopped) => linesOf(chunksOf([], stopped))).pipe(
    concatMap((lines) => from(numbered(lines))),
    takeUntil(ending.requested$),
  );
  const outcome$ = options.learn ? await learning(line$, options, context, show) : await reading(line$, options.model);
  await lastValueFrom(outcome$.pipe(tap(show)), { defaultValue: undefined });
  if (options.learn)
    screen.note(
      `${several(tagged, 'utterance')} tagged, ${several(learnt, 'lesson')} learnt${learnt > 0 ? `; saved in ${options.model}` : ''}`,
    );
  return refused > 0 && tagged + learnt === 0 ? 1 : 0;
}

/** Tags by a model that stays as it is. */
async function reading(line$: Observable<string>, path: string): Promise<Observable<Shown>> {
  const model = modelOf<Tagger>(await readKept(path), path, 'tagger');
  return line$.pipe(
    map((line) => {
      const lesson = lessonOf(line);
      if (typeof lesson === 'string') return lesson;
      const { words, id } = lesson as { readonly words?: unknown; readonly id?: string };
      if (!Array.isArray(words) || words.length === 0 || !words.every((word) => typeof word === 'string')) {
        return 'it has no words to tag; to learn from corrections give --learn.';
      }
      const problem = idProblem(id);
      if (problem !== undefined) return problem;
      return { outcome: 'predicted', id: id ?? '', ...(model.tag([words])[0] as Tagging) };
    }),
  );
}

/** Tags and learns, and keeps the run. */
async function learning(
  line$: Observable<string>,
  { model: path, saveEvery }: TagCommandOptions,
  context: Context,
  refuse: (why: string) => void,
): Promise<Observable<TagOutcome>> {
  const kept = await resumeKept<Tagger, LearnTagsSnapshot>(path, context);
  if (kept !== undefined) requireTask(kept.about, path, 'tagger');
  context.screen.note(kept === undefined ? `a new run in ${path}` : `${path} goes on after step ${kept.step}`);
  const model = kept?.model ?? tagger({ words: [], tags: ['O'], ...recipe.net });
  return line$.pipe(
    concatMap((line) => {
      const lesson = lessonOf(line);
      if (typeof lesson !== 'string') return [lesson];
      refuse(lesson);
      return [];
    }),
    learnTags(model, {
      optimizer: adam(recipe.learningRate),
      clipNorm: recipe.clipNorm,
      replay: recipe.replay,
      pending: pending({ capacity: recipe.pending }),
      from: kept?.snapshot,
    }),
    checkpointed(path, {
      model,
      everyMs: 1000 * saveEvery,
      about: { ...kept?.about, task: 'tagger', recipe: kept?.about?.recipe ?? recipe },
      // This command deals with signals by itself.
      signals: false,
    }),
  );
}
