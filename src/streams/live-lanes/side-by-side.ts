import { from, Observable, type ObservableInput, Subscription } from 'rxjs';
import type { Tensor } from '../../tensor.js';
import {
  type BoundedBuffer,
  type BufferOptions,
  type BufferState,
  buffer,
  checkBufferOptions,
  type Taken,
  WAIT_OR_FAIL,
} from '../buffer.js';
import { currentStage, deliver, stageOf } from '../demand.js';
import { type LiveWindow, liveWindows, type Voice } from './live-window.js';
import { type LiveLanesOptions, laneStepsOf } from './options.js';

/** A source, what it said that is not placed yet, and its lane as soon as it has one. */
interface Feed<V> {
  readonly voice: Voice;
  readonly waiting: BoundedBuffer<V>;
  readonly subscription: Subscription;
  lane: number | undefined;
  /** The value that is being placed. */
  placing:
    | { readonly input: Tensor; readonly target: Tensor | undefined; at: number; release: Taken<V>['release'] }
    | undefined;
  ended: boolean;
}

/** The depths of several buffers together. */
function together({ gauge, ...options }: BufferOptions): () => BufferOptions {
  if (gauge === undefined) return () => options;
  let [depth, dropped] = [0, 0];
  return () => {
    let known: BufferState = { depth: 0, dropped: 0 };
    const next = (state: BufferState) => {
      depth += state.depth - known.depth;
      dropped += state.dropped - known.dropped;
      known = state;
      gauge.next({ depth, dropped });
    };
    return { ...options, gauge: { next } };
  };
}

