/** `oxbow doctor`: what this machine gives, and what stands in the way of more. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { host } from '#host';
import { revectorizeFlag } from '../host/node/flags.js';
import { machine as ofProcess } from '../kernels/machine.js';
import { version } from '../version.js';
import { type MachineChoice, positive } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { messageOf } from './shared/failure.js';
import { bytes, count, several } from './shared/numbers.js';
import { measure, workloads } from './shared/workloads.js';

interface DoctorOptions extends MachineChoice {
  readonly folder: string;
  readonly seconds: number;
  readonly json?: true;
}

/** Something that was looked at: `ok`, something to know, or something wrong. */
interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'note' | 'wrong';
  readonly value: unknown;
  readonly text: string;
  /** What to do, where it is not all it could be. */
  readonly remedy?: string;
}

export function doctorCommand(): Command {
  const made = command(
    'doctor',
    'What this machine gives: Node, kernels, threads, memory, speed, disk. Exit code 1 where something is wrong.',
    [
      ['oxbow doctor', 'looks at all of it, in some seconds'],
      ['oxbow doctor --folder /var/lib/oxbow --json', 'with the disk that runs are to be kept on, for a program'],
    ],
  )
    .option('--folder <path>', 'where runs are to be kept', '.')
    .option('--seconds <n>', 'how long the speed is measured', positive(), 5);
  return withJson(withMachine(made), 'each finding').action((options: DoctorOptions) =>
    inContext(options, (context) => doctor(options, context)),
  );
}

async function doctor(options: DoctorOptions, { screen, ending }: Context): Promise<number> {
  let wrong = 0;
  const looks = [
    ['node', node],
    ['kernels', () => kernels(options)],
    ['threads', threads],
    ['memory', memory],
    ['disk', () => disk(options.folder)],
    ['speed', () => speed(options.seconds, ending.requested)],
  ] as const;
  for (const [name, look] of looks) {
    if (ending.requested()) break;
    const { state, value, text, remedy } = await attempt(name, look);
    if (state === 'wrong') wrong += 1;
    screen.say(
      `${state.padEnd(6)} ${name.padEnd(8)} ${text}${remedy === undefined ? '' : `\n${' '.repeat(16)}${remedy}`}`,
    );
    screen.record({ name, state, value, text, remedy });
  }
  return wrong > 0 ? 1 : 0;
}

/** What cannot even be looked at is wrong. */
async function attempt(
  name: string,
  look: () => Omit<Finding, 'name'> | Promise<Omit<Finding, 'name'>>,
): Promise<Finding> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, state: 'wrong', value: null, text: messageOf(error) };
  }
}

const major = Number(process.versions.node.split('.')[0]);
const LEAST_NODE = 20;
/** The first whose V8 widens the kernels of the widest tier. */
const WIDE_NODE = 24;

function node(): Omit<Finding, 'name'> {
  const { node: own, v8 } = process.versions;
  const value = { node: own, v8, package: version, platform: process.platform, arch: process.arch };
  const text = `Node ${own} (V8 ${v8}), oxbow ${version}, ${process.platform} ${process.arch}`;
  if (major < LEAST_NODE)
    return { state: 'wrong', value, text, remedy: `The package needs Node ${LEAST_NODE}.10 or later.` };
  return { state: 'ok', value, text };
}

function kernels(options: MachineChoice): Omit<Finding, 'name'> {
  chooseMachine(options);
  const { tier } = ofProcess();
  const asked = options.tier ?? host.environment('OXBOW_TIER');
  const value = { tier, asked: asked ?? null };
  const text = `tier ${tier}${asked === undefined ? '' : ', as was asked'}`;
  if (tier === 'wide') return { state: 'ok', value, text: `${text}, the best there is` };
  const remedy =
    asked !== undefined
      ? 'Without --tier and OXBOW_TIER the best one that works here is taken.'
      : revectorizeFlag(process.versions.v8) === undefined
        ? `Node ${major} has no wide tier, which is faster; take Node ${WIDE_NODE} or later.`
        : 'The wide tier is no faster on this processor, or its V8 does not take it; nothing is to be done.';
  return { state: 'note', value, text, remedy };
}

