/** What clients may ask for, and what they wait for. */
import { LONGEST_TIMER_MS, requireCount, shown } from '../checks.js';
import type { Names } from '../options.js';

/** How much a server does, and for how long it waits. */
export interface ServerLimits {
  /** WebSockets at a time. Default 1000. */
  readonly sessions?: number | undefined;
  /** WebSockets of one client at a time. Default as many as of all. */
  readonly sessionsPerClient?: number | undefined;
  /** Requests, subscriptions and texts of one session at a time. Default 32. */
  readonly perSession?: number | undefined;
  /** Symbols of a generation. Default 10,000. */
  readonly length?: number | undefined;
  /** Requests of a client a second. Default 100. */
  readonly requestsPerSecond?: number | undefined;
  /** Requests of a client at once, after a pause. Default twice those of a second. */
  readonly burst?: number | undefined;
  /** Characters a minute that are learnt from one origin. Default 10,000,000. */
  readonly learnPerMinute?: number | undefined;
  /** Bytes that a client may have to read yet before what it asked for waits. Default 65,536. */
  readonly buffer?: number | undefined;
  /** Milliseconds without reading after which a client is let go. Default 15,000. */
  readonly stallMs?: number | undefined;
  /** Milliseconds from one ping to the next. Default 30,000. */
  readonly pingMs?: number | undefined;
  /** Milliseconds that the head of a request may take to arrive. Default 10,000. */
  readonly headersMs?: number | undefined;
  /** Milliseconds that a whole request may take to arrive. Default 30,000. */
  readonly requestMs?: number | undefined;
}

export const limitNames: Names<ServerLimits> = {
  sessions: true,
  sessionsPerClient: true,
  perSession: true,
  length: true,
  requestsPerSecond: true,
  burst: true,
  learnPerMinute: true,
  buffer: true,
  stallMs: true,
  pingMs: true,
  headersMs: true,
  requestMs: true,
};

export type Limits = { readonly [K in keyof ServerLimits]-?: number };

/** What is no count and no time: any amount. */
const amounts: ReadonlySet<string> = new Set<keyof ServerLimits>([
  'requestsPerSecond',
  'burst',
  'learnPerMinute',
  'buffer',
]);

/** @throws RangeError where a limit is no number above 0, no whole number where things are counted, or a time that no timer has. */
export function limitsOf(given: ServerLimits): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!amounts.has(name)) {
      requireCount('serve', `limits.${name}`, value, 1, name.endsWith('Ms') ? LONGEST_TIMER_MS : undefined);
    } else if (!(Number.isFinite(value) && value > 0)) {
      throw new RangeError(`serve: limits.${name} is a number above 0, not ${shown(value)}.`);
    }
  }
  const { sessions = 1000, requestsPerSecond = 100 } = given;
  return {
    sessions,
    sessionsPerClient: given.sessionsPerClient ?? sessions,
    perSession: given.perSession ?? 32,
    length: given.length ?? 10_000,
    requestsPerSecond,
    burst: given.burst ?? 2 * requestsPerSecond,
    learnPerMinute: given.learnPerMinute ?? 10_000_000,
    buffer: given.buffer ?? 65_536,
    stallMs: given.stallMs ?? 15_000,
    pingMs: given.pingMs ?? 30_000,
    headersMs: given.headersMs ?? 10_000,
    requestMs: given.requestMs ?? 30_000,
  };
}
