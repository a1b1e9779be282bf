import { lastValueFrom, Observable, Subject, takeUntil } from 'rxjs';
import { host } from '#host';
import { requireCount } from '../checks.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import type { KeepingOperator } from '../models/fit.js';
import { checkedOptions, type Names } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import { inTurns, type PiecewiseTask } from '../piecewise-task.js';
import { positionNow } from '../streams/demand.js';
import { timeSlice } from '../streams/event-loop.js';
import { hearing, isMoment, type Moment } from '../streams/moments.js';
import { SLICE } from '../streams/updates.js';
import { copying } from './copying.js';
import { describe } from './describe.js';
import { recordOf } from './record.js';
import { folderOf, letGo } from './resume.js';

/** A file that was written. */
export interface SavedRun {
  readonly file: string;
  /** The update after which it was taken. */
  readonly step: number;
  /** From the copy of the numbers to the file on the disk. */
  readonly milliseconds: number;
}

/** The options of {@link checkpointed}. */
export interface CheckpointedOptions {
  /** The model that learns. */
  readonly model: { readonly kind: string; readonly params: Params };
  /** Updates from one file to the next. */
  readonly everySteps?: number | undefined;
  /** Milliseconds from one file to the next. Default 30,000, where `everySteps` is not given either. */
  readonly everyMs?: number | undefined;
  /** How many files stay. Default 3. */
  readonly keep?: number | undefined;
  /** What else is to be kept: vocabulary, recipe, metrics; plain data, or what gives it at each file. */
  readonly about?: unknown;
  /** Whether SIGINT, SIGTERM and SIGHUP end the run, and its last file is written before the process ends. Default true. */
  readonly signals?: boolean | undefined;
  /** Hears of each file. */
  readonly saved?: { next(saved: SavedRun): void } | undefined;
}

const names: Names<CheckpointedOptions> = {
  model: true,
  everySteps: true,
  everyMs: true,
  keep: true,
  about: true,
  signals: 'boolean',
  saved: true,
};

const EVERY_MS = 30_000;
const KEEP = 3;

/** A copy of what is kept. */
interface Taken {
  readonly checkpoint: Checkpoint;
  readonly moment: Moment;
  /** When it was begun. */
  readonly since: number;
}

/** Runs that are being kept, so that all of them can be saved at once. */
const active = new Set<() => Promise<void>>();

/**
 * Has all runs that are kept in this process written down now: for programs that end the process by themselves.
 *
 * @returns a promise that is fulfilled when the files are there, those too of runs that have just ended.
 * @throws OxbowError (as a rejection) where one of them cannot be written.
 * @example
 * ```ts no-run
 * process.once('SIGUSR2', () => saveRuns().then(() => process.exit(0)));
 * ```
 */
export async function saveRuns(): Promise<void> {
  await Promise.all(Array.from(active, (save) => save()));
}

/**
 * Keeps a run in a folder while it learns: now and then, and at its end, whatever ends it, all that the run needs to go on as if it
 * had never stopped. `resume` reads it. A run is what `tbptt`, `keyedTbptt`, `learnTags`, a model's `fit` or `fitTagger` gives.
 *
 * The numbers are copied when the outcome of an update comes by, by the threads that learn, before the next update; the file is
 * written meanwhile, whole or not at all. One process has the folder. A file that cannot be written in between is a process
 * warning, and the next one is tried in time; one at the end is an error notification. Outcomes pass through as they are; what is
 * no outcome of an update too.
 *
 * Where the source goes on is written down if it says so: `lanes`, `randomWindows`, `fromFile`, `fromText`, what is `positioned`, and
 * `windows` of any of them.
 *
 * Memory: one copy of what is written, within the kernels' memory where that has room.
 *
 * @param folder its path; it is made where it is not there.
 * @param options the model, when to write, how many files stay, and what else to keep.
 * @returns an operator that gives what it gets; it is complete when the last file is there.
 * @throws TypeError where an option is not known, RangeError where one is impossible.
 * @throws OxbowError (as an error notification) where another process has the folder, or holds a run that this one does not
 * go on from, or the last file cannot be written.
 * @example
 * ```ts no-run
 * const kept = await resume('alice');
 * const model = kept?.model ?? stack({ embed: embedding(vocab.size, 64), rnn: lstm(64, 256), head: dense(256, vocab.size) });
 * lanes(vocab.encode(corpus), { batch: 32, length: 64, epochs: 10, from: kept?.position })
 *   .pipe(tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3), from: kept?.snapshot }), checkpointed('alice', { model, about: { vocab } }))
 *   .subscribe(({ loss }) => console.log(loss));
 * ```
 */
