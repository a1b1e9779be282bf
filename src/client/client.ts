/** A typed client of a server: what it asks for are Observables. */
import { filter, from, map, Observable, type ObservableInput, type Subscription, shareReplay } from 'rxjs';
import { requireKind } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { ServeError } from '../protocol/problem.js';
import type { Answers, ClientMessage, GenerationRequest, Requests, ServerMessage } from '../protocol/types.js';
import { ConnectionError, type ConnectionState, connection, type WebSocketClass } from './connection.js';

/** The options of {@link connect}. */
export interface ConnectOptions {
  /** Which the server asks for. */
  readonly token?: string | undefined;
  /** Milliseconds before the first attempt to connect again, and at most before a later one. Default 250 and 10,000. */
  readonly backoff?: { readonly firstMs?: number | undefined; readonly mostMs?: number | undefined } | undefined;
  /** Attempts in a row before it gives up. Default: it never does. */
  readonly attempts?: number | undefined;
  /** What opens WebSockets; default the platform's, or that of `ws`. */
  readonly webSocket?: WebSocketClass | undefined;
}

const names: Names<ConnectOptions> = {
  token: true,
  backoff: { firstMs: true, mostMs: true },
  attempts: true,
  webSocket: true,
};

/** Symbols that were said. */
export type SaidSymbols = Pick<Answers['symbols'], 'text' | 'surprisals' | 'version'>;

/** A model, where there are several. */
export interface OfModel {
  readonly model?: string | undefined;
}

/** The options of a client's `generate`: how symbols are chosen, and what becomes of a generation that is cut. */
export interface GenerateRequest extends GenerationRequest, OfModel {
  /** Whether a generation whose connection was cut goes on after what was said, on the next one; its draws start over. Default false: it ends by an error. */
  readonly resume?: boolean | undefined;
}

/**
 * A client. What it gives are cold Observables: a request goes out with the subscription, as soon as there is a connection, and
 * unsubscribing cancels it. A request that the server refuses ends with a {@link ServeError}.
 *
 * Where the connection is cut, requests that were sent end with a {@link ConnectionError}, but for those that can be asked again: scores,
 * metrics, and generations that are to `resume`. Those that were not sent yet wait for the next connection.
 */
export interface Client {
  /** Whether there is a connection; first what is now. */
  readonly state$: Observable<ConnectionState>;
  /** What the server says of itself at the beginning of each connection; first the latest. */
  readonly hello$: Observable<Answers['hello']>;
  /** What came and was no message. */
  readonly odd$: Observable<Error>;
  /** What a model says, symbol by symbol; complete at its end. */
  generate(request: GenerateRequest): Observable<SaidSymbols>;
  /** Has a text learnt; texts of one source follow each other. */
  learn(
    text: string,
    of?: OfModel & { readonly source?: string; readonly end?: boolean },
  ): Observable<Answers['accepted']>;
  /** The surprise of each symbol of a text. */
  score(text: string, of?: OfModel): Observable<Answers['scored']>;
  /** The figures of a model, until unsubscribed. */
  metrics(of?: OfModel & { readonly everyMs?: number }): Observable<Answers['metrics']>;
  /** What the hidden units of a model do over a text, and which ones follow what is in it. */
  units(request: Omit<Requests['units'], 'type' | 'id'>): Observable<Answers['units']>;
  /** The lines that surprised a model most of those learnt lately, until unsubscribed; for those who may `control`. */
  lines(of?: Omit<Requests['lines'], 'type' | 'id'>): Observable<Answers['lines']>;
  /** Tags of words as they arrive; the utterance ends with its source. */
  tag(words: ObservableInput<string | readonly string[]>, of?: OfModel): Observable<Answers['tagged']>;
  /** Corrects an utterance. */
  correct(correction: Omit<Requests['correct'], 'type' | 'id'>): Observable<Answers['corrected']>;
  /** Changes how a model learns. */
  control(change: Omit<Requests['control'], 'type' | 'id'>): Observable<Answers['controlled']>;
  /** Ends the connection, and what is under way by a {@link ConnectionError}. */
  close(): void;
}

