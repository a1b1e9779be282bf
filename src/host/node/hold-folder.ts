/**
 * Folders that one process holds at a time, and none that is dead.
 *
 * Locks are numbered, `.lock-1`, `.lock-2`; the highest says who holds the folder. It appears whole or not at all, by a link to a
 * file that was written before. To take the folder is to make the next one, which of several processes that try only one can; to let
 * it go is to write into one's own that it is free. The highest is never removed, so that a process that looked long ago makes either
 * the next one or one below it, and sees that. A lock that is removed to be made anew could be removed by somebody who has in mind the
 * one before it.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { FolderHolder, HeldFolder } from '../host.js';
import { isGone, removeOrphans, startOf, temporaryName } from './orphans.js';
import { syncFolder } from './replace-file.js';

/** Who holds a folder. A process differs from a later one of its number by when it started, in ticks since its system did. */
interface Holder {
  readonly pid: number;
  /** 0 where the system does not say. */
  readonly started: number;
  readonly host: string;
  /** Which start of the host it was; empty where the system does not say. */
  readonly boot: string;
}

const FREE = '{"free":true}\n';

const nameOf = (number: number): string => `.lock-${number}`;

/** The highest lock's number among the names in a folder; 0 where there is none. */
const highest = (names: readonly string[]): number =>
  Math.max(0, ...names.map((name) => Number(/^\.lock-([1-9]\d{0,14})$/.exec(name)?.[1] ?? 0)));

/** Lets go of what is held where the process ends. */
const held = new Set<() => void>();
let isListening = false;
/** Locks that this process has let go, and could not write so. */
const unheld = new Set<string>();

export async function holdFolder(given: string, takeOver: boolean): Promise<HeldFolder | FolderHolder> {
  const path = await madeFolder(given);
  const self: Holder = {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? 0,
    host: hostname(),
    boot: await readFile('/proc/sys/kernel/random/boot_id', 'latin1').then(
      (text) => text.trim(),
      () => '',
    ),
  };
  const taken = await take(path, self, takeOver);
  if (typeof taken !== 'number') return taken;
  await removeOrphans(path);
  return heldFolder(path, taken);
}

function heldFolder(path: string, number: number): HeldFolder {
  const own = join(path, nameOf(number));
  function lost(): FolderHolder | undefined {
    const now = highest(readdirSync(path));
    if (now === number) return undefined;
    const holder = now > 0 ? holderIn(readFileSync(join(path, nameOf(now)), 'utf8')) : undefined;
    const who = holder ? `process ${holder.pid} of ${holder.host} has taken it over` : `its ${nameOf(number)} is gone`;
    return said(holder, `is not held by this process any more: ${who}; open it anew.`);
  }
  function release(): void {
    unheld.add(own);
    const temporary = `${own}.${randomUUID()}`;
    try {
      if (!lost()) {
        writeFileSync(temporary, FREE, { flag: 'wx', flush: true });
        renameSync(temporary, own);
      }
      held.delete(release);
      unheld.delete(own);
    } catch {
      // A folder that is gone, or on a disk that is full or read-only: it is tried again where the process ends, which holds it no longer
      // than it lives.
      quietly(() => rmSync(temporary, { force: true }));
    }
  }
  held.add(release);
  if (!isListening) process.on('exit', () => held.forEach((each) => void each()));
  isListening = true;
  return { path, lost, release };
}

/**
 * Removes a folder that has nothing but locks, none of which another process holds; false where it has more, or is held. A process that
 * takes the folder meanwhile keeps it: locks are removed one by one, and then the folder only if it is empty.
 */
export function removeUnheld(path: string): boolean {
  const names = readdirSync(path);
  const isOwn = (name: string) => {
    const text = readFileSync(join(path, name), 'utf8');
    return text === FREE || holderIn(text)?.pid === process.pid;
  };
  if (names.some((name) => highest([name]) === 0 || !isOwn(name))) return false;
  for (const name of names) rmSync(join(path, name), { force: true });
  rmdirSync(path);
  return true;
}

