/** What units of a text model may keep track of, as numbers of each symbol of a text. */

import { type FeatureName, featureNames } from '../protocol/messages.js';

const isSpace = (symbol: string) => /^\s$/u.test(symbol);

/** Each feature of each symbol, the symbol itself counted. */
export function featuresOf(symbols: readonly string[]): Readonly<Record<FeatureName, Float64Array>> {
  const made = Object.fromEntries(featureNames.map((name) => [name, new Float64Array(symbols.length)])) as Record<
    FeatureName,
    Float64Array
  >;
  let quoted = false;
  let depth = 0;
  let column = 0;
  let indentation = 0;
  let word = 0;
  symbols.forEach((symbol, at) => {
    const isEnd = symbol === '\n';
    if (isEnd) [column, indentation] = [0, 0];
    else {
      if (isSpace(symbol) && column === indentation) indentation += 1;
      column += 1;
    }
    if (symbol === '"') quoted = !quoted;
    else if (symbol === '“' || symbol === '«') quoted = true;
    else if (symbol === '”' || symbol === '»') quoted = false;
    if ('([{'.includes(symbol)) depth += 1;
    else if (')]}'.includes(symbol)) depth = Math.max(0, depth - 1);
    word = /^[\p{L}\p{N}']$/u.test(symbol) ? word + 1 : 0;
    made.quotes[at] = Number(quoted);
    made.brackets[at] = depth;
    made['line length'][at] = column;
    made.indentation[at] = indentation;
    made['word length'][at] = word;
    made['word gaps'][at] = Number(isSpace(symbol));
    made.capitals[at] = Number(/^\p{Lu}$/u.test(symbol));
    made.digits[at] = Number(/^\p{Nd}$/u.test(symbol));
    made['line ends'][at] = Number(isEnd);
  });
  return made;
}

/**
 * Pearson's correlation of two series, or undefined where one of them is constant.
 *
 * `r = Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²)`
 */
export function correlation(x: ArrayLike<number>, y: ArrayLike<number>): number | undefined {
  const count = x.length;
  let [meanX, meanY] = [0, 0];
  for (let k = 0; k < count; k += 1) {
    meanX += x[k] as number;
    meanY += y[k] as number;
  }
  meanX /= count;
  meanY /= count;
  let [squaresX, squaresY, products] = [0, 0, 0];
  for (let k = 0; k < count; k += 1) {
    const [dx, dy] = [(x[k] as number) - meanX, (y[k] as number) - meanY];
    squaresX += dx * dx;
    squaresY += dy * dy;
    products += dx * dy;
  }
  // What differs by rounding alone is constant.
  const least = count * 1e-12;
  if (!(squaresX > least && squaresY > least)) return undefined;
  return products / Math.sqrt(squaresX * squaresY);
}
