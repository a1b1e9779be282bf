/** Lines as they are shown to people. */
import type { ScoredLine } from './scorer.js';

const ESCAPE = '\u001b';

/** What a terminal would obey is shown as what it is called: a log is nobody to give orders. */
const visible = (text: string): string =>
  text.replace(/\p{Cc}/gu, (control) => {
    const code = control.charCodeAt(0);
    if (control === '\t') return control;
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\uFFFD';
  });

/** A line, the most surprising stretch of a strange one set off where there are colours. */
export function highlighted(
  { text, span }: Pick<ScoredLine, 'text' | 'span'>,
  isStrange: boolean,
  coloured: boolean,
): string {
  if (!coloured) return text;
  if (!isStrange || span === undefined) return visible(text);
  const [start, end] = span;
  const [before, within, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)].map(visible);
  return `${before}${ESCAPE}[1;31m${within}${ESCAPE}[0m${after}`;
}