/** Many sources, each with a lane of its own while it lasts. */
export function windowsOfLanes<V>(
  sources: Observable<ObservableInput<V>> | readonly ObservableInput<V>[],
  options: LiveLanesOptions<V, unknown, unknown>,
): Observable<LiveWindow> {
  const { batch, length, maxDelayMs, partial = 'emit', waiting = WAIT_OR_FAIL, joining = WAIT_OR_FAIL } = options;
  checkBufferOptions('liveLanes', waiting);
  checkBufferOptions('liveLanes', joining);
  if (maxDelayMs !== undefined && !(maxDelayMs >= 0 && maxDelayMs < 2 ** 31)) {
    throw new RangeError(
      `liveLanes: maxDelayMs is a number of milliseconds from 0 up, not ${maxDelayMs}; leave it out to wait for all.`,
    );
  }
  return new Observable((subscriber) => {
    const made = liveWindows('liveLanes', batch, length);
    const lanes: (Feed<V> | undefined)[] = Array.from({ length: batch }, () => undefined);
    const bufferOptions = together(waiting);
    const around = currentStage();
    /** Sources that wait for a lane. Those that come are listened to at once, and of a list in their turn. */
    const line = Array.isArray(sources) ? undefined : buffer<Feed<V>>('liveLanes', joining);
    const inLine: Feed<V>[] = [];
    const listed = line ? [] : (sources as readonly ObservableInput<V>[]);
    /** What may be let go on when the window that is being filled has been dealt with. */
    let filling: (() => void)[] = [];
    let delivered: (() => void)[] = [];
    let count = 0;
    let allArrived = line === undefined;
    let overdue = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let joins = false;
    // Until all that is there at once has its lanes.
    let busy = true;

    /** What throws is an error notification. */
    function guarded(run: () => void): void {
      try {
        run();
      } catch (error) {
        subscriber.error(error);
      }
    }

    function feedOf(): Feed<V> {
      const voice = { source: count, at: 0, last: undefined };
      count += 1;
      const waits = buffer<V>('liveLanes', bufferOptions());
      return {
        voice,
        waiting: waits,
        subscription: new Subscription(),
        lane: undefined,
        placing: undefined,
        ended: false,
      };
    }

    function listen(feed: Feed<V>, source: ObservableInput<V>): void {
      subscriber.add(feed.subscription);
      feed.subscription.add(
        from(source).subscribe({
          next: (value) =>
            guarded(() => {
              feed.waiting.push(value);
              proceed();
            }),
          error: (error) => subscriber.error(error),
          complete() {
            feed.ended = true;
            if (feed.lane !== undefined) leave(feed.lane);
            proceed();
          },
        }),
      );
    }

    function arrive(source: ObservableInput<V>): void {
      const { dropped } = line as BoundedBuffer<Feed<V>>;
      const feed = feedOf();
      line?.push(feed);
      inLine.push(feed);
      if (line?.dropped !== dropped) {
        const given = joining.policy === 'drop-oldest' ? inLine.shift() : inLine.pop();
        given?.subscription.unsubscribe();
        given?.waiting.clear();
      }
      if (!feed.subscription.closed) listen(feed, source);
      join();
      proceed();
    }

    /** Gives free lanes to sources. A loop, not a recursion: a source may end as it is subscribed to. */
    function join(): void {
      if (joins) return;
      joins = true;
      for (let lane = free(); lane >= 0 && isAnyLeft() && !subscriber.closed; lane = free()) {
        const taken = line?.take();
        const feed = taken ? (inLine.shift() as Feed<V>) : feedOf();
        lanes[lane] = feed;
        feed.lane = lane;
        taken?.release?.();
        if (taken === undefined) guarded(() => listen(feed, listed[feed.voice.source] as ObservableInput<V>));
        leave(lane);
      }
      joins = false;
    }

    const free = () => lanes.indexOf(undefined);
    const isAnyLeft = () => (line ? line.depth > 0 : count < listed.length);

    /** Frees the lane of a source that has ended once all of it is placed. */
    function leave(lane: number): void {
      const feed = lanes[lane];
      if (!feed?.ended || feed.placing !== undefined || feed.waiting.depth > 0) return;
      lanes[lane] = undefined;
      feed.subscription.unsubscribe();
      join();
    }

    /** Places what a lane's sources have said, as much as has room. */
    function fill(lane: number): void {
      for (let feed = lanes[lane]; feed !== undefined && !made.isFull(lane); feed = lanes[lane]) {
        if (feed.placing === undefined) {
          const taken = feed.waiting.take();
          if (taken === undefined) return;
          feed.placing = { ...laneStepsOf(options, taken.value), at: 0, release: taken.release };
        }
        const { placing, voice } = feed;
        const steps = placing.input.shape[0] as number;
        placing.at = made.put(lane, voice, placing.input, placing.target, placing.at, steps);
        if (placing.at < steps) return;
        feed.placing = undefined;
        // The source that has filled the lane waits for the window, so that nothing queues behind it.
        if (placing.release) {
          if (made.isFull(lane)) filling.push(placing.release);
          else placing.release();
        }
        leave(lane);
      }
    }

    const isOver = () => allArrived && !isAnyLeft() && lanes.every((feed) => feed === undefined);

    function isReady(): boolean {
      if (made.isEmpty()) return false;
      if (isOver()) return partial === 'emit' || lanes.some((_, lane) => made.isFull(lane));
      return (
        overdue ||
        (lanes.every((feed, lane) => feed === undefined || made.isFull(lane)) &&
          lanes.some((_, lane) => made.isFull(lane)))
      );
    }

    function proceed(): void {
      if (busy || subscriber.closed) return;
      busy = true;
      guarded(() => {
        while (!subscriber.closed) {
          for (let lane = 0; lane < batch; lane += 1) fill(lane);
          if (!isReady()) break;
          if (emit()) return;
        }
        busy = false;
        if (isOver()) subscriber.complete();
        else if (!made.isEmpty() && maxDelayMs !== undefined) timer ??= setTimeout(late, maxDelayMs);
      });
    }

    function late(): void {
      overdue = true;
      proceed();
    }

    /** Whether the operators behind have not dealt with the window yet. */
    function emit(): boolean {
      clearTimeout(timer);
      timer = undefined;
      overdue = false;
      delivered = filling;
      filling = [];
      const window = made.take();
      // Where what comes of a window becomes a value of a source, that value cannot wait for it.
      const stage = lanes.reduce((at, feed) => (feed ? stageOf(feed.waiting, at) : at), around);
      const dealt = deliver(stage, () => subscriber.next(window));
      if (dealt === undefined) {
        letGo();
        return false;
      }
      void dealt.then(() => {
        letGo();
        busy = false;
        proceed();
      });
      return true;
    }

    function letGo(): void {
      for (const release of delivered) release();
      delivered = [];
    }

    subscriber.add(() => {
      clearTimeout(timer);
      for (const release of [...delivered, ...filling]) release();
      for (const feed of [...lanes, ...inLine]) {
        feed?.placing?.release?.();
        feed?.waiting.clear();
      }
      line?.clear();
    });
    if (line) {
      subscriber.add(
        (sources as Observable<ObservableInput<V>>).subscribe({
          next: (source) => guarded(() => arrive(source)),
          error: (error) => subscriber.error(error),
          complete() {
            allArrived = true;
            proceed();
          },
        }),
      );
    } else join();
    busy = false;
    proceed();
  });
}
