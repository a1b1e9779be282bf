/** The colours of the page: what a text lies on can be read in both themes, and scales go one way. */
import { describe, expect, it } from 'vitest';
import { type Colour, palette } from '../../page/logic/palette.js';

/** Relative luminance, by WCAG 2.2. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [least, most] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (most + 0.05) / (least + 0.05);
}

const shades = (Object.keys(palette) as Colour[]).filter((name) => /^(surprise|unit|slot)-/.test(name));

describe.each(['light', 'dark'])('in the %s theme', (theme) => {
  const of = (name: Colour) => palette[name][theme === 'light' ? 0 : 1];

  it.each<readonly [Colour, Colour]>([
    ...([...shades, 'card', 'ground'] as const).map((ground) => ['ink', ground] as const),
    ...(['card', 'ground'] as const).flatMap((ground) => [['quiet', ground] as const, ['wrong', ground] as const]),
    ['on-accent', 'accent'],
  ])('%s can be read on %s', (ink, ground) => {
    expect(contrast(of(ink), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['accent', 'soft', 'line'] as const)('what is drawn in %s can be seen on a card', (name) => {
    expect(contrast(of(name), of('card'))).toBeGreaterThanOrEqual(3);
  });

  it('more surprise is further from the ground, so that the scale needs no hue', () => {
    const steps = [of('card'), ...([1, 2, 3, 4, 5, 6, 7] as const).map((level) => of(`surprise-${level}`))];
    const far = steps.map((colour) => contrast(colour, of('card')));
    expect([...far].sort((a, b) => a - b)).toEqual(far);
    expect(new Set(far).size).toBe(far.length);
  });
});
