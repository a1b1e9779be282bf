import { type Range, runsOf, SURPRISE_STEPS, surpriseLevel } from '../logic/surprise.js';

/** Text whose symbols are shaded by level: a class each, so that colours are the style sheet's and no style is inline. */
export function Coloured<T>(props: {
  readonly symbols: readonly string[];
  readonly values: readonly (T | null | undefined)[];
  readonly levelOf: (value: T) => number;
  readonly scale: 'surprise' | 'unit';
}) {
  const { symbols, values, levelOf, scale } = props;
  return (
    <>
      {runsOf(symbols, values, levelOf).map(({ text, level }, k) => (
        // Runs have no identity but their place.
        <span key={k} class={level === undefined ? 'unknown' : `${scale} l${level < 0 ? `m${-level}` : level}`}>
          {text}
        </span>
      ))}
    </>
  );
}

/** Text by its surprise in bits. */
export const Surprised = ({
  symbols,
  bits,
}: {
  readonly symbols: readonly string[];
  readonly bits: readonly (number | null)[];
}) => <Coloured symbols={symbols} values={bits} levelOf={surpriseLevel} scale="surprise" />;

/** What the shades of surprise mean. */
export function SurpriseLegend() {
  const from = [0, ...SURPRISE_STEPS];
  return (
    <div class="legend">
      <span>Surprise in bits:</span>
      <ul>
        {from.map((bits, level) => (
          <li key={bits} class={`surprise l${level}`}>
            {level === 0 ? `< ${from[1]}` : `≥ ${bits}`}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What the shades of a unit mean. */
export function UnitLegend({ range: { mean, reach } }: { readonly range: Range }) {
  const ends = new Map([-4, 0, 4].map((level) => [level, (mean + (level / 4) * reach).toFixed(2)]));
  return (
    <div class="legend">
      <span>Activation:</span>
      <ul>
        {[-4, -3, -2, -1, 0, 1, 2, 3, 4].map((level) => (
          <li key={level} class={`unit l${level < 0 ? `m${-level}` : level}`}>
            {ends.get(level)?.replace('-', '−') ?? ' '}
          </li>
        ))}
      </ul>
    </div>
  );
}
