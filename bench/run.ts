/** One case: checked, then measured, the peers in turn with us. */
import { setTimeout as delay } from 'node:timers/promises';
import { machine } from '../src/index.js';
import { barOf, type Comparison, compare, ratioOf, type Setting } from './bars.js';
import { type Figure, rate, summary } from './measure.js';
import { measuredBandwidth } from './peak.js';
import type { Peer } from './peers.js';
import type { Progress } from './progress.js';
import type { Case } from './workload.js';

/** Ours, and what it makes of the machine. */
export interface Ours extends Figure {
  /** GFLOP/s reached, and its share of the measured peak. */
  readonly gflops: number;
  readonly share: number;
  /** GB/s of weights read, the bandwidth that was measured for as many bytes, and the share of it. */
  readonly traffic?: { readonly gbytes: number; readonly bandwidth: number; readonly share: number };
  /** The case's bar, whether or not peers were run. */
  readonly bar?: number;
}

export interface Theirs {
  readonly peer: string;
  readonly figure: Figure;
  /** How many times as fast ours is. */
  readonly ratio: number;
}

export interface Outcome {
  readonly ours: Ours;
  readonly theirs: readonly Theirs[];
  /** Peers without a figure, and why. */
  readonly absent: readonly { readonly peer: string; readonly why: string }[];
  readonly comparison?: Comparison;
}

export interface Run {
  readonly peers: readonly Peer[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly setting: Setting;
  /** GFLOP/s. */
  readonly peak: number;
  readonly progress: Progress;
}

/** Seconds after which a peer has taken long enough over a case, however few its repetitions. */
const PATIENCE = 20;

/**
 * Milliseconds of quiet before each turn. OpenBLAS's threads go on spinning for some 60 ms after the last product: whoever
 * came next would have one processor less.
 */
const QUIET = 120;

/** What a peer came to over a case so far. */
interface Turn {
  readonly peer: Peer;
  readonly figures: number[];
  spent: number;
  error?: string;
}

async function take(turn: Turn, name: string, seconds: number): Promise<void> {
  if (turn.error !== undefined || turn.spent > PATIENCE + seconds * turn.figures.length) return;
  await delay(QUIET);
  const start = performance.now();
  const answer = await turn.peer.measure(name, seconds);
  turn.spent += (performance.now() - start) / 1000;
  if ('figure' in answer) turn.figures.push(answer.figure);
  else turn.error = answer.error;
}

/** Ours and the peers' in turn, so that a machine that slows down slows everyone. */
async function alternate(one: Case, { peers, repetitions, seconds, progress }: Run) {
  const own = () => one.measure?.(seconds) ?? rate(() => one.step(), one.work, seconds);
  const ours: number[] = [];
  const turns = peers.map((peer): Turn => ({ peer, figures: [], spent: 0 }));
  const show = (what: string) => progress.show(`${one.name}: ${what}`);
  show('warming up');
  own();
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    const which = `repetition ${repetition} of ${repetitions}`;
    show(which);
    if (peers.length > 0) await delay(QUIET);
    ours.push(own());
    for (const turn of turns) {
      show(`${which}, ${turn.peer.name}`);
      await take(turn, one.name, seconds);
    }
  }
  return { ours: summary(ours), turns };
}

/** Units of work a second, from a figure in the case's unit. */
const perSecond = ({ unit }: Case, median: number) => (unit === 'us/char' ? 1e6 / median : median);

function describe(one: Case, figure: Figure, { peak, setting }: Run): Ours {
  const units = perSecond(one, figure.median);
  const gflops = (units * one.flop) / 1e9;
  const base = { ...figure, gflops, share: gflops / peak };
  const bar = barOf(one.name, setting);
  const withBar = bar === undefined ? base : { ...base, bar };
  if (one.bytes === undefined) return withBar;
  const gbytes = (units * one.bytes) / 1e9;
  const bandwidth = measuredBandwidth(one.bytes);
  return { ...withBar, traffic: { gbytes, bandwidth, share: gbytes / bandwidth } };
}

/** Runs a case. @throws Error where its result is wrong. */
export async function run(one: Case, options: Run): Promise<Outcome> {
  options.progress.show(`${one.name}: checking`);
  one.check();
  const { ours: figure, turns } = await alternate(one, options);
  one.release?.();
  const measured = turns
    .filter(({ figures }) => figures.length > 0)
    .map(({ peer, figures }) => [peer, summary(figures)] as const);
  const ours = describe(one, figure, options);
  const comparison = compare(one, figure, measured, options.setting);
  return {
    ours,
    theirs: measured.map(([peer, their]) => ({
      peer: peer.name,
      figure: their,
      ratio: ratioOf(one.unit, figure.median, their.median),
    })),
    absent: turns.flatMap(({ peer, error }) => (error === undefined ? [] : [{ peer: peer.name, why: error }])),
    ...(comparison && { comparison }),
  };
}

/** How this process runs. */
export function currentSetting(kind: Setting['kind'], processors: number): Setting {
  const { tier, threads } = machine();
  return { kind, tier, threads, processors };
}
