import { at } from './address';
import { ARGS, FINISHED } from '../control';
import { StraggleArguments } from './generated/arguments';

/**
 * A worker holds its item until so many chunks are finished, and the thread that forked waits
 * for a worker to hold one: what tests have a straggler by. y gets the member that each item was done by.
 */
export function straggle(args: StraggleArguments, from: i32, to: i32, member: i32): void {
  for (let item = from; item < to; item += 1) store<i32>(at(args.y, item), member);
  if (member == 0) {
    while (atomic.load<i32>(changetype<usize>(args), offsetof<StraggleArguments>('held')) == 0) {}
  } else {
    atomic.store<i32>(changetype<usize>(args), 1, offsetof<StraggleArguments>('held'));
    while (atomic.load<i32>(changetype<usize>(args) - ARGS, FINISHED) < args.chunks) {}
  }
}
