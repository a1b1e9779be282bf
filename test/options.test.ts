import { describe, expect, it } from 'vitest';
import { lstm } from '../src/cells/lstm.js';
import { stacked } from '../src/cells/stacked.js';
import { checkedOptions } from '../src/options.js';
import { table } from './options-table.js';

interface Some {
  readonly seed?: number;
  readonly learningRate?: number;
  readonly batch?: number;
  readonly hidden?: number;
  readonly beta1?: number;
  readonly length?: number;
  readonly k?: number;
  readonly initializers?: { readonly wx?: number; readonly wh?: number };
}
const names = {
  seed: true,
  learningRate: true,
  batch: true,
  hidden: true,
  beta1: true,
  length: true,
  k: true,
  initializers: { wx: true, wh: true },
} as const;
const check = (options: unknown) => checkedOptions('some', options as Some, names);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A name with its first letter twice. */
const misspelt = (name: string) => `${name[0]}${name}`;

async function refusalOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

const rows = Object.entries(table).map(([name, row]) => ({ name, operation: row.named ?? name, ...row }));
const nested = rows.flatMap((row) =>
  Object.entries(row.options).flatMap(([option, value]) =>
    // What is kept beside, such as a record of tensors, is not one of options.
    isRecord(value) &&
    ![
      'carry',
      'from',
      'input',
      'target',
      'x',
      'gauge',
      'source',
      'optimizer',
      'pending',
      'metric',
      'models',
      'vocab',
    ].includes(option)
      ? [{ ...row, option, value }]
      : [],
  ),
);

/** Options that are true or false, also within others. */
const flags = [
  ...rows.map((row) => ({ ...row, within: '', all: row.options, outer: (inner: object): object => inner })),
  ...nested.map((row) => ({
    ...row,
    within: `${row.option}.`,
    all: row.value,
    outer: (inner: object): object => ({ ...row.options, [row.option]: inner }),
  })),
].flatMap(({ within, all, outer, ...row }) =>
  Object.entries(all).flatMap(([option, value]) =>
    typeof value === 'boolean'
      ? [{ ...row, path: within + option, given: (wrong: unknown) => outer({ ...all, [option]: wrong }) }]
      : [],
  ),
);

