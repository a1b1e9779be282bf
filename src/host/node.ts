/** Node. Nothing outside of `host` imports a module of Node's. */
import { readFileSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Host } from './host.js';
import { crc32 } from './node/crc32.js';
import { onEnding } from './node/ending.js';
import { prepareTier } from './node/flags.js';
import { holdFolder } from './node/hold-folder.js';
import { exists, openFile, openSource } from './node/open.js';
import { replaceFile } from './node/replace-file.js';
import { startLeader, startMember } from './node/threads.js';

function addressSpaceLeft(): number {
  const numberIn = (file: string, what: RegExp) => Number(what.exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN);
  try {
    const limit = numberIn('/proc/self/limits', /^Max address space\s+(\d+)/m);
    if (Number.isNaN(limit)) return Number.POSITIVE_INFINITY;
    const taken = 1024 * numberIn('/proc/self/status', /^VmSize:\s+(\d+) kB/m);
    return Number.isNaN(taken) ? Number.POSITIVE_INFINITY : limit - taken;
  } catch {
    // Another system, or files that this process may not read.
    return Number.POSITIVE_INFINITY;
  }
}

export const host: Host = {
  isPage: false,
  processors: availableParallelism,
  environment: (name) => process.env[name] || undefined,
  addressSpaceLeft,
  prepareTier,
  warn: (message, code) => process.emitWarning(message, { type: 'OxbowWarning', code }),
  startMember,
  startLeader,
  workersFrom: undefined,
  remedies: {
    threads:
      "Let the process have threads (Node's --allow-worker, its limits of threads and of memory), or ask for fewer by " +
      'configure({ threads }) or OXBOW_THREADS',
    someMemory: "raise the process's limit (ulimit -v)",
    noMemory:
      "raise the process's limit (ulimit -v), or start Node with --disable-wasm-trap-handler, with which it reserves less",
  },
  onEnding,
  crc32,
  pathOf: join,
  exists,
  openFile,
  openSource,
  replaceFile,
  renameFile: rename,
  removeFile: (path) => rm(path, { force: true }),
  namesIn: (folder) => readdir(folder),
  holdFolder,
};
