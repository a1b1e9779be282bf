/** One subscription of `keyedTbptt`: values are gathered one by one, in their order, and windows learnt from in between. */
import { isRecord } from '../../checks.js';
import { machine } from '../../kernels/machine.js';
import type { Core } from '../../layer.js';
import { parametersOf, versionOf } from '../../parameters/parameter.js';
import type { PiecewiseTask } from '../../piecewise-task.js';
import type { Tensor } from '../../tensor.js';
import { trainer } from '../../training/trainer.js';
import { badWindows } from '../bad-windows.js';
import { currentStage, deliver, type Stage, stageOf } from '../demand.js';
import { timeSlice } from '../event-loop.js';
import { type NamedSymbol, symbolGrowth } from '../symbol-growth.js';
import { trainingSteps } from '../training-step.js';
import { SLICE, updatesAtOnce } from '../updates.js';
import type { SignalWindow } from '../window.js';
import { type Gathered, gathering, nothingGathered, type Together } from './gathering.js';
import { layout } from './layout.js';
import {
  type ChosenLearning,
  type KeyedLesson,
  type KeyedTraining,
  type KeyedTrainingStep,
  OPERATION,
} from './learning-options.js';
import type { End, KeyedRun } from './operator.js';
import type { Keyed } from './options.js';
import { type Resident, type Residents, residents, Stand } from './residents.js';
import { ofKey } from './store.js';
import { NONE, waitingLines } from './waiting.js';

/** A key, its values that wait, and its steps that are gathered. */
interface Pupil<K> extends Resident<K>, Gathered {}

