/** One subscription of `keyed`: who is in line, when a batch is made, and what becomes of it. */
import { machine } from '../../kernels/machine.js';
import { type Core, evaluate } from '../../layer.js';
import { parametersOf, versionOf } from '../../parameters/parameter.js';
import { type Ids, ids, isTensor, type Tensor } from '../../tensor.js';
import { currentStage, deliver, type Stage, stageOf } from '../demand.js';
import { nextTurn } from '../event-loop.js';
import { answers } from './answers.js';
import { type Batches, batches } from './batches.js';
import { layout } from './layout.js';
import type { End, KeyedRun } from './operator.js';
import type { Chosen, Keyed, KeyedAnswer } from './options.js';
import { type Resident, type Residents, residents, Stand } from './residents.js';
import { ofKey } from './store.js';
import { showValue, stepAt, stepOf, stepsIn, values } from './values.js';
import { NONE, waitingLines } from './waiting.js';

/** Turns of work end after so many milliseconds. */
const SLICE_MS = 2;

/** A key, what came for it, and the value that is being answered. */
interface Sequence<K, T> extends Resident<K> {
  input: T | undefined;
  /** Steps of the value, and how many of them are done. */
  steps: number;
  done: number;
  /** What the steps of a value of several came to so far. */
  answer: Tensor | undefined;
}

