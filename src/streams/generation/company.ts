/**
 * Generations of one model that are under way at the same time. Those that wait for a symbol are stepped as one batch: a
 * symbol of each costs little more than one of them alone, since the weights are read once.
 */
import { DRAWING_BYTES, writeDrawing } from '../../kernels/drawing.js';
import { sample, sampleScratch } from '../../kernels/kernels.js';
import { machine } from '../../kernels/machine.js';
import { type Records, records } from '../../kernels/records.js';
import { type Core, evaluate } from '../../layer.js';
import { type Ids, ids, type Tensor } from '../../tensor.js';
import { timeSlice } from '../event-loop.js';
import { type Batches, batches } from '../keyed/batches.js';
import { layout, type RecordLayout } from '../keyed/layout.js';
import type { SymbolDrawing } from './drawing.js';

/** A symbol and what it was drawn from; logits are to be read at once. */
export type TakeSymbol = (symbol: number, logits: Tensor['data']) => void;

/** A generation that is stepped with others. */
export interface CompanyMember<S> {
  /** Goes on from another carry. */
  begin(carry: S): void;
  /** The symbol that follows the given one, given to `take`; the drawing is ready. @throws (as a rejection) whatever the model throws for it. */
  ask(after: number, take: TakeSymbol): Promise<void>;
  leave(): void;
}

export interface Company<S> {
  /** How many generations are under way, stepped with others or not. */
  readonly size: number;
  /** A generation is under way from now on, until the function is called that this gives. */
  join(): () => void;
  /** A generation that is under way becomes one of the batch. Undefined where a model's carries are not of one size. */
  enter(carry: S, drawing: SymbolDrawing): CompanyMember<S> | undefined;
}

/** Beyond this a step of more lanes takes as much longer as there are more. */
const MAX_BATCH = 64;
/** The first to ask waits for others so many times as long as the last batch took. */
const PATIENCE = 5;
/** But no longer, in milliseconds: a symbol is not to be late for want of company. */
const LONGEST_WAIT = 8;

interface Asking {
  readonly record: number;
  readonly drawing: SymbolDrawing;
  after: number;
  take: TakeSymbol;
  done: () => void;
  fail: (error: unknown) => void;
  since: number;
}

/** What those of a model share while there are any. */
interface Room<S> {
  readonly rows: RecordLayout<S>;
  readonly kept: Records;
  readonly work: Batches;
  readonly drawings: number;
  readonly said: number;
  readonly spare: number;
}

const companies = new WeakMap<object, Company<never>>();

/** The company of a model's generations. */
export function companyOf<S>(model: Core<S, Ids, Tensor>): Company<S> {
  const known = companies.get(model) as Company<S> | undefined;
  if (known !== undefined) return known;
  const made = company(model);
  companies.set(model, made as unknown as Company<never>);
  return made;
}

