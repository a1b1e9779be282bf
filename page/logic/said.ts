/** What a model has said, with the surprise of each symbol; of a monologue only the end of it. */

export interface Said {
  readonly symbols: readonly string[];
  readonly bits: readonly (number | null)[];
}

export const nothingSaid: Said = { symbols: [], bits: [] };

/** What was said and what follows it; of more than `most` symbols the last ones. */
export function saidMore(
  said: Said,
  text: string,
  bits: readonly number[] | undefined,
  most = Number.POSITIVE_INFINITY,
): Said {
  const more = Array.from(text);
  const symbols = [...said.symbols, ...more];
  const all = [...said.bits, ...more.map((_, k) => bits?.[k] ?? null)];
  const from = Math.max(0, symbols.length - most);
  return from === 0 ? { symbols, bits: all } : { symbols: symbols.slice(from), bits: all.slice(from) };
}

/** Where a monologue goes on after its generation has ended: from its last symbols, or where it has none yet, from any that the model knows. */
export function nextPrompt({ symbols }: Said, known: string | undefined, most = 128): string {
  if (symbols.length > 0) return symbols.slice(-most).join('');
  const all = Array.from(known ?? '');
  return all.includes('\n') ? '\n' : (all[0] ?? ' ');
}