export function keyedLearning<S, X extends Tensor, T extends KeyedLesson<X>, K>(
  model: Core<S, X>,
  options: ChosenLearning<S, K, T>,
  next: (step: KeyedTrainingStep<S, K, X>) => void,
  end: End,
): KeyedRun<T> {
  const { length, batch, maxDelayMs, store, from, partial = 'emit' } = options;
  const { loss, optimizer, clipNorm, each, state = from?.state, thread } = options;
  const keyOf = options.key ?? ((input: T) => (input as unknown as Keyed<unknown, K>).key);
  const home = machine();
  const rows = layout<S>(model as Core<S, never>, undefined, OPERATION);
  const growth = symbolGrowth(OPERATION, model.params, options.vocab);
  growth.goBackTo(from?.known);
  const gathered = gathering<Pupil<K>>(OPERATION, length, batch, growth.check);
  const observe = () => () => windows.sound();
  const learner = trainer(model, { loss, optimizer, clipNorm, each, state, thread, observe });
  const windows = badWindows(OPERATION, options, { params: model.params, learner, keep, snapshot });
  const progress = trainingSteps<S>(OPERATION, learner, windows, state?.tokens);
  const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
  const now = updatesAtOnce(options);
  const slice = now ? () => undefined : timeSlice(options.slice ?? SLICE);
  /** The update that is under way. */
  let task: PiecewiseTask<KeyedTrainingStep<S, K, X> | undefined> | undefined;
  /** The carries from which windows started since there was something to go back to, in their order. */
  let entered: { readonly of: readonly Pupil<K>[]; readonly carry: S }[] | undefined;
  /** Whether something is being done, or waited for. */
  let busy = false;
  /** Whether windows have waited for company for as long as they may. */
  let due = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let within: Stage | undefined;
  let values = from?.values ?? 0;
  let ended = false;
  /** What is left at the end. */
  let last: Together<Pupil<K>>[] | undefined;
  let leaving = false;

  const house: Residents<S, K, Pupil<K>> = residents<S, K, Pupil<K>>(home, rows, model.initial(1), options, {
    makeResident: (key) => ({
      key,
      record: 0,
      stand: Stand.new,
      first: NONE,
      last: NONE,
      used: 0,
      written: false,
      changed: false,
      putting: false,
      before: 0,
      older: undefined,
      newer: undefined,
      ...nothingGathered(),
    }),
    ready(pupil) {
      // Its values were dropped meanwhile, and later ones are not to keep others from having their turn.
      if (pupil.whole === 0 && pupil !== queue.oldest) house.rest(pupil);
      // Who waits for it is there already.
      if (!busy) queueMicrotask(pump);
    },
    failed: (error) => end.error(error),
    beside: {
      of: (pupil) => ({ steps: gathered.steps(pupil) }),
      forget: (pupil) => void Object.assign(pupil, nothingGathered()),
      restore: (pupil, kept) => gathered.restore(pupil, kept.steps),
    },
  });
  const queue = waitingLines<T, Pupil<K>>(OPERATION, options.waiting, pump);

  function push(input: T): void {
    if (end.closed) return;
    let key: K | undefined;
    try {
      key = keyOf(input);
    } catch (error) {
      end.error(ofKey(OPERATION, key, '', error));
      return;
    }
    try {
      gathered.check(input.value, input.target);
    } catch (error) {
      refuse(ofKey(OPERATION, key, '', error));
      return;
    }
    try {
      const { oldest } = queue;
      const pupil = house.residentOf(key);
      within = currentStage() ?? within;
      queue.push(pupil, input);
      for (const one of [oldest, pupil]) {
        // All that waited of it was dropped.
        if (one?.first === NONE && one.stand === Stand.new) house.rest(one);
      }
    } catch (error) {
      end.error(error);
      return;
    }
    pump();
  }

  /** A value that fits no window. */
  function refuse(error: Error): void {
    try {
      windows.refuse(error);
    } catch (reason) {
      end.error(reason);
    }
  }

  /** Goes on as far as it can without waiting. */
  function pump(): void {
    if (busy || end.closed) return;
    busy = true;
    let wait: Promise<void> | undefined;
    try {
      for (let more: Promise<void> | boolean = true; more !== false && !end.closed; ) {
        more = proceed();
        if (typeof more === 'boolean') continue;
        wait = more;
        break;
      }
    } catch (error) {
      end.error(error);
    }
    busy = wait !== undefined;
    if (end.closed) return;
    queue.resume();
    void wait?.then(goOn, (error: unknown) => end.error(error));
    if (!busy) watch();
  }

  function goOn(): void {
    busy = false;
    pump();
  }

  /** Does what comes next: a promise of what is to be waited for, and whether there was anything. */
  function proceed(): Promise<void> | boolean {
    if (task !== undefined) return advance(task);
    const of = gathered.next(due || (ended && queue.depth === 0) ? 1 : batch);
    if (of !== undefined) {
      due = false;
      clearTimeout(timer);
      timer = undefined;
      task = attempt({ of, steps: length });
      return true;
    }
    if (queue.depth > 0) return take();
    if (!ended) return false;
    last ??= store === undefined && partial === 'emit' ? gathered.leftOver(house.keeping()) : [];
    const together = last.shift();
    if (together === undefined) return leave();
    task = attempt(together);
    return true;
  }

  function advance(own: NonNullable<typeof task>): Promise<void> | boolean {
    const piece = own.next();
    if (!piece.done) return piece.value ?? slice() ?? true;
    task = undefined;
    const step = piece.value;
    return (step && deliver(stageOf(queue, within), () => next(step))) ?? true;
  }

  /** Takes the value that has waited for longest; whether it could be. */
  function take(): boolean {
    const pupil = queue.oldest as Pupil<K>;
    if (pupil.stand === Stand.new || pupil.stand === Stand.idle) house.wake(pupil);
    else if (pupil.stand === Stand.roomless) house.admit();
    if (pupil.stand !== Stand.ready) return false;
    const { value, target } = queue.take(pupil);
    gathered.add(pupil, value, target);
    values += 1;
    pupil.written = true;
    pupil.changed = true;
    pupil.used = Math.floor(performance.now());
    settle(pupil);
    return true;
  }

  /** Keys that wait for company stay; of others the carry may go. */
  function settle(pupil: Pupil<K>): void {
    if (pupil.whole === 0) house.rest(pupil);
  }

  function attempt(together: Together<Pupil<K>>): PiecewiseTask<KeyedTrainingStep<S, K, X> | undefined> {
    return windows.attempt(() => learn(together), { live: true, leftOut: () => leaveOut(together) });
  }

  /** Its steps are gone, and its keys go on with the carries from before. */
  function leaveOut({ of, steps }: Together<Pupil<K>>): void {
    gathered.learnt(of, steps);
    for (const pupil of of) {
      pupil.changed = true;
      settle(pupil);
    }
  }

  /** What puts carries back; those that are in the store by then stay as they are there. */
  function keep(): () => void {
    const [putTokensBack, putSymbolsBack] = [progress.keep(), growth.keep()];
    const since: NonNullable<typeof entered> = [];
    entered = since;
    return () => {
      for (const { of, carry } of since.toReversed()) {
        of.forEach((pupil, lane) => {
          if (pupil.record !== 0) rows.write(home, { carry }, lane, pupil.record);
        });
      }
      since.length = 0;
      putTokensBack();
      putSymbolsBack();
    };
  }

  function* learn({ of, steps }: Together<Pupil<K>>): PiecewiseTask<KeyedTrainingStep<S, K, X>> {
    const window = gathered.window(of, steps) as SignalWindow<X>;
    return yield* growth.learn(window, learner, (target, named) => learnWindow({ of, steps }, window, target, named));
  }

  function* learnWindow(
    { of, steps }: Together<Pupil<K>>,
    window: SignalWindow<X>,
    target: Tensor,
    named: readonly NamedSymbol[] | undefined,
  ): PiecewiseTask<KeyedTrainingStep<S, K, X>> {
    const { carry } = rows.read(
      home,
      of.map(({ record }) => record),
    );
    progress.begin();
    const lesson = { carry, input: window.input, target };
    const result = now ? learner.learn(lesson) : yield* learner.learnInPieces(lesson);
    entered?.push({ of, carry });
    gathered.learnt(of, steps);
    of.forEach((pupil, lane) => {
      rows.write(home, { carry: result.carry }, lane, pupil.record);
      pupil.changed = true;
      settle(pupil);
    });
    const step = progress.step(window, result);
    const taken = values;
    return {
      ...step,
      ...(named && { named }),
      keys: of.map(({ key }) => key),
      version: versionOf(parameters),
      snapshot() {
        if (values === taken && learner.steps === step.step) return snapshot();
        throw new Error(
          `${OPERATION}: the snapshot after step ${step.step} is wanted, but values have come since; call it while the step is handled.`,
        );
      },
    };
  }

  /** Ends the stream, once. */
  function leave(): false {
    if (leaving) return false;
    leaving = true;
    if (store === undefined) end.complete();
    else house.leaveAll(() => end.complete());
    return false;
  }

  /** Has windows learnt from, in whatever company, that have waited for long. */
  function watch(): void {
    const { since } = gathered;
    if (since === undefined || maxDelayMs === Number.POSITIVE_INFINITY || timer !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        due = true;
        pump();
      },
      Math.max(0, since + maxDelayMs - performance.now()),
    );
  }

  function restore(kept: KeyedTraining<S, K>): void {
    const { keys, steps, line, state } = Object(kept) as KeyedTraining<S, K>;
    const isWhole = Array.isArray(keys) && Array.isArray(steps) && Array.isArray(line);
    const isOne = isWhole && steps.length === keys.length && line.every((place) => place in keys);
    if (!isOne || !Number.isSafeInteger(values) || !isRecord(state)) {
      throw new TypeError(
        `${OPERATION}: 'from' is what snapshot() gave, { keys, carry, steps, line, values, state }; give all of it.`,
      );
    }
    house.restore(kept);
    const pupils = keys.map(house.residentOf);
    pupils.forEach((pupil, place) => {
      gathered.restore(pupil, steps[place]);
    });
    gathered.align(
      line.map((place) => pupils[place] as Pupil<K>),
      pupils,
    );
    for (const pupil of pupils) if (pupil.whole > 0) house.wake(pupil);
  }

  function snapshot(): KeyedTraining<S, K> {
    const all = house.keeping();
    const places = new Map(all.map((pupil, place) => [pupil, place]));
    return {
      ...house.snapshot(),
      steps: all.map((pupil) => gathered.steps(pupil) ?? null),
      line: gathered.line.map((pupil) => places.get(pupil) as number),
      values,
      ...growth.whole(progress.state()),
    };
  }

  try {
    if (from !== undefined) restore(from);
  } catch (error) {
    learner.release();
    house.release();
    throw error;
  }
  options.carries?.next({
    get size() {
      return house.size;
    },
    snapshot,
  });

  return {
    push,
    end() {
      ended = true;
      pump();
    },
    release() {
      clearTimeout(timer);
      task?.return(undefined as never);
      queue.clear();
      learner.release();
      house.release();
    },
  };
}