function company<S>(model: Core<S, Ids, Tensor>): Company<S> {
  let size = 0;
  let room: Room<S> | undefined;
  let alike: boolean | undefined;
  let asking: Asking[] = [];
  let took = 0;
  let running = false;
  let due = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slice = timeSlice();

  /** The layout of carries, where a step leaves them as they lie. */
  function layoutOf(): RecordLayout<S> | undefined {
    try {
      const rows = layout<S>(model as Core<S, never>, undefined);
      rows.tensorsOf(evaluate(model, model.initial(1), ids([1, 1], [0]))[1], 1);
      return rows;
    } catch {
      return undefined;
    }
  }

  function open(): Room<S> | undefined {
    if (alike === false) return undefined;
    const rows = layoutOf();
    alike = rows !== undefined;
    if (rows === undefined) return undefined;
    const home = machine();
    const kept = records(home, rows.bytes, {
      what: 'generate: the carries of more generations',
      remedy: 'have fewer at a time',
    });
    const spare = kept.take();
    rows.write(home, { carry: model.initial(1) }, 0, spare);
    const drawings = home.heap.allocate(DRAWING_BYTES * MAX_BATCH);
    const said = home.heap.allocate(4 * MAX_BATCH);
    const greedy = { temperature: 1, topK: 0, topP: 1, minP: 0, greedy: true, penalty: 1, never: -1 };
    for (let lane = 0; lane < MAX_BATCH; lane += 1) writeDrawing(home, drawings + lane * DRAWING_BYTES, greedy);
    const work = batches<S, Ids>({
      model,
      layout: rows,
      maxBatch: MAX_BATCH,
      finish: undefined,
      input: { shape: [], type: 'int32' },
      fresh: spare,
      ending: ({ address, shape }, _, allocate) => {
        const [, lanes, symbols] = shape as [number, number, number];
        sample(home, address, drawings, said, allocate(sampleScratch(lanes, symbols)), lanes, symbols);
      },
    });
    return { rows, kept, work, drawings, said, spare };
  }

  function close(): void {
    if (room === undefined) return;
    const { heap } = machine();
    room.work.release();
    room.kept.free();
    heap.free(room.drawings);
    heap.free(room.said);
    room = undefined;
  }

  /** Has those who ask stepped: soon where nobody else can ask, or else when the first has waited for others. */
  function schedule(): void {
    if (running || due || asking.length === 0) return;
    if (asking.length < Math.min(size, MAX_BATCH)) {
      const waited = performance.now() - (asking[0] as Asking).since;
      timer ??= setTimeout(step, Math.max(0, Math.min(PATIENCE * took, LONGEST_WAIT) - waited));
      return;
    }
    due = true;
    void (slice() ?? Promise.resolve()).then(step);
  }

  function step(): void {
    clearTimeout(timer);
    timer = undefined;
    due = false;
    if (running || asking.length === 0) return;
    running = true;
    const started = performance.now();
    const batch = asking.splice(0, MAX_BATCH);
    try {
      settle(batch, stepped(batch, room as Room<S>));
    } catch (error) {
      refuse(batch, error);
    }
    took = performance.now() - started;
    running = false;
    schedule();
  }

  function stepped(batch: readonly Asking[], { work, drawings }: Room<S>): Tensor {
    const { ints } = machine();
    const inputs = work.inputs(batch.length);
    batch.forEach(({ record, after, drawing }, lane) => {
      work.records[lane] = record;
      inputs[lane] = after;
      const from = drawing.address / 4;
      ints.copyWithin((drawings + lane * DRAWING_BYTES) / 4, from, from + DRAWING_BYTES / 4);
    });
    return work.step(batch.length);
  }

  function settle(batch: readonly Asking[], { shape, data }: Tensor): void {
    const { ints } = machine();
    const symbols = shape.at(-1) as number;
    const { said } = room as Room<S>;
    batch.forEach(({ drawing, take, done, fail }, lane) => {
      const logits = data.subarray(lane * symbols, (lane + 1) * symbols);
      const symbol = ints[said / 4 + lane] as number;
      try {
        if (symbol < 0) drawing.refuse(logits);
        take(symbol, logits);
        done();
      } catch (error) {
        fail(error);
      }
    });
  }

  /** A step failed, and nothing has changed: for those whose symbol the model does not take, or else for all. */
  function refuse(batch: readonly Asking[], error: unknown): void {
    const wrong = batch.map(({ after }) => {
      try {
        evaluate(model, model.initial(1), ids([1, 1], [after]));
        return undefined;
      } catch (own) {
        return own;
      }
    });
    const nobody = wrong.every((own) => own === undefined);
    const others: Asking[] = [];
    batch.forEach((one, k) => {
      if (nobody) one.fail(error);
      else if (wrong[k] === undefined) others.push(one);
      else one.fail(wrong[k]);
    });
    asking = [...others, ...asking];
  }

  return {
    get size() {
      return size;
    },
    join() {
      size += 1;
      return () => {
        size -= 1;
        if (size === 0) close();
        else schedule();
      };
    },
    enter(carry, drawing) {
      room ??= open();
      if (room === undefined) return undefined;
      const { kept, rows } = room;
      const record = kept.take();
      const begin = (from: S) => rows.write(machine(), { carry: from }, 0, record);
      begin(carry);
      return {
        begin,
        ask: (after, take) =>
          new Promise((done, fail) => {
            asking.push({ record, drawing, after, take, done, fail, since: performance.now() });
            schedule();
          }),
        leave: () => kept.give(record),
      };
    },
  };
}
