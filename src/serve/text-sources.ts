/** Texts that are learnt from side by side: each waits in a line of its own, bounded, and has a lane of the window by turns. */
import { finalize, type Observable, Subject, tap } from 'rxjs';
import { ServeError } from '../protocol/problem.js';
import type { Coder } from '../streams/coder.js';
import { fromAsync } from '../streams/from-async.js';
import { tokens } from '../streams/tokens.js';
import type { Ids } from '../tensor.js';
import type { TextSource } from './live.js';

export interface TextSourcesOptions {
  readonly vocab: Coder;
  /** Lanes. */
  readonly batch: number;
  /** Steps of a window. */
  readonly length: number;
  /** Characters that may wait, of one source and of all. */
  readonly perSource: number;
  readonly inAll: number;
  /** Sources that may have something to say at a time. */
  readonly most: number;
  /** Milliseconds that one keeps its lane with nothing to say, where others wait for one. */
  readonly idleMs: number;
}

/** Windows after which a source gives its lane to another that waits. */
const TURN = 32;

/** A stretch of a source that has a lane, from when it begins to speak until it gives the lane up. */
export interface Voice {
  readonly source: TextSource;
  /** Symbols of the source before it. */
  readonly base: number;
  /** Its symbols so far, and how many steps of them have been learnt. */
  symbols: number;
  learnt: number;
  over: boolean;
}

export interface TextSources {
  /** The stretches, each a source of one lane. */
  readonly voices$: Observable<Observable<Ids>>;
  readonly waiting: number;
  readonly open: number;
  readonly refused: number;
  learning: boolean;
  /** Why nothing is learnt any more. */
  stop(reason: ServeError): void;
  source(): TextSource;
  /** Whose the places of a window are, by the number of a stretch. */
  voiceOf(number: number): Voice | undefined;
  /** Steps of a stretch have been learnt. */
  heard(number: number, until: number): void;
}

/** Those who wait for the same kind of change. */
function waiters() {
  const wakes = new Set<() => void>();
  return {
    wake() {
      for (const wake of [...wakes]) wake();
    },
    /** Waits until something has changed, or for so long. */
    change: (milliseconds?: number): Promise<void> =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          wakes.delete(wake);
          resolve();
        };
        const timer = milliseconds === undefined ? undefined : setTimeout(wake, milliseconds);
        wakes.add(wake);
      }),
  };
}

