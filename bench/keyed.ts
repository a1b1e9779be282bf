/** `npm run bench -- keyed`: keyed streams beside lockstep and beside stepping each key for itself, repetition by repetition. */
import { Observable, type Subscriber } from 'rxjs';
import {
  evaluate,
  generator,
  ids,
  type Keyed,
  type KeyedOptions,
  keyed,
  type Ops,
  stepper,
  type Tensor,
} from '../src/index.js';
import { type Figure, summary } from './measure.js';
import { figures, number } from './report.js';
import type { TableOptions } from './table.js';
import { languageModel } from './workloads/models.js';

const KEYS = 10_000;
const LANES = 256;
/** What `keyed` does by itself. */
const AT_ONCE = 256;
const SYMBOLS = 65;

/** What keyed streams have to reach, in times the rate of another. */
const BARS = { 'of W8 at 256 streams': 0.6, 'of one by one': 5 } as const;

type Event = Keyed<number, string>;

const model = () => languageModel({ cell: 'lstm', symbols: SYMBOLS, features: 64, units: 128, layers: 1 });
type Model = ReturnType<typeof model>;

/** One symbol of each key, the keys in a random order. */
function eventsOf(seed: number): readonly Event[] {
  const random = generator(seed);
  const events = Array.from({ length: KEYS }, (_, k) => ({ key: `session-${k}`, value: random.below(SYMBOLS) }));
  for (let k = KEYS - 1; k > 0; k -= 1) {
    const other = random.below(k + 1);
    [events[k], events[other]] = [events[other] as Event, events[k] as Event];
  }
  return events;
}

const finish = (ops: Ops, y: Tensor) => ops.softmax(y);

/** A way to step all keys once. */
interface Way {
  readonly name: string;
  /** Steps events; how many it stepped. */
  pass(): number;
}

function lockstep(net: Model): Way {
  const random = generator(1);
  const { step } = stepper(net, { finish });
  const symbols = ids(
    [1, LANES],
    Array.from({ length: LANES }, () => random.below(SYMBOLS)),
  );
  return {
    name: `W8: ${LANES} streams in lockstep`,
    pass() {
      step(symbols);
      return LANES;
    },
  };
}

/** Keyed streams, all events of a pass in one turn of the event loop. */
function keyedWay(
  net: Model,
  events: readonly Event[],
  name: string,
  options: KeyedOptions<unknown, string, Event>,
): Way {
  let source: Subscriber<Event> | undefined;
  new Observable<Event>((subscriber) => {
    source = subscriber;
  })
    .pipe(keyed<unknown, never, Event, string>(net as never, { ...options, finish }))
    .subscribe({
      error: (error: unknown) => {
        throw error;
      },
    });
  return {
    name,
    pass() {
      for (const event of events) source?.next(event);
      return events.length;
    },
  };
}

/** Each key's carry by itself, as the ordinary operator keeps it. */
function oneByOne(net: Model, events: readonly Event[]): Way {
  const some = events.slice(0, 500);
  const carries = new Map<string, ReturnType<Model['initial']>>();
  return {
    name: 'one by one: evaluate, a carry a key',
    pass() {
      for (const { key, value } of some) {
        const [, carry] = evaluate(net, carries.get(key) ?? net.initial(1), ids([1, 1], [value]));
        carries.set(key, carry);
      }
      return some.length;
    },
  };
}

/** @throws Error where a key's answer is not what it gets alone, bit for bit. */
function check(net: Model, events: readonly Event[]): void {
  const some = events.slice(0, 3 * LANES);
  const heard = new Map<string, Tensor>();
  new Observable<Event>((subscriber) => {
    for (const event of some) subscriber.next(event);
    subscriber.complete();
  })
    .pipe(keyed<unknown, never, Event, string>(net as never))
    .subscribe(({ key, value }) => heard.set(key, value as Tensor));
  for (const { key, value } of some) {
    const [alone] = evaluate(net, net.initial(1), ids([1, 1], [value]));
    const got = heard.get(key)?.data;
    if (!alone.data.every((logit, k) => Object.is(logit, got?.[k])))
      throw new Error(`keyed: the logits of ${key} are others alone`);
  }
}

function rate({ pass }: Way, seconds: number): number {
  const start = performance.now();
  let work = 0;
  do work += pass();
  while (performance.now() - start < seconds * 1000);
  return work / ((performance.now() - start) / 1000);
}

/** The lines of a table: rates, and each beside the first and the last one, by pairs of repetitions. */
export function keyedLines(
  measured: readonly { readonly name: string; readonly rates: readonly number[] }[],
): readonly string[] {
  const [first, last] = [measured[0]?.rates ?? [], measured.at(-1)?.rates ?? []];
  const ratio = (rates: readonly number[], to: readonly number[]): Figure =>
    summary(rates.map((value, k) => value / (to[k] as number)));
  const times = (rates: readonly number[], to: readonly number[]) =>
    `× ${ratio(rates, to).median.toFixed(2)}`.padStart(14);
  return [
    '',
    `${KEYS} keys interleaved at random, one step each (Embedding 64, LSTM 128, Dense ${SYMBOLS}, softmax)`,
    `${''.padEnd(40)}${'steps/s'.padStart(12)}${'of W8'.padStart(14)}${'of one by one'.padStart(14)}`,
    ...measured.map(
      ({ name, rates }) =>
        `${name.padEnd(40)}${number(summary(rates).median).padStart(12)}${times(rates, first)}${times(rates, last)}`,
    ),
    `Bars of keyed, ${AT_ONCE} at once: ${Object.entries(BARS)
      .map(([what, bar]) => `≥ ${bar} × ${what}`)
      .join(', ')}`,
  ];
}

/** Measures and prints all of it. @throws Error where a result is wrong. */
export function keyedStreams({ repetitions, seconds, progress, print }: TableOptions): void {
  const net = model();
  const events = eventsOf(1);
  progress.show('keyed: checking');
  check(net, events);
  const ways = [
    lockstep(net),
    keyedWay(net, events, `keyed, ${AT_ONCE} at once`, { maxBatch: AT_ONCE }),
    keyedWay(net, events, 'keyed, 1 at once', { maxBatch: 1 }),
    oneByOne(net, events),
  ].map((way) => ({ ...way, rates: [] as number[] }));
  for (const way of ways) rate(way, seconds);
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    progress.show(`keyed: repetition ${repetition} of ${repetitions}`);
    for (const way of ways) way.rates.push(rate(way, seconds));
  }
  print(
    keyedLines(ways),
    ways.map(({ name, rates }) => ({ keyed: name, unit: 'steps/s', ...figures(summary(rates)) })),
  );
}
