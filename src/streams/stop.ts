/** The places at which a text is to end, wherever its pieces are cut. */
import { Observable, type OperatorFunction } from 'rxjs';

export interface Stops {
  /**
   * Goes on by some text.
   *
   * @returns how much of what came last may be the beginning of a stop, and is to be held back; or, where a stop is
   * complete, how much of what came belongs to it and comes after it.
   */
  push(text: string): { readonly found: boolean; readonly held: number };
}

/** @throws TypeError, RangeError where the stops are no texts. */
export function checkStops(operation: string, stops: unknown): asserts stops is readonly string[] {
  if (!Array.isArray(stops) || !stops.every((stop) => typeof stop === 'string')) {
    throw new TypeError(`${operation}: stop is a list of texts, not ${JSON.stringify(stops)}.`);
  }
  if (stops.includes('')) {
    throw new RangeError(
      `${operation}: an empty text would stop everything at once; give stops of at least one symbol.`,
    );
  }
}

/**
 * Looks for stops in a text that comes in pieces. Source: Knuth, Morris and Pratt, Fast pattern matching in strings (1977).
 */
export function stopsIn(stops: readonly string[]): Stops {
  const states = stops.map((stop) => ({ stop, borders: bordersOf(stop), matched: 0 }));
  return {
    push(text) {
      for (let at = 0; at < text.length; at += 1) {
        let found = 0;
        for (const state of states) {
          const { stop, borders } = state;
          while (state.matched > 0 && stop[state.matched] !== text[at])
            state.matched = borders[state.matched - 1] as number;
          if (stop[state.matched] === text[at]) state.matched += 1;
          if (state.matched === stop.length) found = Math.max(found, stop.length);
        }
        if (found > 0) return { found: true, held: found + text.length - at - 1 };
      }
      return { found: false, held: Math.max(0, ...states.map(({ matched }) => matched)) };
    },
  };
}

/** Of each beginning of a text, the length of its longest proper beginning that is its end too. */
function bordersOf(text: string): readonly number[] {
  const borders = [0];
  let length = 0;
  for (let at = 1; at < text.length; at += 1) {
    while (length > 0 && text[length] !== text[at]) length = borders[length - 1] as number;
    if (text[length] === text[at]) length += 1;
    borders.push(length);
  }
  return borders;
}

/**
 * A text up to the first of some stops, which is not part of it: then the stream is complete, and its source is left. Stops
 * are found wherever the pieces of the text are cut; what may be the beginning of one is held back until it is known.
 *
 * Memory: the text that is held back, shorter than the longest stop.
 *
 * @param stops texts of at least one character.
 * @returns an operator from pieces of text to pieces of text.
 * @throws TypeError, RangeError where a stop is no text or empty.
 * @example
 * generateFrom(model, prompt, { length: 1000 }).pipe(text(vocab), stopAt('\n\n', 'THE END'))
 */
export function stopAt(...stops: string[]): OperatorFunction<string, string> {
  checkStops('stopAt', stops);
  return (source) =>
    new Observable((subscriber) => {
      const { push } = stopsIn(stops);
      let kept = '';
      subscriber.add(
        source.subscribe({
          next(text) {
            const { found, held } = push(text);
            kept += text;
            const free = kept.slice(0, kept.length - held);
            kept = kept.slice(free.length);
            if (free.length > 0) subscriber.next(free);
            if (found) subscriber.complete();
          },
          error: (error) => subscriber.error(error),
          complete() {
            if (kept.length > 0) subscriber.next(kept);
            subscriber.complete();
          },
        }),
      );
    });
}
