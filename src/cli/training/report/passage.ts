/** Text coloured by how surprising each symbol is to a model. */
import { around, SURPRISE_STEPS, spoken, surpriseLevel, surpriseSummary } from '../../../../page/logic/surprise.js';
import { escaped, table } from './html.js';

/** A passage, and the bits of each of its symbols; null for one of which nothing is known, as the first. */
export interface Passage {
  readonly name: string;
  readonly symbols: readonly string[];
  readonly bits: readonly (number | null)[];
}

const MOST = 8;

/** A symbol as it is seen: the end of a line has a sign of its own, before it. */
const seen = (symbol: string): string => (symbol === '\n' ? '↵\n' : symbol);

function coloured(symbol: string, bits: number | null): string {
  if (bits === null) return escaped(seen(symbol));
  const title = `${spoken(symbol)}: ${bits.toFixed(2)} bits`;
  return `<span class="l${surpriseLevel(bits)}" title="${escaped(title)}">${escaped(seen(symbol))}</span>`;
}

export function showPassage({ name, symbols, bits }: Passage): string {
  const { mean, highest } = surpriseSummary(symbols, bits, MOST);
  return `<h3>${escaped(name)}</h3>
<p>${symbols.length.toLocaleString('en-US')} symbols from its beginning, ${mean?.toFixed(3) ?? '?'} bits each.</p>
<p class="passage">${symbols.map((symbol, at) => coloured(symbol, bits[at] ?? null)).join('')}</p>
<details><summary>What was most surprising there</summary>
${table(
  `Most surprising in ${name}`,
  ['symbol', 'bits', 'where'],
  highest.map((each) => [spoken(each.symbol), each.bits.toFixed(2), around(symbols, each.at)]),
)}
</details>`;
}

/** What the shades mean. */
export const legend: string = `<p id="legend">Surprise in bits, from light to dark; a symbol that is pointed at shows its own:</p>
<ul class="legend" aria-labelledby="legend">
${[0, ...SURPRISE_STEPS]
  .map((bits, level) => `<li class="l${level}">${level === 0 ? `&lt; ${SURPRISE_STEPS[0]}` : `≥ ${bits}`}</li>`)
  .join('\n')}
</ul>`;
