/** Differences for the table of docs/interchange.md: `OXBOW_FIGURES=1` writes down what was found, and else there has to be something. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

export interface Figure {
  readonly layer: string;
  readonly direction: 'export' | 'import';
  readonly outputs: number;
  readonly gradients?: number;
}

/** What other frameworks and ours may differ by. */
export const BOUND = 1e-5;

const keyOf = ({ layer, direction }: Figure) => `${direction} ${layer}`;

/** Checks a difference, and that the table has one. */
export function figuresOf(format: 'keras' | 'tfjs') {
  const path = new URL(`../figures/${format}.json`, import.meta.url);
  const read = () => JSON.parse(readFileSync(path, 'utf8')) as Figure[];
  return (figure: Figure): void => {
    expect(Math.max(figure.outputs, figure.gradients ?? 0), keyOf(figure)).toBeLessThan(BOUND);
    if (process.env.OXBOW_FIGURES) {
      const shown = (value: number) => Number(value.toPrecision(2));
      const own: Figure = {
        ...figure,
        outputs: shown(figure.outputs),
        ...(figure.gradients !== undefined && { gradients: shown(figure.gradients) }),
      };
      const others = read().filter((each) => keyOf(each) !== keyOf(own));
      const all = [...others, own].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      writeFileSync(path, `[\n${all.map((each) => `  ${JSON.stringify(each)}`).join(',\n')}\n]\n`);
    }
    const known = read().find((each) => keyOf(each) === keyOf(figure));
    expect(known?.outputs, `${keyOf(figure)} in figures/${format}.json; run with OXBOW_FIGURES=1`).toBeLessThan(BOUND);
  };
}
