/** Utterances with their slots, in colours where the place can show them. */
import { chunksOf } from 'oxbow';

/** Letters in a colour of their own, by the slot's name. */
export type Paint = (text: string, slot: string) => string;

export const coloured = (out: NodeJS.WriteStream = process.stdout): boolean =>
  out.isTTY === true && !process.env.NO_COLOR;

const ansi = [32, 33, 34, 35, 36, 31, 92, 93, 94, 95, 96, 91];

/** Colours in the order in which slots come up, so that the first ones can be told apart whatever their names. */
export function painter(inColour: boolean): Paint {
  const known = new Map<string, number>();
  return (text, slot) => {
    if (!inColour) return text;
    const number = known.get(slot) ?? known.size;
    known.set(slot, number);
    return `\u001b[${ansi[number % ansi.length]}m${text}\u001b[39m`;
  };
}

/** `arrive [Taipei toloc] on [November 2nd arrive_date]`. */
export function showUtterance(words: readonly string[], tags: readonly string[], paint: Paint): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { type, start, end } of chunksOf(tags)) {
    pieces.push(...words.slice(at, start), paint(`[${words.slice(start, end).join(' ')} ${type}]`, type));
    at = end;
  }
  return [...pieces, ...words.slice(at)].join(' ');
}
