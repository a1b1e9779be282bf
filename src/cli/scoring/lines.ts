/** Lines out of files and pipes, as they come. */
import { createReadStream } from 'node:fs';
import { Failure, messageOf } from '../shared/failure.js';

/** Characters after which a line is cut, so that a stream without line ends cannot fill the memory. */
const LONGEST = 65_536;

/** The bytes of files one after the other, or of stdin; a single `-` is stdin too. */
export async function* chunksOf(files: readonly string[], stopped: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const file of files.length === 0 ? ['-'] : files) {
    const source = file === '-' ? process.stdin : createReadStream(file);
    const close = () => source.destroy();
    stopped.addEventListener('abort', close, { once: true });
    if (stopped.aborted) close();
    try {
      yield* source as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (!stopped.aborted) {
        throw new Failure(`${file === '-' ? 'stdin' : file} cannot be read: ${messageOf(error)}; give files of text.`);
      }
    } finally {
      stopped.removeEventListener('abort', close);
      close();
    }
  }
}

/** A text's first code units, so many at most: no character is cut in two. */
export function startOf(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return text.slice(0, isHalf ? most - 1 : most);
}

/** The whole lines that each chunk completes. What is no UTF-8 is U+FFFD. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  const split = (text: string): string[] => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    while (rest.length > LONGEST) {
      const line = startOf(rest, LONGEST);
      lines.push(line);
      rest = rest.slice(line.length);
    }
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  };
  for await (const chunk of chunks) yield split(decoder.decode(chunk, { stream: true }));
  const last = split(decoder.decode());
  if (rest !== '') last.push(rest);
  yield last;
}
