import { Observable, Subject, takeUntil } from 'rxjs';
import { host } from '#host';
import { requireCount } from '../checks.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import type { KeepingOperator } from '../models/fit.js';
import { checkedOptions, type Names } from '../options.js';
import type { Params } from '../parameters/parameter.js';
import { positionNow } from '../streams/demand.js';
import { hearing, isMoment, type Moment } from '../streams/moments.js';
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
  signals: true,
  saved: true,
};

const EVERY_MS = 30_000;
const KEEP = 3;

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
 * The numbers are copied when the outcome of an update comes by; the file is written meanwhile, whole or not at all. One process
 * has the folder. A file that cannot be written in between is a process warning, and the next one is tried in time; one at the
 * end is an error notification. Outcomes pass through as they are; what is no outcome of an update too.
 *
 * Where the source goes on is written down if it says so: `lanes`, `randomWindows`, `fromFile`, `fromText`, what is `positioned`, and
 * `windows` of any of them.
 *
 * Memory: one copy of what is written.
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

      /** A copy of what is to be kept now; undefined where there is nothing new. */
      function take(
        ending = false,
      ): { readonly checkpoint: Checkpoint; readonly moment: Moment; readonly since: number } | undefined {
        if (latest === undefined || latest.moment === savedMoment) return undefined;
        const { moment, position } = latest;
        const since = performance.now();
        // What has gone on since cannot be taken: then the file before it is the last one.
        const snapshot = ending ? attempt(() => moment.snapshot()) : moment.snapshot();
        if (snapshot === undefined) return undefined;
        const record = {
          snapshot,
          position,
          about: typeof about === 'function' ? about() : about,
          // With parts of the user's own it is not known how it is made.
          model: attempt(() => describe(model)) ?? null,
        };
        return { checkpoint: recordOf(model.params, record), moment, since };
      }

      async function write(taken: ReturnType<typeof take>): Promise<void> {
        if (taken === undefined) return;
        const { checkpoint, moment, since } = taken;
        const { step } = moment;
        const { write: writeTo } = await opened;
        const { file } = await writeTo(checkpoint, { step, keep });
        savedMoment = moment;
        saved?.next({ file, step, milliseconds: performance.now() - since });
      }

      /** After what is being written: one file at a time. */
      function next(taken: ReturnType<typeof take>): Promise<void> {
        const before = writing ?? Promise.resolve();
        const own = before.catch(() => undefined).then(() => write(taken));
        writing = own;
        const done = () => {
          if (writing === own) writing = undefined;
        };
        own.then(done, done);
        return own;
      }

      function saveInTime(): void {
        const { step } = (latest as { readonly moment: Moment }).moment;
        const now = performance.now();
        const due =
          now - savedAt >= everyMs || (everySteps !== undefined && step - (savedMoment?.step ?? 0) >= everySteps);
        if (!due || writing !== undefined || over) return;
        savedAt = now;
        next(take()).catch((error: unknown) =>
          host.warn(
            `checkpointed: ${(error as Error).message} The run goes on; the next file is tried in time.`,
            'OXBOW_NOT_SAVED',
          ),
        );
      }

      const saveNow = async () => next(take(true));

      /** The last file, and the end of it. */
      function end(taken: ReturnType<typeof take>): Promise<void> {
        over = true;
        active.delete(saveNow);
        forget();
        const ended = next(taken).finally(() => opened.then(({ close }) => close()));
        letGo(folder, ended);
        const last = () => ended;
        active.add(last);
        const done = () => active.delete(last);
        ended.then(done, done);
        return ended;
      }

      /** The end, with what is new by now. */
      function finish(): Promise<void> {
        try {
          return end(early ?? take(true));
        } catch (error) {
          return end(undefined).then(() => {
            throw error;
          });
        }
      }

      /** The process is about to end: nothing is learnt after what is saved. */
      async function leave(): Promise<void> {
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
        error(error: unknown) {
          // What was learnt before it is sound.
          const say = () => subscriber.error(error);
          finish().then(say, say);
        },
        complete() {
          if (over) return;
          finish().then(
            () => subscriber.complete(),
            (error: unknown) => subscriber.error(error),
          );
        },
      };
      const failed = () => {
        early = attempt(() => take(true));
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
