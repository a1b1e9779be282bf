/** What the library needs of the place it runs in. `#host` is Node's or a browser's, as the package's conditions have it. */

/** The tiers, best first. */
export const tierNames = ['wide', 'fma', 'simd'] as const;

/** How the kernels use the processor's vectors; `docs/architecture.md` has the table. */
export type Tier = (typeof tierNames)[number];

/** A thread that serves a team; it never keeps the process alive. */
export interface Member {
  /** Ends the thread; the promise settles when it is gone. */
  stop(): Promise<unknown>;
}

export interface Seat {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly team: number;
  readonly member: number;
  /** Whether other threads come first where there are too few processors, in so far as the system lets a thread say so. */
  readonly background: boolean;
  /** Indices of words, 32 bits each: where a member that fails leaves its number, and what counts forks and finished chunks. */
  readonly words: { readonly failed: number; readonly generation: number; readonly finished: number };
}

/** A thread that leads a team: it runs programs, one at a time. It keeps a process alive while it does. */
export interface Leader extends Member {
  run(program: number, forks: number): void;
}

export interface LeaderSeat extends Seat {
  /** How often a fork that waits in vain looks around until it gives up. */
  readonly patience: number;
}

/**
 * What a worker does with its `seat`. As text it needs no file of its own, so it runs from sources, from a bundle and under a
 * test runner alike.
 */
export const SERVING = `
  const { module, memory, team, member, words } = seat;
  const { serve } = new WebAssembly.Instance(module, { env: { memory }, team: { stalled() {} } }).exports;
  try {
    serve(team, member);
  } catch (error) {
    // The thread that forked may be waiting in the kernels, where no event reaches it.
    Atomics.store(new Int32Array(memory.buffer), words.failed, member);
    throw error;
  }
`;

/**
 * What a leader does with its `seat`: it gives `onProgram`, and calls `done` after each. While it waits it looks at no clock, as
 * a team's leader does; see `kernels/team.ts`.
 */
export const LEADING = `
  const { module, memory, team, words, patience } = seat;
  const word = (index) => Atomics.load(new Int32Array(memory.buffer), index);
  let progress = '';
  let looks = 0;
  const stalled = () => {
    const failed = word(words.failed);
    if (failed !== 0) throw new Error('its worker ' + failed + ' is gone within a kernel');
    const now = word(words.generation) + ' ' + word(words.finished);
    looks = now === progress ? looks + 1 : 0;
    progress = now;
    if (looks >= patience) throw new Error('one of its workers has held its share of a kernel for ' + patience / 100 + ' s');
  };
  const { replay } = new WebAssembly.Instance(module, { env: { memory }, team: { stalled } }).exports;
  const onProgram = ([program, forks]) => {
    replay(team, program, forks);
    done();
  };
`;

/** A file that is read from its start to its end. */
export interface OpenFile {
  stat(): Promise<{ readonly size: number }>;
  read(target: Uint8Array, offset: number, length: number, position: null): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** Bytes by path: read when they are asked for, or, of a pipe or a terminal, as they come. */
export type ByteSource =
  // From its first byte on.
  AsyncIterable<Uint8Array> | { read(target: Uint8Array): Promise<number>; close(): Promise<void> };

export interface Host {
  /** Whether the calling thread is a page's own, which shows the page and must not be held for long. */
  readonly isPage: boolean;
  /** Processors that may be used. */
  processors(): number;
  /** A setting from the environment, if there is one. */
  environment(name: string): string | undefined;
  /** Bytes of address space that may still be taken; Infinity where no limit is known. */
  addressSpaceLeft(): number;
  /** Whether a tier can be had here; switches on what it needs. */
  prepareTier(tier: Tier): boolean;
  /** Warns the user of something that went wrong and is dealt with. */
  warn(message: string, code: string): void;
  /**
   * Starts a thread on a seat; `lost` is called once if it ends in any way but `stop`, and whether it could be started at all.
   *
   * @throws whatever keeps threads from starting here.
   */
  startMember(seat: Seat, lost: (reason: Error, started: boolean) => void): Member;
  /**
   * Starts a thread that leads a team; `done` is called after each program, `lost` as of a member.
   *
   * @throws whatever keeps threads from starting here.
   */
  startLeader(seat: LeaderSeat, done: () => void, lost: (reason: Error, started: boolean) => void): Leader;
  /** Takes the script of workers from there, instead of making it here; undefined where workers need none. */
  readonly workersFrom: ((url: string | URL) => void) | undefined;
  /** What to do, in messages, to have more threads, and more memory. */
  readonly remedies: {
    readonly threads: string;
    readonly someMemory: string;
    readonly noMemory: string;
  };

  /**
   * Has something done before a signal ends the process, where there are signals, until the function is called that is returned.
   */
  onEnding(save: () => Promise<unknown>): () => void;

  /** The CRC-32 of bytes that follow others, whose own is given, or 0 where there are none. */
  crc32(bytes: Uint8Array, before: number): number;
  /** The path of a file in a folder. */
  pathOf(folder: string, name: string): string;
  exists(path: string): Promise<boolean>;
  /** Opens a file; a pipe or a folder is an error. */
  openFile(path: string): Promise<OpenFile>;
  /** Opens what may be a pipe or a terminal as well, a file at a byte of it; undefined where the signal came first. */
  openSource(path: string | URL, signal: AbortSignal, start: number): Promise<ByteSource | undefined>;
  /**
   * Writes a file that is seen as a whole or not at all; a piece is asked for once the last one is written.
   *
   * @param start given the CRC-32 of all pieces, gives what is written over the first of their bytes; nothing is, without it.
   */
  replaceFile(
    path: string,
    pieces: () => Iterable<Uint8Array>,
    start?: (checksum: number) => Uint8Array,
  ): Promise<void>;
  renameFile(from: string, to: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** The names in a folder. */
  namesIn(folder: string): Promise<readonly string[]>;
  /**
   * Makes a folder where there is none, holds it for this process alone, and removes what writers left in it that are gone.
   *
   * @param takeOver whether to take it from another host, whose processes cannot be asked whether they live.
   * @returns the folder, or who has it.
   */
  holdFolder(path: string, takeOver: boolean): Promise<HeldFolder | FolderHolder>;
}

/** Another process that holds a folder, in so far as that is known. */
export interface FolderHolder {
  readonly pid: number | undefined;
  readonly host: string | undefined;
  /** What a message says of the folder: how it is held, and what to do. */
  readonly message: string;
}

/** A folder that this process alone writes into, for as long as it has not let it go. */
export interface HeldFolder {
  /** Where it is, whatever the working directory is later. */
  readonly path: string;
  /** Who has taken it over; undefined while nobody has. */
  lost(): FolderHolder | undefined;
  /** Lets it go; a process that ends has done so. */
  release(): void;
}

/** The kernels' bytes. `#kernels` has them next to it, in it, or to be waited for. */
export interface Kernels {
  /** A tier's, undefined where they are not there yet. */
  bytes(tier: Tier): Uint8Array | undefined;
  /** Brings a tier's, from a folder where one is given; without it they are there. */
  load?(tier: Tier, folder?: string | URL): Promise<Uint8Array | undefined>;
}
