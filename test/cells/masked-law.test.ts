import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tape } from '../../src/backprop/tape.js';
import { masked } from '../../src/cells/masked.js';
import type { Ops } from '../../src/ops/ops.js';
import { reference } from '../../src/ops/reference.js';
import { inWindow, toSignal } from '../../src/ops/window.js';
import { parametersOf } from '../../src/parameters/parameter.js';
import { ids, isTensor, type Numbers, sizeOf, type Tensor, tensor } from '../../src/tensor.js';
import * as tree from '../../src/tree.js';
import { draw, scatterParameters } from '../backprop/differences.js';
import { type Any, type Lawful, type Refused, table } from './masked-layers.js';

const usual = [3, 6, 1, 4];

/** Steps `0 … length − 1` of lanes `from … to − 1`. */
function part({ shape, type, data }: Tensor, length: number, from: number, to: number): Tensor {
  const [, lanes = 0, ...rest] = shape;
  const width = sizeOf(rest);
  const numbers = new (data.constructor as new (size: number) => Numbers)(length * (to - from) * width);
  for (let t = 0; t < length; t += 1) {
    numbers.set(data.subarray((t * lanes + from) * width, (t * lanes + to) * width), t * (to - from) * width);
  }
  return { shape: [length, to - from, ...rest], type, data: numbers };
}

/** What of a carry is a lane's. */
const laneOf = (carry: unknown, lane: number) =>
  tree.map(carry, ({ shape: [lanes = 1, ...rest], data }) =>
    tensor([1, ...rest], data.slice((lane * data.length) / lanes, ((lane + 1) * data.length) / lanes)),
  );

function tensorsOf(carry: unknown): readonly Tensor[] {
  if (isTensor(carry)) return [carry];
  return typeof carry === 'object' && carry !== null ? Object.values(carry).flatMap(tensorsOf) : [];
}

/** `Σ y ⊙ w`, w following from what it weighs, a lane and the place in it, so that it is the same for a lane alone. */
function mixture(ops: Ops, y: Tensor, weigh: (k: number) => number): Tensor {
  const weights = Float64Array.from({ length: sizeOf(y.shape) }, (_, k) => weigh(k));
  const numbers = y.type === 'float64' ? weights : Float32Array.from(weights);
  return ops.sumTo(ops.multiply(y, tensor(y.shape, numbers)), []);
}

interface Outcome {
  readonly y: Tensor;
  readonly carry: unknown;
  readonly gradients: readonly Tensor[];
}

/** Outputs, the carry, and gradients of parameters and input, of one number that counts the real steps and the carry. */
function run(on: string, layer: Any, carry: unknown, x: Tensor, real: readonly number[], first: number): Outcome {
  const parameters = parametersOf(layer.params).map(([, parameter]) => parameter);
  const watched = x.type === 'int32' ? parameters : [...parameters, x];
  const body = (base: Ops): Outcome => {
    const recorded = tape(base, watched);
    const ops = { ...recorded, training: false };
    const [y, after] = layer.apply(ops, carry, x);
    const [, lanes = 0, ...rest] = y.shape as readonly number[];
    const width = sizeOf(rest);
    const parts = [
      mixture(ops, y, (k) => {
        const [t, b] = [Math.floor(k / (lanes * width)), Math.floor(k / width) % lanes];
        return t < (real[b] as number) ? Math.sin(1 + t * 7 + (b + first) * 3 + (k % width)) : 0;
      }),
      ...tensorsOf(after).map((state) => {
        const inner = sizeOf(state.shape) / lanes;
        return mixture(ops, state, (k) => Math.cos(1 + (Math.floor(k / inner) + first) * 5 + (k % inner)));
      }),
    ];
    const whole = parts.reduce((sum, each) => ops.add(sum, each));
    return { y, carry: after, gradients: watched.length === 0 ? [] : recorded.gradients(whole) };
  };
  return on === 'reference' ? body(reference()) : inWindow((ops) => toSignal(body(ops)));
}

/** A window whose padding is what no layer may read: NaN, and ids that no table has. */
function signalOf(
  { symbols, shape }: Lawful,
  on: string,
  lengths: readonly number[],
  count: number,
  name: string,
): Tensor {
  const whole = [count, lengths.length, ...shape];
  const width = sizeOf(shape);
  const isPadding = (k: number) =>
    Math.floor(k / (lengths.length * width)) >= (lengths[Math.floor(k / width) % lengths.length] as number);
  const numbers = draw(whole, name).data;
  if (symbols === undefined) {
    const data = numbers.map((value, k) => (isPadding(k) ? Number.NaN : value));
    return tensor(whole, on === 'reference' ? data : Float32Array.from(data));
  }
  return ids(
    whole,
    Int32Array.from(numbers, (value, k) => (isPadding(k) ? -7 : Math.floor(Math.abs(value) * 97) % symbols)),
  );
}

const plain = ({ shape, data }: Tensor) => ({ shape, data: [...data] });

const lawful = (entry: Lawful | Refused): entry is Lawful => 'shape' in entry;
const entries = Object.entries(table as Readonly<Record<string, Readonly<Record<string, Lawful | Refused>>>>).flatMap(
  ([factory, variants]) =>
    Object.entries(variants).map(([variant, entry]) => [`${factory}, ${variant}`, entry] as const),
);
const cases = entries.flatMap(([name, entry]) => {
  if (!lawful(entry)) return [];
  return (entry.large ? ['kernels'] : ['reference', 'kernels']).map((on) => [name, on, entry] as const);
});

