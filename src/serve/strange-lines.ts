/** The lines that were the most surprising of those learnt lately. */
import type { HeardSymbols, TextSource } from './live.js';

/** A line that was learnt. */
export interface StrangeLine {
  /** Its beginning, where it is long. */
  readonly text: string;
  /** Mean surprise of its symbols before they were learnt. */
  readonly bitsPerSymbol: number;
  /** Lines that were heard before it. */
  readonly at: number;
}

/** Lines out of what was heard. */
export interface StrangeLines {
  /** Further symbols that were learnt. */
  hear(heard: readonly HeardSymbols[]): void;
  /** The most surprising ones of the latest lines. */
  top(most: number): readonly StrangeLine[];
  /** Lines so far. */
  readonly heard: number;
}

/** Lines that are ranked: a model is surprised by everything at first, and that says nothing of later. */
const REMEMBERED = 1000;
const SHOWN = 512;
/** Symbols: a shorter line is too little to go by. */
const SHORTEST = 8;

/** What of a line has been heard. */
interface Open {
  text: string;
  bits: number;
  symbols: number;
  /** Whether its beginning was heard. */
  whole: boolean;
}

const opened = (whole: boolean): Open => ({ text: '', bits: 0, symbols: 0, whole });

/** Gathers lines; of each source by themselves, however the updates cut them. */
export function strangeLines(): StrangeLines {
  const sources = new WeakMap<TextSource, Open>();
  const latest: StrangeLine[] = [];
  let lines = 0;

  function ended({ text, bits, symbols, whole }: Open): void {
    if (!whole || symbols < SHORTEST) return;
    latest[lines % REMEMBERED] = { text, bitsPerSymbol: bits / symbols, at: lines };
    lines += 1;
  }

  function hearOne({ source, at, afresh, text, bits }: HeardSymbols): void {
    // The first symbol of a text has no surprise and is not in it: its first line counts all the same.
    let open = (afresh ? undefined : sources.get(source)) ?? opened(at <= 1);
    let k = 0;
    for (const symbol of text) {
      const surprise = bits[k] as number;
      k += 1;
      if (symbol === '\n') {
        ended(open);
        open = opened(true);
        continue;
      }
      open.bits += surprise;
      open.symbols += 1;
      if (open.text.length < SHOWN) open.text += symbol;
    }
    sources.set(source, open);
  }

  return {
    get heard() {
      return lines;
    },
    hear(heard) {
      for (const each of heard) hearOne(each);
    },
    top: (most) => [...latest].sort((a, b) => b.bitsPerSymbol - a.bitsPerSymbol || b.at - a.at).slice(0, most),
  };
}
