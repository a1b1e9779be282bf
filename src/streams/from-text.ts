import type { Observable } from 'rxjs';
import { requireCount, requireKind } from '../checks.js';
import { checkedOptions } from '../options.js';
import { nextTurn } from './event-loop.js';
import { fromAsync } from './from-async.js';
import { BYTE_ORDER_MARK } from './text-encoding.js';

/**
 * A text as a stream of chunks, each of the given number of code points (the last one may be shorter). A byte-order mark at
 * its start, which stays where a file is read as a string, is left out.
 *
 * A pull source: a chunk is cut when the pipeline has dealt with the one before and the event loop has had a turn.
 *
 * @throws RangeError where the chunk is not a whole number of at least 1.
 * @example
 * fromText('Call me Ishmael.', { chunk: 4 }) // 'Call', ' me ', 'Ishm', 'ael.'
 */
export function fromText(text: string, options: { readonly chunk?: number } = {}): Observable<string> {
  const { chunk = 4096 } = checkedOptions('fromText', options, { chunk: true });
  requireKind('fromText', typeof text === 'string', 'a text', text, 'read a file by fromFile()');
  requireCount('fromText', 'chunk', chunk);

  function endOfChunk(start: number): number {
    let end = start;
    for (let count = 0; count < chunk && end < text.length; count += 1) {
      end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
    }
    return end;
  }

  async function* read(): AsyncGenerator<string> {
    for (let start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0; start < text.length; ) {
      const end = endOfChunk(start);
      yield text.slice(start, end);
      start = end;
      await nextTurn();
    }
  }
  return fromAsync(read);
}
