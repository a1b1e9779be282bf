import { ARGS, FAILED } from '../control';
import { FailArguments } from './generated/arguments';

/** A job that fails on every thread but the one that forked, which waits for that: what tests lose a worker by. */
export function fail(args: FailArguments, member: i32): void {
  if (member != 0) unreachable();
  while (atomic.load<i32>(changetype<usize>(args) - ARGS, FAILED) == 0) {}
}
