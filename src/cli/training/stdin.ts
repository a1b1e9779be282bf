/** What is piped in, as windows to learn from as it arrives. */
import type { Observable } from 'rxjs';
import { listening } from '../../streams/coder.js';
import { fromAsync } from '../../streams/from-async.js';
import { tokens } from '../../streams/tokens.js';
import type { SymbolWindow } from '../../streams/window.js';
import { type WindowPosition, windows } from '../../streams/windows.js';
import type { LanguageRun } from './run.js';

/**
 * A stream's chunks in pieces of a window's size, so that a chunk of many windows leaves Ctrl-C and samples their turn
 * in between. A mark of byte order is no part of the text; what is not UTF-8 is reported once, and learnt as U+FFFD.
 */
async function* pieces(input: NodeJS.ReadStream, size: number, odd: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let reported = false;
  const cut = function* (text: string) {
    if (!reported && /[\0\uFFFD]/.test(text)) {
      reported = true;
      odd();
    }
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  };
  for await (const chunk of input as AsyncIterable<Uint8Array>) yield* cut(decoder.decode(chunk, { stream: true }));
  yield* cut(decoder.decode());
}

const oddInput =
  'stdin: what is piped in is not all text in UTF-8 (it has NULs, or bytes that are no character); it is learnt as it is. ' +
  'Convert it first: iconv -f UTF-16 -t UTF-8 text.txt, and pipe that in.';

/** Windows of one lane. A live stream does not end because of one symbol: those that the model does not know are passed over, or it grows by them. */
export function pipedWindows({ vocab, recipe, goingOn, pipedAgain, screen }: LanguageRun): Observable<SymbolWindow> {
  const { length } = recipe;
  // What the windows themselves have said of their place, as it was kept with the run; they look at it.
  const from = pipedAgain ? (goingOn?.position as WindowPosition | undefined) : undefined;
  return fromAsync(pieces(process.stdin, length, () => screen.note(oddInput))).pipe(
    tokens(listening(vocab)),
    windows({ length, from }),
  );
}
