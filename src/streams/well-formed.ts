import { concat, defer, filter, map, type OperatorFunction, of } from 'rxjs';
import { BYTE_ORDER_MARK } from './text-encoding.js';

/** Stands for what cannot be read: half of a surrogate pair, bytes that are no UTF-8. */
const REPLACEMENT_CHARACTER = '\uFFFD';

/** The text with each lone surrogate replaced by U+FFFD, so that every code point in it is a character. */
function replaceLoneSurrogates(text: string): string {
  return text.replace(/\p{Surrogate}/gu, REPLACEMENT_CHARACTER);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Puts pieces of text together again that were cut anywhere. */
function assembler(operation: string, begun: boolean): { push(chunk: string | Uint8Array): string; end(): string } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  // A byte-order mark is one at the very start alone.
  let started = begun;
  let bytesWait = false;
  let highSurrogate = '';

  // A half of one kind cannot be completed by a chunk of the other kind.
  function end(): string {
    const rest = (bytesWait ? decoder.decode() : '') + (highSurrogate && REPLACEMENT_CHARACTER);
    bytesWait = false;
    highSurrogate = '';
    return rest;
  }

  function pushText(chunk: string): string {
    let text = (bytesWait ? end() : '') + highSurrogate + chunk;
    started ||= text !== '';
    highSurrogate = '';
    if (isHighSurrogate(text.charCodeAt(text.length - 1))) {
      highSurrogate = text.slice(-1);
      text = text.slice(0, -1);
    }
    return replaceLoneSurrogates(text);
  }

  function pushBytes(chunk: Uint8Array): string {
    const before = highSurrogate ? end() : '';
    bytesWait = true;
    const text = decoder.decode(chunk, { stream: true });
    const marked = !started && text.startsWith(BYTE_ORDER_MARK);
    started ||= text !== '' || before !== '';
    return before + (marked ? text.slice(1) : text);
  }

  function push(chunk: string | Uint8Array): string {
    if (typeof chunk === 'string') return pushText(chunk);
    if (ArrayBuffer.isView(chunk)) return pushBytes(chunk);
    throw new TypeError(
      `${operation}: text arrives as strings or as bytes (Uint8Array), but got ${chunk === null ? 'null' : typeof chunk}; ` +
        'map the stream to one of them first.',
    );
  }

  return { push, end };
}

/** A text that is whole by itself, so that nothing of it waits. */
export function wholeText(operation: string, chunk: string | Uint8Array): string {
  const text = assembler(operation, false);
  return text.push(chunk) + text.end();
}

/**
 * Text as it arrives, cut anywhere, put into strings that are each well-formed Unicode: what is left of a surrogate
 * pair or of a UTF-8 sequence at the end of a chunk waits for the next one.
 *
 * A half that is never completed becomes U+FFFD. A chunk that gives no whole character gives no signal. A byte-order mark that
 * bytes begin with is left out.
 *
 * @returns an operator: strings; it takes strings and bytes (UTF-8), also in turns.
 * @throws TypeError (as an error notification) where a chunk is neither a string nor bytes.
 * @example
 * of(Uint8Array.of(0xf0, 0x9f), Uint8Array.of(0x90, 0x82)).pipe(wellFormed()) // '🐂'
 */
export function wellFormed(): OperatorFunction<string | Uint8Array, string> {
  return assembled('wellFormed');
}

/** {@link wellFormed} on behalf of an operation, of a text that may have begun before: then no mark stands at its start. */
export function assembled(operation: string, begun = false): OperatorFunction<string | Uint8Array, string> {
  return (source) =>
    defer(() => {
      const text = assembler(operation, begun);
      return concat(
        source.pipe(map(text.push)),
        defer(() => of(text.end())),
      ).pipe(filter((chunk) => chunk !== ''));
    });
}
