import type { Observable } from 'rxjs';
import { requireCount, requireKind } from '../checks.js';
import { checkedOptions } from '../options.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { withPositions } from './positioned.js';
import { BYTE_ORDER_MARK } from './text-encoding.js';

/** A place in a text, in UTF-16 code units. */
export interface TextPosition {
  readonly offset: number;
}

/** The options of {@link fromText}. */
export interface FromTextOptions {
  /** Code points of a chunk. Default 4096. */
  readonly chunk?: number | undefined;
  /** Where to begin. Default the start. */
  readonly from?: TextPosition | undefined;
}

/**
 * A text as a stream of chunks, each of the given number of code points (the last one may be shorter). A byte-order mark at
 * its start, which stays where a file is read as a string, is left out.
 *
 * A pull source: a chunk is cut when the pipeline has dealt with the one before and the event loop has had a turn.
 *
 * @param text of any length.
 * @param options how many code points a chunk has, default 4096, and the position to begin at, as `positionNow` and `resume` give it.
 * @returns its chunks; each subscription starts over.
 * @throws TypeError where an option is not known.
 * @throws RangeError where the chunk is not a whole number of at least 1.
 * @example
 * fromText('Call me Ishmael.', { chunk: 4 }) // 'Call', ' me ', 'Ishm', 'ael.'
 */
export function fromText(text: string, options: FromTextOptions = {}): Observable<string> {
  const { chunk = 4096, from } = checkedOptions('fromText', options, { chunk: true, from: true });
  requireKind('fromText', typeof text === 'string', 'a text', text, 'read a file by fromFile()');
  requireCount('fromText', 'chunk', chunk);
  const first = from?.offset ?? (text.startsWith(BYTE_ORDER_MARK) ? 1 : 0);
  requireCount('fromText', 'from.offset', first, 0, text.length);

  function endOfChunk(start: number): number {
    let end = start;
    for (let count = 0; count < chunk && end < text.length; count += 1) {
      end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
    }
    return end;
  }

  async function* read(): AsyncGenerator<readonly [string, TextPosition]> {
    for (let start = first; start < text.length; ) {
      const end = endOfChunk(start);
      yield [text.slice(start, end), { offset: end }];
      start = end;
      await nextTurn();
    }
  }
  return fromAsync(read).pipe(withPositions());
}