/** One subscription. */
export function keyedRun<S, X extends Tensor, T extends { readonly value: X | number }, K>(
  model: Core<S, X, Tensor>,
  options: Chosen<S, K, T>,
  next: (answer: KeyedAnswer<unknown, K, T>) => void,
  end: End,
): KeyedRun<T> {
  const { maxBatch, maxDelayMs, output } = options;
  const keyOf = options.key ?? ((input: T) => (input as unknown as Keyed<unknown, K>).key);
  const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
  const home = machine();
  const symbols = output === 'surprisal' ? symbolsOf(model) : undefined;
  const rows = layout<S>(model as Core<S, never>, symbols);
  const inputs = values('keyed');
  const readers = answers(output, model.kind, symbols);
  /** In line for the next batch, from `head` on. */
  let ready: Sequence<K, T>[] = [];
  let head = 0;
  /** In the batch; those whose value has further steps stay there. */
  const active: Sequence<K, T>[] = [];
  let work: Batches | undefined;
  let within: Stage | undefined;
  /** Whether a batch is being made, or its answers are being handed on. */
  let running = false;
  /** Whether an operator downstream is still busy with answers. */
  let held = false;
  let scheduled = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let leaving = false;

  const house: Residents<S, K, Sequence<K, T>> = residents<S, K, Sequence<K, T>>(
    home,
    rows,
    model.initial(1),
    options,
    {
      // What is looked at for each value comes first, so that it lies together.
      makeResident: (key) => ({
        key,
        record: 0,
        stand: Stand.new,
        first: NONE,
        last: NONE,
        input: undefined,
        steps: 0,
        done: 0,
        used: 0,
        written: false,
        changed: false,
        putting: false,
        before: 0,
        answer: undefined,
        older: undefined,
        newer: undefined,
      }),
      ready(sequence) {
        ready.push(sequence);
        schedule();
      },
      failed: (error) => end.error(error),
    },
  );
  const queue = waitingLines<T, Sequence<K, T>>('keyed', options.waiting, () => pump(1));

  const inLine = () => ready.length - head + active.length;

  function push(input: T): void {
    if (end.closed) return;
    let key: K | undefined;
    try {
      key = keyOf(input);
      inputs.check(input.value);
    } catch (error) {
      end.error(ofKey('keyed', key, '', error));
      return;
    }
    try {
      const sequence = house.residentOf(key);
      within = currentStage() ?? within;
      if (queue.push(sequence, input) && (sequence.stand === Stand.new || sequence.stand === Stand.idle))
        house.wake(sequence);
      else if (sequence.stand === Stand.new) house.rest(sequence);
    } catch (error) {
      end.error(error);
      return;
    }
    if (inLine() >= maxBatch) pump(maxBatch);
  }

  /** Has what is in line stepped: soon, or when it has waited for company for as long as it may. */
  function schedule(soon = maxDelayMs === 0 || ended): void {
    if (running || held || (scheduled && !(soon && timer !== undefined))) return;
    scheduled = true;
    clearTimeout(timer);
    timer = undefined;
    if (soon) void nextTurn().then(fire);
    else timer = setTimeout(fire, maxDelayMs);
  }

  function fire(): void {
    scheduled = false;
    timer = undefined;
    if (!end.closed) pump(1);
  }

  /** Steps batches, as long as `least` are in line, until a slice of time is used up. */
  function pump(least: number): void {
    if (running || held || end.closed) return;
    running = true;
    const until = performance.now() + SLICE_MS;
    try {
      do {
        if (inLine() < least || inLine() === 0) break;
        batch();
        house.admit();
      } while (!held && !end.closed && performance.now() < until);
    } catch (error) {
      end.error(error);
    } finally {
      running = false;
    }
    if (end.closed) return;
    queue.resume();
    // What is left has waited already, or is enough for a batch: only the slice of time was used up.
    if (inLine() === 0) finish();
    else if (least === 1 || inLine() >= maxBatch) schedule(true);
    else schedule();
  }

  function finish(): void {
    if (!ended || held || leaving || inLine() > 0 || queue.depth > 0) return;
    leaving = true;
    if (options.store === undefined) end.complete();
    else house.leaveAll(() => end.complete());
  }

  /** Puts those in line into the batch. */
  function fill(): void {
    while (active.length < maxBatch && head < ready.length) {
      const sequence = ready[head] as Sequence<K, T>;
      head += 1;
      if (sequence.first === NONE) {
        // What waited was dropped.
        house.rest(sequence);
        continue;
      }
      const input = queue.take(sequence);
      sequence.stand = Stand.active;
      sequence.input = input;
      sequence.done = 0;
      sequence.steps = stepsIn(input.value);
      if (sequence.steps > 1) house.remember(sequence);
      active.push(sequence);
    }
    if (head === ready.length) {
      ready = [];
      head = 0;
    } else if (head > 4 * maxBatch) {
      ready = ready.slice(head);
      head = 0;
    }
  }

  function batch(): void {
    fill();
    const lanes = active.length;
    if (lanes === 0) return;
    const first = (active[0] as Sequence<K, T>).input as T;
    work ??= batches<S, X>({
      model,
      layout: rows,
      maxBatch,
      finish: options.finish,
      input: stepOf(first.value),
      fresh: house.fresh,
    });
    const numbers = work.inputs(lanes);
    const width = inputs.width;
    for (let lane = 0; lane < lanes; lane += 1) {
      const { input, done, record } = active[lane] as Sequence<K, T>;
      const { value } = input as T;
      work.records[lane] = record;
      if (typeof value === 'number') numbers[lane] = value;
      else if (width === 1) numbers[lane] = value.data[done] as number;
      else numbers.set(value.data.subarray(done * width, (done + 1) * width), lane * width);
    }
    if (symbols !== undefined) surprise(numbers);
    let y: Tensor;
    try {
      y = work.step(lanes);
    } catch (error) {
      throw culprit() ?? error;
    }
    readers.take(y);
    settle(versionOf(parameters));
  }

  /** What is expected lies in the records until the step. */
  function surprise(numbers: ArrayLike<number>): void {
    const { offset } = rows.expected as { readonly offset: number };
    active.forEach(({ key, record, written, done }, lane) => {
      try {
        readers.surprise(
          lane,
          numbers[lane] as number,
          written || done > 0 ? (record + offset) / 4 : undefined,
          home.floats,
        );
      } catch (error) {
        throw ofKey('keyed', key, '', error);
      }
    });
  }

  /** The error of the first value that the model does not take, alone as in company. */
  function culprit(): Error | undefined {
    for (const { key, input, done } of active) {
      try {
        evaluate(model, model.initial(1), stepAt((input as T).value, done) as X);
      } catch (error) {
        return ofKey('keyed', key, '', error);
      }
    }
    return undefined;
  }

  /** Hands on what the batch has come to. */
  function settle(version: number): void {
    const now = Math.floor(performance.now());
    const given: KeyedAnswer<unknown, K, T>[] = [];
    let going = 0;
    for (let lane = 0; lane < active.length; lane += 1) {
      const sequence = active[lane] as Sequence<K, T>;
      const { key, steps } = sequence;
      const input = sequence.input as T;
      sequence.done += 1;
      sequence.changed = true;
      sequence.used = now;
      try {
        if (steps > 1) sequence.answer = readers.add(sequence.answer, lane, sequence.done - 1, steps);
        if (sequence.done < steps) {
          active[going] = sequence;
          going += 1;
          continue;
        }
        const value = steps > 1 ? sequence.answer : readers.one(lane, typeof input.value === 'number');
        given.push({ key, value, input, version });
      } catch (error) {
        throw ofKey('keyed', key, '', error);
      }
      sequence.written = true;
      sequence.input = undefined;
      sequence.answer = undefined;
      house.settle(sequence);
      if (sequence.first === NONE) {
        house.rest(sequence);
      } else {
        sequence.stand = Stand.ready;
        ready.push(sequence);
      }
    }
    active.length = going;
    const dealt = deliver(stageOf(queue, within), () => {
      for (let k = 0; k < given.length && !end.closed; k += 1) next(given[k] as KeyedAnswer<unknown, K, T>);
    });
    if (dealt === undefined) return;
    held = true;
    void dealt.then(() => {
      held = false;
      if (inLine() > 0) schedule(true);
      finish();
    });
  }

  try {
    if (options.from !== undefined) house.restore(options.from);
  } catch (error) {
    house.release();
    throw error;
  }
  options.carries?.next({
    get size() {
      return house.size;
    },
    snapshot: () => house.snapshot(),
  });

  return {
    push,
    end() {
      ended = true;
      pump(1);
      finish();
    },
    release() {
      clearTimeout(timer);
      queue.clear();
      work?.release();
      house.release();
    },
  };
}

/** How many logits a model gives. @throws TypeError where it gives none. */
function symbolsOf<S, X extends Tensor>(model: Core<S, X, Tensor>): number {
  const [logits] = evaluate(model, model.initial(1), ids([1, 1], [0]) as Ids & X);
  if (isTensor(logits) && logits.shape.length === 3) return logits.shape[2] as number;
  throw new TypeError(
    `keyed: surprisal takes a model that gives logits [T, B, V], but ${model.kind} gives ${showValue(logits)}.`,
  );
}
