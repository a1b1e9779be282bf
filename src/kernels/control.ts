/**
 * The words of a team's control block, in bytes from its start; those that several threads write have a cache line each.
 * Read by both sides, as `jobs.ts` is.
 */

export const GENERATION = 0; // counts forks; sleepers wait on it
export const UNCLAIMED = 64;
export const FINISHED = 128;
export const SLEEPERS = 192;
export const JOB = 256;
export const CHUNKS = 260;
export const ITEMS = 264;
export const GRAIN = 268;
export const MEMBERS = 272;
export const STOP = 276;
/** A member that failed leaves its number here. */
export const FAILED = 280;
export const SPINS = 284;
export const SCRATCH = 288;
/** Address of the running job's arguments: below, or in a program. */
export const ARGUMENTS = 292;
/** A word for each member: 1 while it holds a chunk. */
export const HOLDING = 320;
export const ARGS = 576;
/** Where it ends. */
export const CONTROL_BYTES = 832;

/** An entry of a program, in bytes: job, items, grain, a word left free, and the job's arguments. */
export const ENTRY_ARGS = 16;
export const ENTRY_BYTES = ENTRY_ARGS + CONTROL_BYTES - ARGS;
