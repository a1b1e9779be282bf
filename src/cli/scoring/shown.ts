/** Lines as they are shown to people. */
import type { ScoredLine } from './scorer.js';

const ESCAPE = '\u001b';

/** What a terminal would obey is shown as what it is called: a log is nobody to give orders. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones.
const visible = (text: string): string => text.replace(/[\0-\x08\x0A-\x1F\x7F]/g, (control) =>
  control === '\x7F' ? '\u2421' : String.fromCharCode(0x2400 + control.charCodeAt(0)),
);

/** A line, the most surprising stretch of a strange one set off where there are colours. */
export function highlighted({ text, span }: Pick<ScoredLine, 'text' | 'span'>, isStrange: boolean, coloured: boolean): string {
  if (!coloured) return text;
  if (!isStrange || span === undefined) return visible(text);
  const [start, end] = span;
  const [before, within, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)].map(visible);
  return `${before}${ESCAPE}[1;31m${within}${ESCAPE}[0m${after}`;
}