describe('lanes of several lengths side by side are each lane alone', () => {
  it.each(cases)('%s, on the %s', (_, on, entry) => {
    const { lengths = usual } = entry;
    const count = Math.max(...lengths);
    const layer = entry.make();
    scatterParameters(layer.params);
    const full = lengths.map(() => 3);
    const before = Object.assign(signalOf(entry, on, full, 3, 'before'), entry.told && { lengths: full });
    const carry =
      on === 'reference'
        ? layer.apply(reference(), layer.initial(lengths.length), before)[1]
        : inWindow((ops) => toSignal(layer.apply(ops, layer.initial(lengths.length), before)[1]));
    const x = signalOf(entry, on, lengths, count, 'x');
    const real = layer.lengthsAfter?.(lengths) ?? lengths;
    const together = run(on, masked(layer) as Any, carry, Object.assign(x, { lengths }), real, 0);
    const sums = together.gradients.map(({ data }) => new Float64Array(data.length));
    const sizes = together.gradients.map(() => 0);

    lengths.forEach((length, lane) => {
      const lone = Object.assign(part(x, length, lane, lane + 1), entry.told && { lengths: [length] });
      const own = run(on, layer, laneOf(carry, lane), lone, [real[lane] as number], lane);
      expect(own.y.shape[0]).toBe(real[lane]);
      expect(plain(part(together.y, real[lane] as number, lane, lane + 1))).toEqual(plain(own.y));
      expect(tensorsOf(laneOf(together.carry, lane)).map(plain)).toEqual(tensorsOf(own.carry).map(plain));
      const ofParameters = x.type === 'int32' ? own.gradients : own.gradients.slice(0, -1);
      ofParameters.forEach(({ data }, at) => {
        data.forEach((value, k) => {
          (sums[at] as Float64Array)[k] = ((sums[at] as Float64Array)[k] as number) + value;
          sizes[at] = Math.max(sizes[at] as number, Math.abs(value));
        });
      });
      if (x.type === 'int32') return;
      const [gradient, alone] = [together.gradients.at(-1), own.gradients.at(-1)] as [Tensor, Tensor];
      expect(plain(part(gradient, length, lane, lane + 1))).toEqual(plain(alone));
      const padding = part(gradient, count, lane, lane + 1).data.slice(length * sizeOf(entry.shape));
      expect(padding.every((value) => value === 0)).toBe(true);
    });

    // A sum over lanes is one over their steps, in another order: close, as far as adding so many numbers is.
    const rounding = on === 'reference' ? 1e-12 : 1e-5;
    const ofParameters = x.type === 'int32' ? together.gradients : together.gradients.slice(0, -1);
    ofParameters.forEach(({ data }, at) => {
      data.forEach((value, k) => {
        const difference = Math.abs(value - ((sums[at] as Float64Array)[k] as number));
        expect(difference, `parameter ${at}, element ${k}`).toBeLessThanOrEqual(
          rounding * Math.max(1, sizes[at] as number),
        );
      });
    });
  });

  it.each(entries.filter(([, entry]) => !lawful(entry)) as [string, Refused][])(
    '%s is refused by name',
    (_, { make, signal }) => {
      const layer = make();
      const apply = () => masked(layer).apply(reference(), layer.initial(1), signal() as never);
      expect(apply).toThrow(`masked: takes a signal [T, B, …] with lengths, but ${layer.kind} was given a record`);
    },
  );
});

describe('the table', () => {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('assembly') && !file.includes('generated'))
    .map(read)
    .join('\n');

  /** Layer, Core, and whatever extends one of them. */
  function kindsOfLayer(): ReadonlySet<string> {
    const kinds = new Set(['Layer', 'Core']);
    const extensions = [...sources.matchAll(/interface (\w+)(?:<[^{]*?>)? extends ([^{]+)\{/g)];
    for (let before = 0; before < kinds.size; ) {
      before = kinds.size;
      for (const [, name, parents] of extensions) {
        if ([...kinds].some((kind) => new RegExp(`\\b${kind}\\b`).test(parents as string))) kinds.add(name as string);
      }
    }
    return kinds;
  }

  it('has every function of the package that gives a layer', () => {
    const kinds = kindsOfLayer();
    const faces = ['index.ts', 'faces/models.ts', 'faces/tagger.ts'].map(read).join('\n');
    const exported = [...faces.matchAll(/^export \{([^}]*)\} from '\.{1,2}\/(.*)\.js'/gm)];
    const factories = exported.flatMap(([, names = '', file]) => {
      const source = read(`${file}.ts`);
      return names.match(/\b(?<!type )\w+\b(?= *(?:,|$))/gm)?.filter((name) => {
        const start = source.search(new RegExp(`^export (function|const) ${name}\\b`, 'm'));
        const declared = start < 0 ? '' : source.slice(start, source.indexOf('\n}', start));
        const given = /\): (\w+)(?:<.*>)?(?: \{| =>)/.exec(declared)?.[1];
        return given !== undefined && kinds.has(given);
      });
    });
    expect(factories).toContain('lstm');
    expect(factories.sort()).toEqual(Object.keys(table).sort());
  });
});
