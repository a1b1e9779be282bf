import { concatMap, from, type Observable } from 'rxjs';
import type { Tensor } from '../../tensor.js';
import type { SignalWindow } from '../window.js';
import { windows } from '../windows.js';
import { type LiveWindow, liveWindows, type Voice } from './live-window.js';
import { type CutOptions, requireOneLane } from './options.js';

/** One source, whose pieces are the lanes in turn. */
export function cutInTurn<V>(
  source: Observable<V>,
  { batch, length, cut, ...options }: CutOptions<V, unknown, unknown>,
) {
  function* piecesOf({ input, target }: SignalWindow<Tensor>, before: number): Generator<LiveWindow> {
    requireOneLane(input);
    const all = input.shape[0] as number;
    // Of the last ones, which may be shorter.
    const each = Math.ceil(all / batch);
    const made = liveWindows('liveLanes', batch, length);
    const voices = Array.from(
      { length: Math.ceil(all / each) },
      (_, k): Voice => ({ source: before + k, at: 0, last: undefined }),
    );
    for (let at = 0; at < each; at += length) {
      voices.forEach((voice, lane) => {
        const start = lane * each;
        made.put(lane, voice, input, target, start + at, Math.min(all, start + Math.min(each, at + length)));
      });
      yield made.take();
    }
  }
  return source.pipe(
    windows<V, unknown, unknown>({ ...options, length: batch * cut }),
    concatMap((block, k) => from(piecesOf(block, k * batch))),
  );
}
