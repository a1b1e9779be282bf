import { at } from './address';
import { ARGS, FINISHED } from '../control';

/**
 * args: y, how many chunks, 0. A worker holds its item until so many chunks are finished, and the thread that forked waits
 * for a worker to hold one: what tests have a straggler by. y gets the member that each item was done by.
 */
export function straggle(args: usize, from: i32, to: i32, member: i32): void {
  for (let item = from; item < to; item += 1) store<i32>(at(load<usize>(args), item), member);
  if (member == 0) {
    while (atomic.load<i32>(args, 8) == 0) {}
  } else {
    atomic.store<i32>(args, 1, 8);
    while (atomic.load<i32>(args - ARGS, FINISHED) < load<i32>(args, 4)) {}
  }
}
