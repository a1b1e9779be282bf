/** Lines as windows: each line in lanes of its own, so that its score follows from its own text and the weights alone. */
import { type Coder, idsByCodePoint, lineEndIds, listening } from '../../streams/coder.js';
import { type Ids, ids } from '../../tensor.js';
import { startOf } from './lines.js';
import { recipe } from './recipe.js';

/** A line as the model reads it. */
export interface EncodedLine {
  readonly text: string;
  /** Ids of its symbols, without what the vocabulary skips, and with the line's end where the vocabulary has one. */
  readonly symbols: readonly number[];
  /** Where each of them begins in the text, in code units. */
  readonly places: readonly number[];
}

/** A stretch of a line that is read in one lane: symbols `from` to `to`, after `context` before them. */
export interface Piece {
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly context: number;
}

export interface LineWindow {
  readonly pieces: readonly Piece[];
  readonly input: Ids;
  /** −1 where nothing is asked. */
  readonly target: Ids;
}

/** The ids of a line; symbols that the vocabulary does not know by then are the escape where it is open. */
export function encoder(given: Coder): (text: string) => EncodedLine {
  const vocab = listening(given);
  const end = lineEndIds(vocab);
  return (text) => {
    const symbols: number[] = [];
    const places: number[] = [];
    let at = 0;
    const shown = readOf({ text });
    const known = idsByCodePoint(vocab, shown);
    let k = 0;
    for (const symbol of shown) {
      for (const id of known[k] as Int32Array) {
        symbols.push(id);
        places.push(at);
        if (symbols.length === recipe.longest) return { text, symbols, places };
      }
      at += symbol.length;
      k += 1;
    }
    symbols.push(...end);
    for (const _ of end) places.push(text.length);
    return { text, symbols, places };
  };
}

/** What of a line is read: of a longer one no more is looked at. */
export const readOf = ({ text }: Pick<EncodedLine, 'text'>): string => startOf(text, 2 * recipe.longest);

/** Lanes that a line takes. */
export const lanesOf = ({ symbols }: EncodedLine): number => Math.max(1, Math.ceil(symbols.length / recipe.piece));

/** The symbol that stands before a line: the end of another one, where the vocabulary has that. */
export const beginningOf = (vocab: Coder): number => lineEndIds(vocab).at(-1) ?? 0;

/** Lines side by side. Shorter ones are padded by what has no target; what follows cannot change what comes before. */
export function windowOf(lines: readonly EncodedLine[], beginning: number): LineWindow {
  const pieces = lines.flatMap(({ symbols }, line) => {
    const own: Piece[] = [];
    for (let from = 0; from < symbols.length; from += recipe.piece) {
      const context = Math.min(from, recipe.overlap);
      own.push({ line, from, to: Math.min(symbols.length, from + recipe.piece), context });
    }
    return own;
  });
  const lanes = Math.max(1, pieces.length);
  const steps = Math.max(1, ...pieces.map(({ from, to, context }) => to - from + context));
  const input = new Int32Array(steps * lanes).fill(beginning);
  const target = new Int32Array(steps * lanes).fill(-1);
  pieces.forEach(({ line, from, to, context }, lane) => {
    const { symbols } = lines[line] as EncodedLine;
    for (let t = 0; t < to - from + context; t += 1) {
      const at = from - context + t;
      if (at > 0) input[t * lanes + lane] = symbols[at - 1] as number;
      if (t >= context) target[t * lanes + lane] = symbols[at] as number;
    }
  });
  return { pieces, input: ids([steps, lanes], input), target: ids([steps, lanes], target) };
}
