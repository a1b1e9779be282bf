/** The loss as a curve: a polyline over ticks. Losses come in nats and are shown in the unit of the moment. */

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT, LEFT, MARGIN] = [600, 200, 36, 10];
/** Points that are drawn; where there are more, neighbours become one. */
const MOST = 300;

export interface Curve {
  add(loss: number): void;
  /** The smoothed loss, in nats. */
  readonly now: number | undefined;
  clear(): void;
  /** Draws it, in a unit of so many nats. */
  draw(nats: number, unit: string): void;
}

function element(name: string, attributes: Readonly<Record<string, string | number>>, text = ''): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

export function curve(svg: SVGElement): Curve {
  const title = svg.querySelector<SVGTitleElement>('title') as SVGTitleElement;
  let points: number[] = [];
  /** Updates that a point stands for. */
  let each = 1;
  let pending: number[] = [];
  let now: number | undefined;
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  return {
    add(loss) {
      now = now === undefined ? loss : 0.95 * now + 0.05 * loss;
      pending.push(now);
      if (pending.length < each) return;
      points.push(mean(pending));
      pending = [];
      if (points.length < MOST) return;
      points = points.flatMap((point, k) => (k % 2 === 0 ? [mean([point, points[k + 1] ?? point])] : []));
      each *= 2;
    },
    get now() {
      return now;
    },
    clear() {
      [points, pending, each, now] = [[], [], 1, undefined];
    },
    draw(nats, unit) {
      const values = points.map((point) => point / nats);
      const top = Math.max(1, Math.ceil(Math.max(0, ...values)));
      const y = (value: number) => HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN);
      const x = (k: number) => LEFT + (k / Math.max(1, values.length - 1)) * (WIDTH - LEFT - MARGIN);
      const ticks = Array.from({ length: top + 1 }, (_, value) => [
        element('line', { x1: LEFT, x2: WIDTH - MARGIN, y1: y(value), y2: y(value) }),
        element('text', { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, String(value)),
      ]).flat();
      const line = values.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
      title.textContent =
        now === undefined
          ? 'The loss, as far as it has been learnt: nothing yet'
          : `The loss, from ${values[0]?.toFixed(2)} to ${(now / nats).toFixed(2)} ${unit} per symbol`;
      svg.replaceChildren(title, ...ticks, element('polyline', { points: line }));
    },
  };
}
