/** Cuts a text that arrives in chunks, at places that do not depend on where the chunks end. */

/**
 * UTF-16 units that are looked at to find where a piece ends. Where they do not decide it, as in a word that goes on and on, the piece
 * ends as if the text did: so memory is bounded, and long words come out the same whether or not they come in one chunk.
 */
export const LONGEST = 1024;

/** A piece of a text, from where it was asked for. */
export interface Cut {
  readonly end: number;
  /** Whether it is kept; blanks between words may not be. */
  readonly keep: boolean;
}

export interface Splitter {
  /**
   * The piece that begins at a place of a text; undefined where text that follows could change it. Where the text has `ended`
   * there is always one.
   */
  next(text: string, at: number, ended: boolean): Cut | undefined;
}

export interface Cutter {
  push(text: string): void;
  end(): void;
}

/** All pieces of a text that is whole. */
export function piecesOf(splitter: Splitter, text: string): string[] {
  const pieces: string[] = [];
  const { push, end } = cutter(splitter, (piece) => pieces.push(piece));
  push(text);
  end();
  return pieces;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Memory: less than {@link LONGEST} units and the chunk of the moment. */
export function cutter(splitter: Splitter, emit: (piece: string) => void): Cutter {
  let pending = '';

  /** What is looked at for a piece that begins at a place; no character is cut in two. */
  function windowFrom(at: number): string {
    const end = at + LONGEST;
    return pending.slice(at, end < pending.length && isHigh(pending.charCodeAt(end - 1)) ? end - 1 : end);
  }

  function drain(ended: boolean): void {
    let at = 0;
    for (let from = 0, window = windowFrom(0); at < pending.length; ) {
      const isLast = from + window.length === pending.length;
      let cut = splitter.next(window, at - from, ended && isLast);
      if (cut === undefined && at > from) {
        from = at;
        window = windowFrom(from);
        continue;
      }
      if (cut === undefined) {
        if (pending.length - from < LONGEST) break;
        cut = splitter.next(window, 0, true) as Cut;
      }
      if (cut.keep) emit(pending.slice(at, from + cut.end));
      at = from + cut.end;
    }
    pending = pending.slice(at);
  }

  return {
    push(text) {
      pending += text;
      drain(false);
    },
    end() {
      drain(true);
      pending = '';
    },
  };
}