export function checkpointed<T>(folder: string, options: CheckpointedOptions): KeepingOperator<T> {
  const checked = checkedOptions('checkpointed', options, names);
  const { model, everySteps, keep = KEEP, about, signals = true, saved } = checked;
  const everyMs = checked.everyMs ?? (everySteps === undefined ? EVERY_MS : Number.POSITIVE_INFINITY);
  if (everySteps !== undefined) requireCount('checkpointed', 'everySteps', everySteps);
  if (!(everyMs >= 0)) throw new RangeError(`checkpointed: everyMs is a number of milliseconds, not ${everyMs}.`);
  requireCount('checkpointed', 'keep', keep);

  const keeping = (source: Observable<T>): Observable<T> =>
    new Observable((subscriber) => {
      const opened = folderOf(folder);
      let latest: { readonly moment: Moment; readonly position: unknown } | undefined;
      let savedMoment: Moment | undefined;
      let savedAt = performance.now();
      let writing: Promise<void> | undefined;
      /** What was new where the run said that it had failed. */
      let early: ReturnType<typeof take>;
      let over = false;
      let ending: Promise<void> | undefined;
      const over$ = new Subject<void>();

      /** What is to be kept now, but for its numbers; undefined where there is nothing new, as after a run went back. */
      function news() {
        if (latest === undefined || latest.moment === savedMoment) return undefined;
        if (latest.moment.step < (savedMoment?.step ?? 0)) return undefined;
        const { moment, position } = latest;
        const since = performance.now();
        const rest = {
          position,
          about: typeof about === 'function' ? about() : about,
          // With parts of the user's own it is not known how it is made.
          model: attempt(() => describe(model)) ?? null,
        };
        const of = (snapshot: unknown) => recordOf(model.params, { snapshot, ...rest });
        return { moment, since, of };
      }

      /** A copy that is made at once; undefined where there is nothing new. */
      function take(what = news()): Taken | undefined {
        // What has gone on since cannot be taken: then the file before it is the last one.
        const snapshot = attempt(() => what?.moment.snapshot());
        if (what === undefined || snapshot === undefined) return undefined;
        return { ...what, checkpoint: what.of(snapshot) };
      }

      async function write(taken: Taken | undefined, held = false): Promise<void> {
        if (taken === undefined) return;
        const { checkpoint, moment, since } = taken;
        const { step } = moment;
        const { write: writeTo } = await opened;
        const { file } = await writeTo(checkpoint, { step, keep, held });
        savedMoment = moment;
        saved?.next({ file, step, milliseconds: performance.now() - since });
      }

      /** After what is being written: one file at a time. */
      function next(work: () => Promise<void>): Promise<void> {
        const before = writing ?? Promise.resolve();
        const own = before.catch(() => undefined).then(work);
        writing = own;
        const done = () => {
          if (writing === own) writing = undefined;
        };
        own.then(done, done);
        return own;
      }

      /** Writes what comes by, once those who learn have copied its numbers. */
      function saveInPassing(): Promise<void> {
        const what = news();
        if (what === undefined) return Promise.resolve();
        const { checkpoint, task, free } = copying(model.params, () => what.of(what.moment.snapshot()));
        // Threads that are lost here would be lost to the next update.
        const there = arrived(task).catch(fail);
        return next(async () => {
          try {
            const sound = await there;
            if (sound) await write({ ...what, checkpoint }, true);
            // Somebody else has changed the weights; what is of one moment is copied at once.
            else if (sound === false) await write(take(what));
          } finally {
            free();
          }
        });
      }

      /** What comes of a task; undefined where the run ends before. */
      async function arrived(task: PiecewiseTask<boolean>): Promise<boolean | undefined> {
        // Begun at once, it is in line before the next update.
        const first = task.next();
        if (first.done) return first.value;
        const arriving$ = inTurns(() => task, timeSlice(SLICE)).pipe(takeUntil(over$));
        return lastValueFrom(arriving$, { defaultValue: undefined });
      }

      function saveInTime(): void {
        const { step } = (latest as { readonly moment: Moment }).moment;
        const now = performance.now();
        const due =
          now - savedAt >= everyMs || (everySteps !== undefined && step - (savedMoment?.step ?? 0) >= everySteps);
        if (!due || writing !== undefined || over) return;
        savedAt = now;
        saveInPassing().catch((error: unknown) =>
          host.warn(
            `checkpointed: ${(error as Error).message} The run goes on; the next file is tried in time.`,
            'OXBOW_NOT_SAVED',
          ),
        );
      }

      const saveNow = async () => {
        const taken = take();
        return next(() => write(taken));
      };

      /** The last file, and the end of it. */
      function end(taken: Taken | undefined): Promise<void> {
        over = true;
        over$.next();
        active.delete(saveNow);
        const ended = next(() => write(taken)).finally(() => opened.then(({ close }) => close()));
        letGo(folder, ended);
        const last = () => ended;
        active.add(last);
        // A signal that comes until then waits for it.
        const done = () => {
          active.delete(last);
          forget();
        };
        ended.then(done, done);
        ending = ended;
        return ended;
      }

      /** The end, with what is new by now. */
      function finish(): Promise<void> {
        try {
          return end(early ?? take());
        } catch (error) {
          return end(undefined).then(() => {
            throw error;
          });
        }
      }

      /** What was learnt before an error is sound. */
      function fail(error: unknown): undefined {
        const say = () => subscriber.error(error);
        finish().then(say, say);
        left$.next();
      }

      /** The process is about to end: nothing is learnt after what is saved. */
      async function leave(): Promise<void> {
        if (ending !== undefined) return ending;
        const ended = finish();
        left$.next();
        await ended;
        subscriber.complete();
      }

      active.add(saveNow);
      const left$ = new Subject<void>();
      const forget = signals ? host.onEnding(leave) : () => {};
      opened.catch((error: unknown) => {
        if (!over) subscriber.error(error);
      });
      // Before the source is subscribed, which may say all that it has at once.
      subscriber.add(() => {
        if (!over) {
          // Before what learns gives its memory back.
          finish().catch((error: unknown) => warn((error as Error).message));
        }
        left$.next();
      });
      function hear(moment: Moment): void {
        latest = { moment, position: positionNow() };
        try {
          saveInTime();
        } catch (error) {
          subscriber.error(error);
        }
      }

      const heard = {
        next(value: T) {
          if (isMoment(value)) hear(value);
          subscriber.next(value);
        },
        error: fail,
        complete() {
          if (over) return;
          finish().then(
            () => subscriber.complete(),
            (error: unknown) => subscriber.error(error),
          );
        },
      };
      const failed = () => {
        early = attempt(() => take());
      };
      hearing(model.params, { moment: hear, failed }, () => source.pipe(takeUntil(left$)).subscribe(heard));
    });
  return Object.assign(keeping, { folder });
}

const warn = (message: string): void => host.warn(`checkpointed: ${message}`, 'OXBOW_NOT_SAVED');

function attempt<R>(run: () => R): R | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