describe('every function with options', () => {
  it.each(rows)('$name takes what it knows', async ({ call, options }) => {
    await call(options);
    const own = Object.entries(options);
    await call(
      Object.create(null, Object.fromEntries(own.map(([name, value]) => [name, { value, enumerable: true }]))),
    );
  });

  it.each(rows)('$name refuses an option that it does not know', async ({ operation, call, options }) => {
    const [known = ''] = Object.keys(options);
    const wrong = misspelt(known);
    const error = await refusalOf(() => call({ ...options, [wrong]: 1 }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(`${operation}: there is no option '${wrong}'; did you mean '${known}'?`);
    const far = await refusalOf(() => call({ ...options, qqqqqqq: undefined }));
    expect(far).toBeInstanceOf(TypeError);
    const listed = `${operation}: there is no option 'qqqqqqq'; there is `;
    expect((far as Error).message.startsWith(listed)).toBe(true);
    for (const name of Object.keys(options)) expect((far as Error).message).toContain(`'${name}'`);
  });

  it.each(rows)('$name refuses what is no record', async ({ operation, call }) => {
    for (const [given, what] of [
      [null, 'null'],
      [3, '3'],
      ['seed', '"seed"'],
      [[], 'an array'],
      [() => 1, 'a function'],
    ] as const) {
      const error = await refusalOf(() => call(given));
      expect(error, what).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(
        new RegExp(`^${operation}: the options are a record of '.*', not ${what}\\.$`),
      );
    }
  });

  it.each(flags)('$name takes nothing but true or false for $path', async ({ operation, call, path, given }) => {
    for (const wrong of [0, 1, 'yes', null, [], {}]) {
      const error = await refusalOf(() => call(given(wrong)));
      expect(error, String(wrong)).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(
        new RegExp(`^${operation}: ${path.replace('.', '\\.')} is true or false, not .*; give one of them\\.$`),
      );
    }
    await call(given(undefined));
  });

  it.each(nested)(
    '$name refuses an option of $option that it does not know',
    async ({ operation, call, options, option, value }) => {
      const [known = ''] = Object.keys(value);
      const wrong = misspelt(known);
      const error = await refusalOf(() => call({ ...options, [option]: { ...value, [wrong]: 1 } }));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message.startsWith(`${operation}: there is no option '${option}.${wrong}'`)).toBe(true);
    },
  );
});

describe('checkedOptions', () => {
  it.each([
    ['sead', 'seed'],
    ['Seed', 'seed'],
    ['sed', 'seed'],
    ['lenght', 'length'],
    ['beta', 'beta1'],
    ['learning_rate', 'learningRate'],
    ['LEARNING-RATE', 'learningRate'],
    ['learnRate', 'learningRate'],
    ['batch_size', 'batch'],
    ['batchSize', 'batch'],
    ['hidden_size', 'hidden'],
    ['num_hidden', 'hidden'],
    ['max_length', 'length'],
    ['init', 'initializers'],
  ])('takes %s for %s', (wrong, known) => {
    expect(() => check({ [wrong]: 1 })).toThrow(
      new TypeError(`some: there is no option '${wrong}'; did you mean '${known}'?`),
    );
  });

  it.each(['x', 'k2', 'units', 'be', '', '__proto__', 'toString', '0'])('lists what there is for %j', (wrong) => {
    const options = Object.defineProperty({}, wrong, { value: 1, enumerable: true });
    expect(() => check(options)).toThrow(
      new TypeError(
        `some: there is no option '${wrong}'; there is 'seed', 'learningRate', 'batch', 'hidden', 'beta1', 'length', 'k', ` +
          "'initializers'.",
      ),
    );
  });

  it('names an option within another, and one that is no record', () => {
    expect(() => check({ initializers: { Wx: 1 } })).toThrow(
      "no option 'initializers.Wx'; did you mean 'initializers.wx'?",
    );
    expect(() => check({ initializers: 3 })).toThrow(
      new TypeError("some: the option 'initializers' is a record of 'initializers.wx', 'initializers.wh', not 3."),
    );
  });

  it('leaves out what is undefined, also within another', () => {
    expect(check({ seed: undefined, k: 0, initializers: { wx: undefined, wh: 1 } })).toEqual({
      k: 0,
      initializers: { wh: 1 },
    });
    expect(Object.keys(check({ seed: undefined }))).toEqual([]);
  });

  it('reads getters of a class, and asks neither inherited names nor symbols', () => {
    class Given {
      readonly #seed = 7;
      get seed() {
        return this.#seed;
      }
      describe() {
        return 'inherited';
      }
    }
    expect(check(new Given())).toEqual({ seed: 7 });
    expect(check({ [Symbol('note')]: 1, k: 2 })).toEqual({ k: 2 });
    expect(check(Object.defineProperty({ k: 2 }, 'note', { value: 1, enumerable: false }))).toEqual({ k: 2 });
    const [plain, given] = [lstm(2, 2, { seed: 7 }), lstm(2, 2, new Given())];
    expect(given.params.wx.data).toEqual(plain.params.wx.data);
  });

  it('leaves numbers that may stand for a record alone', () => {
    expect(() => stacked([lstm(2, 2), lstm(2, 2)], { dropout: 0.5 })).not.toThrow();
  });

  it('takes a table that has every name, and no other: held by the type check', () => {
    const options: Pick<Some, 'seed' | 'initializers'> = {};
    // @ts-expect-error a name is missing
    expect(() => checkedOptions('some', { ...options, initializers: {} }, { seed: true })).toThrow();
    // @ts-expect-error a name is not an option
    expect(checkedOptions('some', options, { seed: true, initializers: true, sead: true })).toEqual({});
    // @ts-expect-error a name within is missing
    expect(checkedOptions('some', options, { seed: true, initializers: { wx: true } })).toEqual({});
    // @ts-expect-error a number has no names
    expect(checkedOptions('some', options, { seed: {}, initializers: true })).toEqual({});
  });
});