/** Requests that may wait for a connection. */
const MOST_WAITING = 1024;

/** A message without what is undefined. */
const message = (of: object): ClientMessage =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as unknown as ClientMessage;

/**
 * Connects to a server, and connects again whenever the connection ends: after a quarter of a second, and ever later, up to ten seconds.
 * Runs in a browser and in Node, without the kernels.
 *
 * @param url of the server: `http://…` or `ws://…`; `ws` is added to a path that ends with a slash, as behind a proxy, `https://…/oxbow/`.
 * @param options token, and how often it is tried.
 * @returns a client, at once.
 * @throws TypeError where an option is not known, or the URL is none.
 * @example
 * ```ts no-run
 * import { connect } from 'oxbow/client';
 *
 * const client = connect('http://127.0.0.1:7070');
 * client.generate({ prompt: 'The river ', length: 80 }).subscribe(({ text }) => process.stdout.write(text));
 * ```
 */
export function connect(url: string, options: ConnectOptions = {}): Client {
  requireKind('connect', typeof url === 'string', 'a URL', url, "give one such as 'http://127.0.0.1:7070'");
  const { token, backoff, attempts = Number.POSITIVE_INFINITY, webSocket } = checkedOptions('connect', options, names);
  const { firstMs = 250, mostMs = 10_000 } = backoff ?? {};
  const line = connection({ url: addressOf(url), token, webSocket, firstMs, mostMs, attempts });
  const { messages$, state$, odd$, ends$ } = line;
  let requests = 0;
  let waiting = 0;
  const hello$ = messages$.pipe(
    filter((heard): heard is Answers['hello'] => heard.type === 'hello'),
    shareReplay({ bufferSize: 1, refCount: false }),
  );
  // From the first connection on.
  hello$.subscribe();

  interface Asking<T> {
    /** What is sent, at first and, where it may be asked again, on the next connection. */
    first(id: string): ClientMessage;
    again?: ((id: string) => ClientMessage | undefined) | undefined;
    /** What an answer gives; `done` where it is the last. */
    read(answer: ServerMessage): { readonly value?: T; readonly done: boolean };
    /** Is called once it has been sent. */
    sent?(id: string): Subscription | undefined;
    readonly cancels?: boolean;
  }

  const ask = <T>({ first, again, read, sent, cancels }: Asking<T>): Observable<T> =>
    new Observable<T>((subscriber) => {
      if (state$.value === 'closed') {
        subscriber.error(new ConnectionError('closed', `${url}: the client was closed.`));
        return;
      }
      let id: string | undefined;
      let over = false;
      let isWaiting = false;
      const wait = (on: boolean) => {
        if (isWaiting === on) return;
        isWaiting = on;
        waiting += on ? 1 : -1;
      };

      function send(make: (id: string) => ClientMessage | undefined): void {
        requests += 1;
        id = `${requests}`;
        const request = make(id);
        if (request === undefined) {
          over = true;
          subscriber.complete();
          return;
        }
        wait(false);
        line.send(request);
        const following = sent?.(id);
        if (following) subscriber.add(following);
      }

      subscriber.add(
        messages$.subscribe((answer) => {
          if (answer.type === 'hello') {
            if (id === undefined) send(sentBefore ? (again as NonNullable<typeof again>) : first);
            return;
          }
          if (!('id' in answer) || answer.id !== id || over) return;
          if (answer.type === 'error') {
            over = true;
            const { code, message, field, retryAfter } = answer;
            subscriber.error(new ServeError(code, message, { field, retryAfter }));
            return;
          }
          const { value, done } = read(answer);
          over = done;
          if (value !== undefined) subscriber.next(value);
          if (done) subscriber.complete();
        }),
      );
      let sentBefore = false;
      subscriber.add(
        ends$.subscribe((error) => {
          if (over) return;
          if (error.reason === 'cut' && id === undefined) return;
          if (error.reason === 'cut' && again !== undefined) {
            sentBefore = true;
            id = undefined;
            wait(true);
            return;
          }
          over = true;
          subscriber.error(error);
        }),
      );
      subscriber.add(
        odd$.subscribe((odd) => {
          if (odd.id === undefined || odd.id !== id || over) return;
          over = true;
          subscriber.error(new ConnectionError('protocol', `${url}: ${odd.error.message}`));
        }),
      );
      subscriber.add(() => {
        wait(false);
        if (over || !cancels || id === undefined || state$.value !== 'open') return;
        over = true;
        line.send({ type: 'cancel', id });
      });
      if (state$.value === 'open') send(first);
      else if (waiting >= MOST_WAITING) {
        over = true;
        subscriber.error(new ConnectionError('refused', `${url}: ${waiting} requests wait for a connection already.`));
      } else wait(true);
    });

  /** A request of one answer. */
  const once = <T extends ServerMessage>(request: object, isRepeatable = false): Observable<T> => {
    const first = (id: string) => message({ ...request, id });
    return ask<T>({
      first,
      again: isRepeatable ? first : undefined,
      read: (answer) => ({ value: answer as T, done: true }),
      cancels: isRepeatable,
    });
  };

  /** A request that is answered again and again, and asked again on each connection. */
  const subscribed = <T extends ServerMessage>(request: object): Observable<T> => {
    const first = (id: string) => message({ ...request, id });
    return ask<T>({
      first,
      again: first,
      cancels: true,
      read: (answer) => ({ value: answer as T, done: false }),
    });
  };

  function generate({ resume, ...request }: GenerateRequest): Observable<SaidSymbols> {
    return new Observable<SaidSymbols>((subscriber) => {
      const { prompt, length = 256 } = request;
      let said = '';
      let count = 0;
      const first = (id: string) => message({ type: 'generate', ...request, id });
      const again = (id: string) =>
        count >= length
          ? undefined
          : message({ type: 'generate', ...request, prompt: prompt + said, length: length - count, id });
      return ask<SaidSymbols>({
        first,
        again: resume ? again : undefined,
        cancels: true,
        read(answer) {
          if (answer.type !== 'symbols') return { done: answer.type === 'done' };
          const { text, surprisals, version } = answer;
          said += text;
          count += [...text].length;
          return { value: { text, ...(surprisals && { surprisals }), version }, done: false };
        },
      }).subscribe(subscriber);
    });
  }

  function tag(words: ObservableInput<string | readonly string[]>, of: OfModel = {}): Observable<Answers['tagged']> {
    const say = (id: string, said: readonly string[], end?: boolean) =>
      message({ type: 'tag', id, ...of, words: said, end });
    return ask<Answers['tagged']>({
      first: (id) => say(id, []),
      cancels: true,
      read: (answer) => ({ value: answer as Answers['tagged'], done: (answer as Answers['tagged']).final }),
      sent: (id) =>
        from(words).subscribe({
          next: (said) => line.send(say(id, typeof said === 'string' ? [said] : said)),
          complete: () => line.send(say(id, [], true)),
          // Of the words' source: the utterance is left.
          error: () => line.send({ type: 'cancel', id }),
        }),
    }).pipe(filter(({ words: said, final }) => final || said.length > 0));
  }

  return {
    state$: state$.asObservable(),
    hello$,
    odd$: odd$.pipe(map(({ error }) => error)),
    generate,
    learn: (text, of = {}) => once({ type: 'learn', ...of, text }),
    score: (text, of = {}) => once({ type: 'score', ...of, text }, true),
    metrics: (of = {}) => subscribed({ type: 'metrics', ...of }),
    units: (request) => once({ type: 'units', ...request }, true),
    lines: (of = {}) => subscribed({ type: 'lines', ...of }),
    tag,
    correct: (correction) => once({ type: 'correct', ...correction }),
    control: (change) => once({ type: 'control', ...change }),
    close: line.close,
  };
}

/** Where the WebSocket is. @throws TypeError where that is no URL. */
function addressOf(url: string): string {
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    throw new TypeError(`connect: ${url} is no URL; give one such as 'http://127.0.0.1:7070'.`);
  }
  address.protocol = address.protocol.replace(/^http/, 'ws');
  if (address.pathname.endsWith('/')) address.pathname += 'ws';
  return address.href;
}