/** Makes the next lock, where the last one holds no more; its number, or who has the folder. */
async function take(path: string, self: Holder, takeOver: boolean): Promise<number | FolderHolder> {
  for (;;) {
    const last = highest(await readdir(path));
    const before = last > 0 ? await stateOf(path, last, self, takeOver) : 'free';
    if (before === 'changed') continue;
    if (before !== 'free') return before;
    const number = last + 1;
    if (!(await isMade(path, number, self))) continue;
    const names = await readdir(path);
    if (highest(names) !== number) {
      // Others came before, so far that the one of this number had been removed already.
      await rm(join(path, nameOf(number)), { force: true });
      continue;
    }
    const others = names.filter((name) => name.startsWith('.lock-') && name !== nameOf(number));
    for (const name of others) await rm(join(path, name), { force: true });
    return number;
  }
}

/** Whether a lock holds the folder no more, or is there no more; otherwise who holds it. */
async function stateOf(
  path: string,
  number: number,
  self: Holder,
  takeOver: boolean,
): Promise<'free' | 'changed' | FolderHolder> {
  const name = nameOf(number);
  const text = await readFile(join(path, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return 'changed';
  if (text === FREE) return 'free';
  const holder = holderIn(text);
  if (holder?.host !== self.host) {
    if (takeOver) return 'free';
    const who = holder
      ? `process ${holder.pid} of another host, ${holder.host}, which cannot be asked whether it lives`
      : 'a process whose lock cannot be read';
    return said(holder, `is held by ${who}; where it is gone for certain, give takeOver: true, or remove ${name}.`);
  }
  if (holder.boot !== '' && self.boot !== '' && holder.boot !== self.boot) return 'free';
  if (holder.pid === self.pid && holder.started === self.started && unheld.has(join(path, name))) return 'free';
  if (await isGone(holder.pid, holder.started)) return 'free';
  const who = holder.pid === self.pid ? `this process, ${self.pid}` : `process ${holder.pid}`;
  return said(holder, `is held by ${who} of ${self.host}, which lives; end it, or give another folder.`);
}

const said = (holder: Holder | undefined, message: string): FolderHolder => ({
  pid: holder?.pid,
  host: holder?.host,
  message,
});

/** Makes a lock, whole; false where there is one of that number. */
async function isMade(path: string, number: number, self: Holder): Promise<boolean> {
  const text = `${JSON.stringify(self)}\n`;
  const own = join(path, nameOf(number));
  const temporary = join(path, await temporaryName(nameOf(number), randomUUID()));
  try {
    await writeNew(temporary, text);
    await link(temporary, own).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error;
      // A file system without links. A process that reads in between finds a lock that cannot be read.
      return writeNew(own, text);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function holderIn(text: string): Holder | undefined {
  try {
    const { pid, started, host, boot } = JSON.parse(text) as Holder;
    const isSound =
      Number.isSafeInteger(pid) &&
      Number.isSafeInteger(started) &&
      typeof host === 'string' &&
      typeof boot === 'string';
    return isSound ? { pid, started, host, boot } : undefined;
  } catch {
    return undefined;
  }
}

/** Makes a folder, durably, where there is none; where it is. */
async function madeFolder(given: string): Promise<string> {
  await makeWithParents(resolve(given));
  return realpath(given);
}

/**
 * One folder after the other, since Node's `recursive` never ends where the system says ENOENT of a folder that it will not make, as below
 * /proc.
 */
async function makeWithParents(path: string): Promise<void> {
  if (await isFolder(path)) return;
  await makeWithParents(dirname(path));
  try {
    await mkdir(path);
  } catch (error) {
    // Another process may have been faster.
    if (!(await isFolder(path))) throw error;
  }
  await syncFolder(dirname(path));
}

/** False where there is nothing, and where there is something else, of which `mkdir` says what. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // What comes of it is nothing to anybody.
  }
}