export function textSources(options: TextSourcesOptions): TextSources {
  const { vocab, batch, length, perSource, inAll, most, idleMs } = options;
  const voices$ = new Subject<Observable<Ids>>();
  const voices = new Map<number, Voice>();
  let count = 0;
  let waiting = 0;
  let open = 0;
  let refused = 0;
  let learning = true;
  let stopped: ServeError | undefined;
  /** Those who have a lane and wait for something to say. */
  const speakers = waiters();
  /** Those who wait for room, or until their text is learnt: many sources that wait are not to cost every piece that is taken. */
  const pushers = waiters();
  const wakeAll = () => {
    speakers.wake();
    pushers.wake();
  };
  const crowded = () => open > batch;

  /** Forgets a stretch that is over and learnt. */
  function settle(number: number, voice: Voice): void {
    if (voice.over && voice.learnt >= voice.symbols - 1) voices.delete(number);
  }

  function refuse(message: string): never {
    refused += 1;
    throw new ServeError('overloaded', `learn: ${message}; try again later.`, { retryAfter: 1 });
  }

  function source(): TextSource {
    const chunks: string[] = [];
    let depth = 0;
    let symbols = 0;
    let ended = false;
    let speaking: Voice | undefined;
    /** Whether a piece is on its way into the window. */
    let saying = false;

    const put = (text: string) => {
      chunks.push(text);
      depth += text.length;
      waiting += text.length;
    };

    /** As much as fits into a window. */
    function take(): string | undefined {
      const first = chunks[0];
      if (first === undefined) return undefined;
      const text = first.slice(0, length);
      if (text.length === first.length) chunks.shift();
      else chunks[0] = first.slice(length);
      depth -= text.length;
      waiting -= text.length;
      pushers.wake();
      return text;
    }

    function clear(): void {
      waiting -= depth;
      depth = 0;
      chunks.length = 0;
    }

    async function* speak(signal: AbortSignal): AsyncGenerator<string> {
      let said = 0;
      let since = performance.now();
      while (!signal.aborted && stopped === undefined) {
        const text = learning ? take() : undefined;
        if (text !== undefined) {
          said += text.length;
          saying = true;
          yield text;
          saying = false;
          pushers.wake();
          since = performance.now();
          if (crowded() && said >= TURN * length) return;
        } else if (ended && depth === 0) return;
        else {
          const left = crowded() ? since + idleMs - performance.now() : undefined;
          if (left !== undefined && left <= 0) return;
          await speakers.change(left);
        }
      }
    }

    /** Begins to speak, once there is something to say. */
    function begin(): void {
      if (speaking !== undefined || depth === 0 || stopped !== undefined) return;
      const number = count;
      count += 1;
      open += 1;
      const voice: Voice = { source: self, base: symbols, symbols: 0, learnt: 0, over: false };
      voices.set(number, voice);
      speaking = voice;
      // Those that have a lane and nothing to say look around.
      wakeAll();
      const ids$ = fromAsync(speak).pipe(
        tokens(vocab),
        tap(({ data }) => {
          voice.symbols += data.length;
          symbols += data.length;
        }),
        finalize(() => {
          open -= 1;
          voice.over = true;
          speaking = undefined;
          saying = false;
          if (stopped) clear();
          settle(number, voice);
          wakeAll();
          // At the end of the line.
          begin();
        }),
      );
      // Of its own: where the text comes from what was learnt, learning cannot wait for it.
      queueMicrotask(() => voices$.next(ids$));
    }

    const isLearnt = () =>
      depth === 0 &&
      !saying &&
      !Array.from(voices.values()).some((own) => own.source === self && own.learnt < own.symbols - 1);

    const self: TextSource = {
      push(text) {
        if (stopped) throw stopped;
        if (ended) throw new ServeError('invalid', 'learn: the source has ended; begin another.', { field: 'source' });
        if (!learning) throw new ServeError('learning-off', 'learn: learning is switched off.');
        const known = vocab.encode(text).length;
        if (known === 0) return 0;
        if (text.length > perSource) {
          const message = `learn: a text of ${text.length} characters is more than the ${perSource} that may wait; cut it.`;
          throw new ServeError('too-large', message, { field: 'text' });
        }
        if (depth + text.length > perSource) refuse(`${depth} characters of this source wait already`);
        if (waiting + text.length > inAll) refuse(`${waiting} characters wait already`);
        if (speaking === undefined && depth === 0 && open >= most) refuse(`${open} sources are listened to already`);
        put(text);
        speakers.wake();
        begin();
        return known;
      },
      async room() {
        while (stopped === undefined && (depth >= perSource / 2 || waiting >= inAll / 2 || !learning))
          await pushers.change();
      },
      async learnt() {
        while (stopped === undefined && !isLearnt()) await pushers.change();
      },
      end() {
        ended = true;
        wakeAll();
      },
    };
    return self;
  }

  return {
    voices$,
    get waiting() {
      return waiting;
    },
    get open() {
      return open;
    },
    get refused() {
      return refused;
    },
    get learning() {
      return learning && stopped?.code !== 'failed';
    },
    set learning(on) {
      learning = on;
      wakeAll();
    },
    stop(reason) {
      if (stopped) return;
      stopped = reason;
      voices$.complete();
      wakeAll();
    },
    source,
    voiceOf: (number) => voices.get(number),
    heard(number, until) {
      const voice = voices.get(number);
      if (voice === undefined) return;
      voice.learnt = Math.max(voice.learnt, until);
      settle(number, voice);
      pushers.wake();
    },
  };
}
