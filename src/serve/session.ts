/** One WebSocket: requests side by side, each answered under its id. */
import type { Observable, Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import { asRequest, idOf, parsed } from '../protocol/check.js';
import { PROTOCOL } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';
import type { ClientMessage, Requests, ServerMessage } from '../protocol/types.js';
import { holdSource } from '../streams/demand.js';
import { timeSlice } from '../streams/event-loop.js';
import { version as packageVersion } from '../version.js';
import type { Client } from './access.js';
import type { Limits } from './limits.js';
import type { LiveTagger, LiveUtterance, TextSource } from './live.js';
import type { Looks } from './looks.js';
import { outbox } from './outbox.js';
import type { Named, Service } from './service.js';
import type { StrangeLines } from './strange-lines.js';

/** Codes with which a session is closed. */
export const CLOSED = { goingDown: 1001, stalled: 4000, silent: 4001 } as const;

/** After this a socket that was asked to close is cut. */
const CUT_MS = 1000;
const MOST_WORDS = 256;

export interface SessionOptions {
  readonly socket: WebSocket;
  readonly client: Client;
  readonly service: Service;
  readonly looks: Looks;
  readonly limits: Limits;
  /** Hears of what is no fault of the client. */
  failed(error: unknown): void;
  /** Hears of each request that was refused. */
  refused(error: ServeError): void;
}

export interface Session {
  /** Pings; a client that has not answered the last one is let go. */
  ping(): void;
  close(code: number, reason: string): void;
}

/** What a request holds until it is over. */
interface Running {
  end(): void;
  readonly generation?: { readonly model: Named; symbols: number };
}

/** An utterance that is said word by word, and what is done with the words so far. */
interface Saying extends Running {
  readonly of: Named<LiveTagger>;
  readonly utterance: LiveUtterance;
  words: number;
  done: Promise<void>;
}

export function session({ socket, client, service, looks, limits, failed, refused }: SessionOptions): Session {
  const running = new Map<string, Running>();
  const sayings = new Map<string, Saying>();
  const sources = new Map<string, TextSource>();
  let alive = true;
  let over = false;

  const out = outbox(socket, limits.buffer, limits.stallMs, () => close(CLOSED.stalled, 'too slow'));

  function say(message: ServerMessage): void {
    // What it came from waits, if it can.
    const sent = out.put(message);
    const release = sent && holdSource();
    if (release) void sent.then(release);
  }

  function refuse(error: unknown, id: string | undefined): void {
    const known = error instanceof ServeError;
    if (!known) failed(error);
    const said = known ? error : new ServeError('failed', 'the server could not do it, by a fault of its own.');
    refused(said);
    say(said.toMessage(id));
  }

  function requireFree(id: string): void {
    if (running.has(id))
      throw new ServeError('in-use', `a request ${id} is under way; choose another id.`, { field: 'id' });
    requireRoom();
  }

  /** Begins a request that goes on: a place in the session until it is over. */
  function begin(id: string, run: Running): void {
    requireFree(id);
    running.set(id, run);
  }

  function requireRoom(): void {
    if (running.size + sources.size >= limits.perSession) {
      const message = `${limits.perSession} requests and sources of a session are under way; wait for one, or cancel it.`;
      throw new ServeError('overloaded', message, { retryAfter: 1 });
    }
  }

  /** Answers by a stream. */
  function follow<T>(
    id: string,
    values$: Observable<T>,
    next: (value: T) => void,
    complete: () => void,
    model?: Named,
  ) {
    let subscription: Subscription | undefined;
    const run: Running = {
      end: () => subscription?.unsubscribe(),
      ...(model && { generation: { model, symbols: 0 } }),
    };
    begin(id, run);
    const settled = () => running.get(id) === run && running.delete(id);
    subscription = values$.subscribe({
      next,
      error(error) {
        if (settled()) refuse(error, id);
      },
      complete() {
        if (settled()) complete();
      },
    });
    return run;
  }

  const handlers: { readonly [K in keyof Requests]: (message: Requests[K]) => void } = {
    learn({ id, model: name, source: own = '', text, end }) {
      const { name: model, model: live } = service.named(name, 'language');
      const key = `${model} ${own}`;
      const known = sources.get(key);
      service.requireLearner(client);
      if (known === undefined) requireRoom();
      const source = known ?? live.source();
      const symbols = service.learn(client, source, text);
      if (end) {
        source.end();
        sources.delete(key);
      } else sources.set(key, source);
      if (id !== undefined) say({ type: 'accepted', id, model, symbols, version: live.version });
    },
    generate({ type: _, id, model: name, ...request }) {
      const model = service.named(name, 'language');
      service.requireLength(request);
      const { length = 256 } = request;
      const run = follow(
        id,
        model.model.generate({ ...request, length }),
        ({ text, surprisal, version }) => {
          (run.generation as { symbols: number }).symbols += 1;
          say({ type: 'symbols', id, text, ...(surprisal !== undefined && { surprisals: [surprisal] }), version });
        },
        () => {
          const { symbols } = run.generation as { symbols: number };
          const reason = symbols < length ? 'stop' : 'length';
          say({ type: 'done', id, model: model.name, reason, symbols, version: model.model.version });
        },
        model,
      );
    },
    cancel({ id }) {
      const run = running.get(id);
      if (run === undefined) throw new ServeError('not-found', `no request ${id} is under way.`, { field: 'id' });
      running.delete(id);
      sayings.delete(id);
      run.end();
      if (run.generation === undefined) say({ type: 'cancelled', id });
      else {
        const { model, symbols } = run.generation;
        say({ type: 'done', id, model: model.name, reason: 'cancelled', symbols, version: model.model.version });
      }
    },
    score({ id, model: name, text }) {
      const model = service.named(name, 'language');
      follow(
        id,
        model.model.score(text),
        ({ bits, version }) => {
          const total = bits.reduce<number>((sum, own) => sum + (own ?? 0), 0);
          say({ type: 'scored', id, model: model.name, bits, total, version });
        },
        () => {},
      );
    },
    metrics({ id, model: name, everyMs = 1000 }) {
      const { name: model, model: live } = service.named(name);
      every(id, everyMs, () => say({ type: 'metrics', id, model, ...service.metrics(live) }));
    },
    units({ id, model: name, text, ...choice }) {
      const model = service.named(name, 'language');
      follow(
        id,
        looks.units(model.model, text, choice),
        (seen) => say({ type: 'units', id, model: model.name, ...seen, version: model.model.version }),
        () => {},
      );
    },
    lines({ id, model: name, most = 20, everyMs = 1000 }) {
      const { name: model, model: live } = service.named(name, 'language');
      // They are what others said.
      service.requireControl(client);
      if (!live.hears)
        throw new ServeError('learning-off', `lines are of texts that clients push; ${model} learns none.`);
      let lines: StrangeLines | undefined;
      let heard = -1;
      const following = looks.lines(live).subscribe((latest) => {
        lines = latest;
      });
      const tell = () => {
        if (lines === undefined || lines.heard === heard) return;
        heard = lines.heard;
        say({ type: 'lines', id, model, heard, lines: [...lines.top(most)], version: live.version });
      };
      try {
        every(id, everyMs, tell, () => following.unsubscribe());
      } catch (error) {
        following.unsubscribe();
        throw error;
      }
    },
    tag(message) {
      const { id } = message;
      const saying = sayings.get(id) ?? open(message);
      saying.words += message.words.length;
      if (saying.words > MOST_WORDS) {
        sayings.delete(id);
        running.delete(id);
        const text = `an utterance is of ${MOST_WORDS} words at most; begin another.`;
        throw new ServeError('too-large', text, { field: 'words' });
      }
      if (message.end) sayings.delete(id);
      saying.done = saying.done.then(() => spoken(saying, message)).catch((error: unknown) => refuse(error, id));
    },
    correct({ type: _, id, model: name, ...correction }) {
      const { name: model, model: live } = service.named(name, 'tagger');
      service.requireLearner(client);
      requireFree(id);
      promised(id, live.correct(correction), ({ tags, loss, step, version }) => {
        const { utterance } = correction;
        say({ type: 'corrected', id, model, utterance, tags: [...tags], loss, step, version });
      });
    },
    control({ id, model: name, learning, learningRate, save }) {
      const { name: model, model: live } = service.named(name);
      service.requireControl(client);
      requireFree(id);
      if (learning !== undefined) live.learning = learning;
      if (learningRate !== undefined) live.learningRate = learningRate;
      promised(id, save ? live.save() : Promise.resolve(false), (saved) => {
        const { learning, learningRate, version } = live;
        say({ type: 'controlled', id, model, learning, learningRate, saved, version });
      });
    },
  };

  /** Answers now, and again and again. */
  function every(id: string, ms: number, tell: () => void, end = () => {}): void {
    requireFree(id);
    // A slow client misses some.
    const tellIfFree = () => out.isFree && tell();
    const timer = setInterval(tellIfFree, ms);
    begin(id, {
      end() {
        clearInterval(timer);
        end();
      },
    });
    tellIfFree();
  }

  /** Answers by what is promised, unless it is cancelled before. */
  function promised<T>(id: string, value: Promise<T>, then: (value: T) => void): void {
    const run = { end: () => {} };
    running.set(id, run);
    const settled = () => running.get(id) === run && running.delete(id);
    value.then(
      (result) => settled() && then(result),
      (error: unknown) => settled() && refuse(error, id),
    );
  }

  function open({ id, model }: Requests['tag']): Saying {
    const of = service.named(model, 'tagger');
    const saying: Saying = { of, utterance: of.model.open(), words: 0, done: Promise.resolve(), end: () => {} };
    begin(id, saying);
    sayings.set(id, saying);
    return saying;
  }

  async function spoken(saying: Saying, { id, words, end }: Requests['tag']): Promise<void> {
    const { of, utterance } = saying;
    const slice = timeSlice(2);
    const changed = new Map<number, ReturnType<LiveUtterance['add']>[number]>();
    for (const word of words) {
      await slice();
      if (running.get(id) !== saying) return;
      for (const provisional of utterance.add(word)) changed.set(provisional.position, provisional);
    }
    const version = of.model.version;
    if (end) {
      running.delete(id);
      say(service.tagged(id, of, utterance.end()));
    } else say({ type: 'tagged', id, model: of.name, words: [...changed.values()], final: false, version });
  }

  function heard(data: Buffer, isBinary: boolean): void {
    let id: string | undefined;
    try {
      service.count(client);
      if (isBinary) throw new ServeError('malformed', 'a message is a text frame, not a binary one.');
      const value = parsed(data.toString(), 'message');
      id = idOf(value);
      const message: ClientMessage = asRequest(value);
      (handlers[message.type] as (message: ClientMessage) => void)(message);
    } catch (error) {
      refuse(error, id);
    }
  }

  function leave(): void {
    over = true;
    out.close();
    for (const run of running.values()) run.end();
    running.clear();
    sayings.clear();
    for (const source of sources.values()) source.end();
    sources.clear();
  }

  function close(code: number, reason: string): void {
    if (over) return;
    leave();
    socket.close(code, reason);
    setTimeout(() => socket.terminate(), CUT_MS).unref();
  }

  // Of a peer that breaks the protocol; `close` follows.
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => !over && heard(data as Buffer, isBinary));
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('close', leave);
  say({
    type: 'hello',
    protocol: PROTOCOL,
    server: `oxbow/${packageVersion}`,
    models: service.infos(client),
    limits: service.limits,
  });

  return {
    ping() {
      if (over || !out.isFree) return;
      if (!alive) {
        close(CLOSED.silent, 'no answer to a ping');
        return;
      }
      alive = false;
      socket.ping();
    },
    close,
  };
}