function threads(): Omit<Finding, 'name'> {
  const processors = availableParallelism();
  const { threads: used, shared } = ofProcess();
  const value = { threads: used, processors, shared };
  const text = `${several(used, 'thread')} on ${several(processors, 'processor')}, memory ${shared ? '' : 'not '}shared`;
  if (!shared)
    return {
      state: 'wrong',
      value,
      text,
      remedy: 'Without shared memory all is done on one thread; let Node have SharedArrayBuffer.',
    };
  if (used >= Math.min(64, processors)) return { state: 'ok', value, text };
  return {
    state: 'note',
    value,
    text,
    remedy: 'Fewer threads than processors were asked for, by --threads or OXBOW_THREADS, or could be had.',
  };
}

/** Less than that is no room for a model and its training. */
const LEAST_MEMORY = 512 * 2 ** 20;

function memory(): Omit<Finding, 'name'> {
  const { memory: own } = ofProcess();
  const constrained = process.constrainedMemory?.() ?? 0;
  // What Node says where there is no limit is a number beyond all memory.
  const limit = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  const value = { kernels: own.limit, process: limit, free: freemem(), addressSpace: host.addressSpaceLeft() };
  const text = `kernels up to ${bytes(own.limit)}; process up to ${bytes(limit)}, ${bytes(value.free)} free on the machine`;
  if (limit >= LEAST_MEMORY) return { state: 'ok', value: finite(value), text };
  return { state: 'wrong', value: finite(value), text, remedy: `Give the process at least ${bytes(LEAST_MEMORY)}.` };
}

/** JSON knows no infinity. */
const finite = (record: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, Number.isFinite(value) ? value : null]));

const ROUNDS = 9;
/** A checkpoint waits for it some times, so that a second is much. */
const SLOW_MS = 200;

async function disk(folder: string): Promise<Omit<Finding, 'name'>> {
  let place: string | undefined;
  try {
    place = await mkdtemp(join(folder, '.oxbow-doctor-'));
    const file = await open(join(place, 'file'), 'w');
    const times: number[] = [];
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        await file.write(new Uint8Array(65_536), 0, 65_536, 0);
        const from = performance.now();
        await file.sync();
        times.push(performance.now() - from);
      }
    } finally {
      await file.close();
    }
    const median = times.sort((a, b) => a - b)[ROUNDS >> 1] as number;
    const value = { folder, fsyncMs: median, worstMs: times.at(-1) };
    const text = `${folder} can be written to; fsync of 64 KiB takes ${median.toFixed(1)} ms`;
    if (median < SLOW_MS) return { state: 'ok', value, text };
    return {
      state: 'note',
      value,
      text,
      remedy: 'A checkpoint takes its time there; save seldom, or on another disk.',
    };
  } catch (error) {
    return {
      state: 'wrong',
      value: { folder },
      text: `${folder} cannot be written to: ${messageOf(error)}`,
      remedy: 'Give a folder for runs by --folder.',
    };
  } finally {
    if (place !== undefined) await rm(place, { recursive: true, force: true });
  }
}

async function speed(seconds: number, isOver: () => boolean): Promise<Omit<Finding, 'name'>> {
  const [train, generate] = workloads as [(typeof workloads)[0], (typeof workloads)[0]];
  const learnt = await measure(train, seconds / 2, isOver);
  const said = await measure(generate, seconds / 2, isOver);
  const value = { trainingPerSecond: learnt.perSecond, generationPerSecond: said.perSecond };
  const text = `learns ${count(learnt.perSecond)} characters/s, generates ${count(said.perSecond)} symbols/s (lstm 256)`;
  return { state: 'ok', value, text };
}
