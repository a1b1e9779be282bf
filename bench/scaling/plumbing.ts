/** What the streams cost a signal: the same work through operators and by hand, in turn. */
import { from, type Observable } from 'rxjs';
import {
  adam,
  crossEntropy,
  dense,
  embedding,
  evaluate,
  fromAsync,
  generator,
  type Ids,
  ids,
  type Layer,
  lstm,
  type SymbolWindow,
  stack,
  type Tensor,
  tbptt,
  tensor,
  tokens,
  trainer,
  vocabulary,
  windows,
} from '../../src/index.js';
import { type Figure, summary } from '../measure.js';

/** Microseconds a signal. */
export interface Plumbing {
  readonly what: string;
  readonly piped: Figure;
  /** The same work without streams. */
  readonly direct: Figure;
  /** The differences of passes that ran one right after the other. */
  readonly cost: Figure;
}

/** Both take all signals once. */
interface Comparison {
  readonly what: string;
  readonly signals: number;
  piped(): void | Promise<void>;
  direct(): void;
  release?(): void;
}

/** Signals of a pass: enough that a subscription is nothing beside them. */
const SIGNALS = 2000;
const STEPS = 32;

const symbols = 'abcdefghijklmnopqrstuvwxyz .,;:\n';
const vocab = vocabulary(symbols);

function chunks(): readonly string[] {
  const random = generator(1);
  return Array.from({ length: SIGNALS }, () =>
    Array.from({ length: STEPS }, () => symbols[random.below(symbols.length)]).join(''),
  );
}

/** A sum, so that nothing is left out as unused. */
let seen = 0;

function drain<T>(stream$: Observable<T>, value: (one: T) => number): void {
  stream$.subscribe((one) => {
    seen += value(one);
  });
}

const count = (signal: Tensor) => signal.data.length;

/** Cutting windows by hand: slices of the whole text's ids. */
function windowsByHand(text: readonly string[]): readonly SymbolWindow[] {
  const all = vocab.encode(text.join(''));
  return Array.from({ length: Math.floor((all.length - 1) / STEPS) }, (_, k) => ({
    input: ids([STEPS, 1], all.slice(k * STEPS, (k + 1) * STEPS)),
    target: ids([STEPS, 1], all.slice(k * STEPS + 1, (k + 1) * STEPS + 1)),
  }));
}

function cutting(text: readonly string[]): Comparison {
  return {
    what: 'tokens → windows',
    signals: SIGNALS,
    piped: () =>
      drain(from(text).pipe(tokens(vocab), windows({ length: STEPS })), ({ input }: SymbolWindow) => count(input)),
    direct: () => {
      for (const { input } of windowsByHand(text)) seen += count(input);
    },
  };
}

function arriving(text: readonly string[]): Comparison {
  async function* source(): AsyncGenerator<string> {
    yield* text;
  }
  return {
    what: 'fromAsync → tokens',
    signals: SIGNALS,
    piped: () =>
      new Promise((resolve, reject) => {
        fromAsync(source())
          .pipe(tokens(vocab))
          .subscribe({ next: (signal) => (seen += count(signal)), error: reject, complete: resolve });
      }),
    direct: () => {
      for (const chunk of text) seen += count(ids([STEPS, 1], vocab.encode(chunk)));
    },
  };
}

/** A model so small that the kernels leave room to see the rest. */
const tiny = () => stack({ embed: embedding(vocab.size, 8), rnn: lstm(8, 8), head: dense(8, vocab.size) }, { seed: 1 });

function learning(text: readonly string[]): Comparison {
  const options = { loss: crossEntropy(), optimizer: adam(1e-3), clipNorm: 5 };
  const [piped, direct] = [tiny(), tiny()];
  const cut = windowsByHand(text);
  const { learn, release } = trainer(direct, options);
  let carry = direct.initial(1);
  return {
    what: 'tokens → windows → tbptt',
    signals: SIGNALS,
    piped: () => drain(from(text).pipe(tokens(vocab), windows({ length: STEPS }), tbptt(piped, options)), () => 1),
    direct: () => {
      for (const { input, target } of cut) carry = learn({ carry, input, target }).carry;
    },
    release,
  };
}

function oneLayer(): Comparison {
  const head = dense(8, 8);
  const signals = Array.from({ length: SIGNALS }, () => tensor([1, 1, 8], new Float32Array(8)));
  return {
    what: 'dense',
    signals: SIGNALS,
    piped: () => drain(from(signals).pipe(head), count),
    direct: () => {
      let carry = head.initial(1);
      for (const x of signals) {
        const [y, next] = evaluate(head, carry, x);
        carry = next;
        seen += count(y);
      }
    },
  };
}

function chain(): Comparison {
  const layers = [embedding(vocab.size, 8), lstm(8, 8), dense(8, vocab.size)] as const;
  const signals: readonly Ids[] = Array.from({ length: SIGNALS }, (_, k) => ids([1, 1], [k % vocab.size]));
  return {
    what: 'embedding → lstm → dense',
    signals: SIGNALS,
    piped: () => drain(from(signals).pipe(...layers), count),
    direct: () => {
      const carries: unknown[] = layers.map((layer) => layer.initial(1));
      for (const signal of signals) {
        let x: Tensor = signal;
        (layers as unknown as readonly Layer<unknown>[]).forEach((layer, k) => {
          [x, carries[k]] = evaluate(layer, carries[k], x);
        });
        seen += count(x);
      }
    },
  };
}

/** Whole passes until the time is up; microseconds a signal. */
async function timed(pass: () => void | Promise<void>, signals: number, seconds: number): Promise<number> {
  const start = performance.now();
  let passes = 0;
  do {
    await pass();
    passes += 1;
  } while (performance.now() - start < seconds * 1000);
  return ((performance.now() - start) * 1000) / (passes * signals);
}

async function compare(one: Comparison, repetitions: number, seconds: number): Promise<Plumbing> {
  const [piped, direct]: [number[], number[]] = [[], []];
  await timed(one.piped, one.signals, seconds);
  await timed(one.direct, one.signals, seconds);
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    piped.push(await timed(one.piped, one.signals, seconds));
    direct.push(await timed(one.direct, one.signals, seconds));
  }
  one.release?.();
  const costs = piped.map((time, k) => time - (direct[k] as number));
  return { what: one.what, piped: summary(piped), direct: summary(direct), cost: summary(costs) };
}

/** Measures what streams cost; `next` is told what comes. */
export async function* plumbing(
  repetitions: number,
  seconds: number,
  next: (what: string) => void,
): AsyncGenerator<Plumbing> {
  const text = chunks();
  for (const one of [arriving(text), cutting(text), learning(text), oneLayer(), chain()]) {
    next(one.what);
    yield await compare(one, repetitions, seconds);
  }
}
