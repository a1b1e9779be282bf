/** Half-written files that a killed process left behind: recognised by their names, which say who was writing. */
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hashText } from '../../random.js';

const form = /^\..*\.oxbow-([0-9a-f]+)-(\d+)-(\d+)-[0-9a-f-]+\.tmp$/su;

/** After so long without a byte, a file of a process that cannot be asked is an orphan. */
const FOREIGN_AGE = 24 * 60 * 60 * 1000;

/** A name for a file that this process writes, and that takes the given one's place. */
export async function temporaryName(name: string, unique: string): Promise<string> {
  const started = (await startOf(process.pid)) ?? 0;
  // Names have an end, in most systems after 255 bytes.
  return `.${name.slice(0, 40)}.oxbow-${await machineTag()}-${process.pid}-${started}-${unique}.tmp`;
}

/** Removes from a folder what processes that are gone were writing. What cannot be removed stays. */
export async function removeOrphans(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    const [, tag, pid, started] = form.exec(name) ?? [];
    if (pid === undefined) continue;
    const path = join(folder, name);
    const gone = tag === (await machineTag()) ? await isGone(Number(pid), Number(started)) : await isOld(path);
    if (gone) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** Processes that share a folder need not share process numbers: another machine, or another container on this one. */
async function machineTag(): Promise<string> {
  const numbers = await readlink('/proc/self/ns/pid').catch(() => '');
  return hashText(`${hostname()} ${numbers}`).toString(16);
}

/** A process is distinguished from a later one of the same number by when it started; where that is not known, it is taken for it. */
export async function isGone(pid: number, started: number): Promise<boolean> {
  const now = await startOf(pid);
  if (now !== undefined) return started !== 0 && now !== started;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** When a process started, in ticks of the system's clock; 0 where it has ended and nobody has asked how. */
export async function startOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  // After the program's name, which may have blanks and brackets in it, come the state, 3, and 19 fields on the start, 22.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return undefined;
  return fields[0] === 'Z' || fields[0] === 'X' ? 0 : Number(fields[19]);
}

async function isOld(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return there !== undefined && Date.now() - there.mtimeMs > FOREIGN_AGE;
}
