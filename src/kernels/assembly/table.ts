import { copyRow } from './elementwise';
import {
  CountFromArguments, GatherArguments, MoveRecordsArguments, OneHotArguments, ScatterAddArguments,
} from './generated/arguments';

/** Items: rows of y. Ids were checked before. */
export function gather(args: GatherArguments, from: i32, to: i32): void {
  const table = args.table;
  const ids = args.ids;
  const y = args.y;
  const bytes = (<usize>args.columns) << 2;
  for (let row = from; row < to; row += 1) {
    memory.copy(y + <usize>row * bytes, table + <usize>load<i32>(ids + ((<usize>row) << 2)) * bytes, bytes);
  }
}

/** Items: rows of y. */
export function oneHot(args: OneHotArguments, from: i32, to: i32): void {
  const ids = args.ids;
  const y = args.y;
  const bytes = (<usize>args.columns) << 2;
  memory.fill(y + <usize>from * bytes, 0, <usize>(to - from) * bytes);
  for (let row = from; row < to; row += 1) {
    store<f32>(y + <usize>row * bytes + ((<usize>load<i32>(ids + ((<usize>row) << 2))) << 2), 1);
  }
}

/** Items: lanes. Parts are whole float32s or int32s; a record is one lane's, so none is written twice. */
export function moveRecords(args: MoveRecordsArguments, from: i32, to: i32): void {
  const records = args.records;
  const back = args.back;
  const end = args.parts + <usize>args.howMany * 12;
  for (let lane = from; lane < to; lane += 1) {
    const record = <usize>load<u32>(records + ((<usize>lane) << 2));
    for (let part = args.parts; part < end; part += 12) {
      const bytes = <usize>load<u32>(part, 8);
      const kept = record + <usize>load<u32>(part);
      const row = <usize>load<u32>(part, 4) + <usize>lane * bytes;
      if (back) copyRow(row, kept, bytes);
      else copyRow(kept, row, bytes);
    }
  }
}

/** `start` is one number a lane. Items: ids. They count from the start on, and stay at the last one. */
export function countFrom(args: CountFromArguments, from: i32, to: i32): void {
  const lanes = args.lanes;
  const highest = args.below - 1;
  for (let k = from; k < to; k += 1) {
    const start = <i32>load<f32>(args.start + ((<usize>(k % lanes)) << 2));
    store<i32>(args.ids + ((<usize>k) << 2), min(start + k / lanes, highest));
  }
}

/**
 * Items: rows of the table y, so that each row is one thread's and gains
 * its gradients in the order of the ids.
 */
export function scatterAdd(args: ScatterAddArguments, from: i32, to: i32): void {
  const gradient = args.gradient;
  const ids = args.ids;
  const count = args.count;
  const y = args.y;
  const columns = args.columns;
  const bytes = (<usize>columns) << 2;
  memory.fill(y + <usize>from * bytes, 0, <usize>(to - from) * bytes);
  for (let k = 0; k < count; k += 1) {
    const id = load<i32>(ids + ((<usize>k) << 2));
    if (id < from || id >= to) continue;
    let source = gradient + <usize>k * bytes;
    let target = y + <usize>id * bytes;
    for (const end = target + (bytes & ~31); target < end; target += 32, source += 32) {
      const a = f32x4.add(v128.load(target), v128.load(source));
      const b = f32x4.add(v128.load(target, 16), v128.load(source, 16));
      v128.store(target, a);
      v128.store(target, b, 16);
    }
    for (let rest = bytes & 31; rest > 0; rest -= 4, target += 4, source += 4) {
      store<f32>(target, load<f32>(target) + load<f32>(source));
    }
  }
}
