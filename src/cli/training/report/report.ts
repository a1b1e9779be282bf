/** The report of a run: what is known of it by now, written as a page whenever there is something new. */
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { host } from '#host';
import { byCodePoint } from '../../../streams/coder.js';
import { version } from '../../../version.js';
import { Failure, messageOf } from '../../shared/failure.js';
import { bytes, count } from '../../shared/numbers.js';
import { weightsIn } from '../../shared/weights.js';
import type { Course } from '../course.js';
import type { Scored } from '../evaluate.js';
import { habits } from '../habits.js';
import type { History } from '../history.js';
import { shapeOf, sizesOf } from '../introduce.js';
import { optionOf } from '../recipe-options.js';
import type { Recipe } from '../recipes.js';
import type { LanguageRun } from '../run.js';
import { type ReportData, reportPage, type Score } from './page.js';
import type { Passage } from './passage.js';

export interface Report {
  /** Has the page written with what is known by now; it goes on meanwhile. */
  update(): void;
  /** What was begun to be written is on the disk. */
  written(): Promise<void>;
  /** A text's beginning and the bits of its symbols; of one name the last one stays. */
  passage(name: string, text: Int32Array, bits: Float32Array): void;
  scored(how: string, scored: Scored): void;
  /** The last page. */
  finish(state: string): Promise<void>;
}

const machineRows = (machine: string): ReportData['machine'] => [
  ['kernels', machine],
  ['processors', `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`],
  ['memory', bytes(totalmem())],
  ['system', `${platform()} ${release()}, ${arch()}`],
  ['Node', process.version],
  ['oxbow', version],
];

function aboutRows({ vocab, model, recipe, split, keep }: LanguageRun, done: Course): ReportData['about'] {
  const sizes = split && sizesOf(split, vocab);
  const told = (value: number | undefined) => `${count(value ?? 0)} symbols`;
  return [
    ['text', sizes === undefined ? 'stdin' : told(sizes.characters)],
    ...(sizes === undefined
      ? []
      : ([
          ['of these learnt', told(split?.training.length)],
          ['for validation', told(sizes.validation)],
          ['held out', told(sizes.heldOut)],
        ] as const)),
    ['different symbols', count(vocab.size)],
    ['model', shapeOf(recipe)],
    ['weights', count(weightsIn(model.params))],
    ['seed', String(recipe.seed)],
    ['updates', count(done.steps())],
    ['symbols learnt', count(done.symbols())],
    ['seconds of training', count(done.seconds())],
    ['kept in', keep ?? 'no folder'],
  ];
}

const recipeRows = (recipe: Recipe): ReportData['recipe'] =>
  (Object.keys(recipe) as (keyof Recipe)[])
    .filter((name) => recipe[name] !== null)
    .map((name) => [optionOf(name), String(recipe[name])]);

/** A report that nobody has asked for. */
const none: Report = {
  update: () => undefined,
  written: async () => undefined,
  passage: () => undefined,
  scored: () => undefined,
  finish: async () => undefined,
};

/** What went wrong, without the remedy that is for others. */
const reasonOf = (error: unknown): string => messageOf(error).replace(/; .*\.$/, '');

const BEGINNING = '<!doctype html>';

/** A page of before is replaced; a text that somebody has written is not, as where the name of a file follows `--report` by mistake. */
async function requireReplaceable(path: string): Promise<void> {
  if (!(await host.exists(path))) return;
  const file = await host.openFile(path);
  try {
    const { size } = await file.stat();
    const start = new Uint8Array(BEGINNING.length);
    await file.read(start, 0, start.length, null);
    if (size > 0 && new TextDecoder().decode(start).toLowerCase() !== BEGINNING)
      throw new Error('it is no page of HTML');
  } finally {
    await file.close();
  }
}

/** Does what a report is of, which says so where it ends by an error. */
export async function reported(report: Report, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // What went wrong first is what matters.
    await report.finish(`ended by an error: ${messageOf(error)}`).catch(() => undefined);
    throw error;
  }
}

/** The report of a run, whose first page is written at once: better now than after an hour of training where that cannot be. */
export async function reportOf(run: LanguageRun, done: Course, history: History): Promise<Report> {
  const { report: path, command, machine, screen, vocab } = run;
  if (path === undefined) return none;
  const passages = new Map<string, Passage>();
  const scores: Score[] = [];
  let writing: Promise<void> = Promise.resolve();
  let isWaiting = false;

  function page(state: string): string {
    return reportPage({
      title: `${shapeOf(run.recipe)}: a training`,
      state,
      date: new Date().toISOString(),
      command,
      history: history.data(),
      scores,
      passages: [...passages.values()],
      about: aboutRows(run, done),
      recipe: recipeRows(run.recipe),
      machine: machineRows(machine),
    });
  }

  /** One after the other; what is written is what is known then. */
  function write(state: string): Promise<void> {
    const own = writing.then(async () => {
      isWaiting = false;
      await host.replaceFile(path as string, () => [new TextEncoder().encode(page(state))]);
    });
    writing = own.catch(() => undefined);
    return own;
  }

  try {
    await requireReplaceable(path);
    await write('learning');
  } catch (error) {
    throw new Failure(`--report ${path} cannot be written: ${reasonOf(error)}; give another place.`, 2);
  }
  return {
    update() {
      if (isWaiting) return;
      isWaiting = true;
      write('learning').catch((error: unknown) => screen.note(`--report ${path} was not written: ${reasonOf(error)}`));
    },
    written: () => writing,
    passage(name, text, bits) {
      const [shown, own] = byCodePoint(vocab)(text.subarray(0, habits.passage), bits);
      passages.set(name, {
        name,
        symbols: [...shown],
        bits: own.map((each) => (Number.isNaN(each) ? null : each)),
      });
    },
    scored(how, { bits: _, ...scored }) {
      scores.push({ how, ...scored });
    },
    async finish(state) {
      await write(state).catch((error: unknown) => {
        throw new Failure(
          `--report ${path} was not written: ${reasonOf(error)}; make room for it, and ask for it by --eval.`,
        );
      });
      screen.note(`the report is in ${path}`);
    },
  };
}
