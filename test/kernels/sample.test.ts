import { describe, expect, it } from 'vitest';
import {
  DRAWING_BYTES,
  type Drawing,
  writeAllowed,
  writeDrawing,
  writeRecent,
  writeUniform,
} from '../../src/kernels/drawing.js';
import { sample, sampleScratch } from '../../src/kernels/kernels.js';
import type { Machine } from '../../src/kernels/machine-type.js';
import { generator } from '../../src/random.js';
import { distribution, sampler } from '../../src/streams/sample.js';
import { machineOf, put, tiersHere } from './machines.js';

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const plain: Drawing = { temperature: 1, topK: 0, topP: 1, minP: 0, greedy: false, penalty: 1, never: -1 };

interface Row extends Partial<Drawing> {
  readonly recent?: readonly number[];
  /** Ranges, `[first, last]`. */
  readonly allowed?: readonly (readonly [number, number])[];
}

/** Draws an id for each row; `uniforms` has one number a row, and drawings are one for all or one each. */
function draw(machine: Machine, logits: Float32Array, uniforms: readonly number[], drawing: Row | readonly Row[] = {}) {
  const mark = machine.arena.mark();
  const rows = uniforms.length;
  const columns = logits.length / rows;
  const x = put(machine, logits);
  const drawings = machine.arena.allocate(DRAWING_BYTES * rows);
  uniforms.forEach((uniform, row) => {
    const { recent = [], allowed = [], ...own } = (Array.isArray(drawing) ? drawing[row] : drawing) as Row;
    const address = drawings + DRAWING_BYTES * row;
    writeDrawing(machine, address, { ...plain, ...own });
    writeUniform(machine, address, uniform);
    if (recent.length > 0) writeRecent(machine, address, put(machine, Int32Array.from(recent)), recent.length);
    if (allowed.length > 0)
      writeAllowed(machine, address, put(machine, Int32Array.from(allowed.flat())), allowed.length);
  });
  const bytes = sampleScratch(rows, columns);
  const scratch = machine.arena.allocate(bytes + 64);
  machine.floats.fill(7, scratch / 4, (scratch + bytes) / 4 + 16);
  const ids = machine.arena.allocate(4 * rows);
  sample(machine, x, drawings, ids, scratch, rows, columns);
  expect(new Set(machine.floats.subarray((scratch + bytes) / 4, (scratch + bytes) / 4 + 16))).toEqual(new Set([7]));
  const drawn = Array.from(machine.ints.subarray(ids / 4, ids / 4 + rows));
  machine.arena.release(mark);
  return drawn;
}

/** The same row of logits, once for each uniform number. */
const each = (machine: Machine, row: readonly number[], uniforms: readonly number[], drawing?: Row) =>
  draw(
    machine,
    Float32Array.from({ length: row.length * uniforms.length }, (_, i) => row[i % row.length]),
    uniforms,
    drawing,
  );

const optionsOf = ({ temperature, topK, topP, minP, greedy }: Drawing) => ({
  temperature,
  topK: topK === 0 ? inf : topK,
  topP,
  minP,
  greedy,
});

/** How far float32 weights may move a boundary between two ids, or the place where the nucleus is full. */
const TOLERANCE = 1e-5;

/**
 * The ids that may be drawn: those of the distribution in float64 whose share of [0, 1) comes within the tolerance of u,
 * where the nucleus's size is one at which the probabilities add up to topP within the tolerance.
 */
function possible(logits: Float32Array, drawing: Drawing, u: number): Set<number> {
  const few = distribution(logits, { ...optionsOf(drawing), topP: 1 });
  const order = Array.from(few.keys()).sort((a, b) => few[b] - few[a] || a - b);
  const sums: number[] = [];
  for (const id of order) sums.push((sums.at(-1) ?? 0) + few[id]);
  const sizeFor = (share: number) => {
    const place = sums.findIndex((sum) => sum >= share);
    return place < 0 ? order.length : place + 1;
  };
  const ids = new Set<number>();
  const { topP } = drawing;
  const [least, most] =
    topP === 1 ? [order.length, order.length] : [sizeFor(topP - TOLERANCE), sizeFor(topP + TOLERANCE)];
  for (let size = least; size <= most; size += 1) {
    const kept = order.slice(0, size).sort((a, b) => a - b);
    const mass = sums[size - 1];
    let before = 0;
    for (const id of kept) {
      const after = before + few[id] / mass;
      if (few[id] > 0 && before - TOLERANCE <= u && u < after + TOLERANCE) ids.add(id);
      before = after;
    }
  }
  return ids;
}

/** Logits of many kinds: flat and steep, with equal ones, with masked ones. */
function logitsLike(kind: number, columns: number, seed: number): Float32Array {
  const random = generator(seed, 'logits');
  const spread = [0.1, 3, 30][kind % 3];
  const row = Float32Array.from({ length: columns }, () => spread * random.normal());
  if (kind % 4 === 1) return row.map(Math.round);
  if (kind % 4 === 2) return row.map((x, v) => (v !== seed % columns && random.uniform() < 0.4 ? -inf : x));
  return row;
}

const drawings = (columns: number): readonly Drawing[] =>
  [0.3, 1, 2.5].flatMap((temperature) =>
    [0, 1, 5, Math.ceil(columns / 2), columns, columns + 5].flatMap((topK) =>
      // Probabilities that no number of equal ones adds up to.
      [1, 0.9137, 0.5173, 0.0117].map((topP) => ({
        temperature,
        topK,
        topP,
        minP: 0,
        greedy: false,
        penalty: 1,
        never: -1,
      })),
    ),
  );

/** Draws for each row, and fails where an id is impossible; how many ids are not the sampler's. */
function otherIds(
  machine: Machine,
  rows: readonly Float32Array[],
  uniforms: readonly number[],
  drawing: Drawing,
): number {
  const logits = Float32Array.from(rows.flatMap((row) => Array.from(row)));
  return draw(machine, logits, uniforms, drawing).filter((id, k) => {
    const exact = sampler(optionsOf(drawing), { ...generator(0), uniform: () => uniforms[k] })(rows[k]);
    if (id !== exact && !possible(rows[k], drawing, uniforms[k]).has(id)) {
      expect.fail(`row ${k}, ${JSON.stringify(drawing)}, u ${uniforms[k]}: ${id} instead of ${exact}`);
    }
    return id !== exact;
  }).length;
}

for (const tier of tiersHere) {
  describe(`sample, ${tier} tier`, () => {
    const machine = machineOf(tier);

    for (const columns of [1, 3, 8, 65, 1000]) {
      it(`draws among ${columns} as the sampler does, or the neighbour of a boundary within ${TOLERANCE}`, () => {
        const random = generator(columns, 'draws');
        let drawn = 0;
        let others = 0;
        for (const drawing of drawings(columns)) {
          const rows = Array.from({ length: 12 }, (_, k) => logitsLike(k, columns, drawn + k));
          others += otherIds(machine, rows, rows.map(random.uniform), drawing);
          drawn += rows.length;
        }
        expect(drawn).toBe(864);
        // Boundaries are off by some 1e-7: the tolerance is for a draw in thousands.
        expect(others).toBeLessThanOrEqual(1);
      });
    }

    it('draws one of the two ids at a boundary, and none but the right one a little further off', () => {
      for (const columns of [3, 8, 65]) {
        for (const drawing of drawings(columns)) {
          const row = logitsLike(1 + 3 * columns, columns, columns);
          let sum = 0;
          const boundaries = Array.from(distribution(row, optionsOf(drawing)), (share) => {
            sum += share;
            return sum;
          });
          const around = (distance: number) =>
            boundaries.flatMap((place) => [place - distance, place + distance]).filter((u) => u >= 0 && u < 1);
          const rowsFor = (uniforms: readonly number[]) => uniforms.map(() => row);
          otherIds(machine, rowsFor(around(1e-8)), around(1e-8), drawing);
          expect(otherIds(machine, rowsFor(around(TOLERANCE)), around(TOLERANCE), drawing)).toBe(0);
        }
      }
    });

    it('draws exactly at boundaries that float32 has', () => {
      for (const columns of [1, 3, 8, 65, 1000]) {
        const uniforms = Array.from({ length: columns }, (_, k) => [k / columns, Math.max(0, k / columns - 2 ** -50)]);
        const exact = (u: number, kept: number) => Math.floor(u * kept);
        const all = uniforms.flat();
        const equal = new Array<number>(columns).fill(-2.5);
        expect(each(machine, equal, all)).toEqual(all.map((u) => exact(u, columns)));
        const k = Math.ceil(columns / 3);
        expect(each(machine, equal, all, { topK: k })).toEqual(all.map((u) => exact(u, k)));
        const nucleus = Math.ceil(columns / 4);
        expect(each(machine, equal, all, { topP: 0.25 })).toEqual(all.map((u) => exact(u, nucleus)));
        const both = Math.ceil(k / 4);
        expect(each(machine, equal, all, { topK: k, topP: 0.25 })).toEqual(all.map((u) => exact(u, both)));
      }
    });

    it('keeps lower ids of equal ones, after all that are larger', () => {
      // Of 65, twenty have the largest logit and the others an equal, smaller one.
      const row = Array.from({ length: 65 }, (_, v) => (v % 3 === 1 && v < 60 ? 4 : 4 - Math.log(4)));
      const larger = [...row.keys()].filter((v) => row[v] === 4);
      const smaller = [...row.keys()].filter((v) => row[v] !== 4);
      const uniforms = Array.from({ length: 4096 }, (_, k) => k / 4096);
      const kept = (drawing: Partial<Drawing>) =>
        [...new Set(each(machine, row, uniforms, drawing))].sort((a, b) => a - b);
      const lowest = (count: number) => [...larger, ...smaller.slice(0, count)].sort((a, b) => a - b);
      expect(kept({ topK: 20 })).toEqual(larger);
      expect(kept({ topK: 7 })).toEqual(larger.slice(0, 7));
      expect(kept({ topK: 31 })).toEqual(lowest(11));
      // All have 20 + 45 / 4 = 31.25 together: 36 of the smaller ones are the fewest that make it 28.8.
      expect(kept({ topP: 28.8 / 31.25 })).toEqual(lowest(36));
      expect(kept({ topP: 6.5 / 31.25 })).toEqual(larger.slice(0, 7));
      // 0 and −0 are equal.
      expect(each(machine, [-0, 0, -1, -0], [0, 0.5, 0.9], { topK: 2 })).toEqual([0, 1, 1]);
      expect(each(machine, [-1, -0, 0], [0, 0.9], { topK: 1 })).toEqual([1, 1]);
    });

    it('tells logits apart that have the same weight', () => {
      const next = 1 + 2 ** -23;
      expect(each(machine, [1, 1, next, 40], [0, 0.999999], { temperature: 1e3, topK: 2 })).toEqual([2, 3]);
    });

    it('never draws what is masked, nor beyond the last that is not', () => {
      const end = 1 - 2 ** -53;
      expect(each(machine, [-inf, 0, -inf, 0, -inf], [0, 0.4, 0.5, end])).toEqual([1, 1, 3, 3]);
      const few = [-inf, 2, 1, -inf, 0, -inf, -inf, -inf, -inf];
      for (const drawing of [{}, { topK: 3 }, { topK: 8 }, { topP: 0.9999 }, { topK: 8, topP: 0.9999 }]) {
        expect(each(machine, few, [0, end], drawing)).toEqual([1, 4]);
      }
      const long = Array.from({ length: 1000 }, (_, v) => (v > 100 && v < 300 ? Math.sin(v) : -inf));
      expect(each(machine, long, [0, end])).toEqual([101, 299]);
    });

    it('is greedy: the largest, the lower id of equal ones', () => {
      expect(each(machine, [1, 3, 3, 2], [0.9], { greedy: true, topK: 3, topP: 0.5 })).toEqual([1]);
      for (const columns of [1, 3, 8, 65, 1000]) {
        for (let seed = 0; seed < 20; seed += 1) {
          const row = logitsLike(seed, columns, seed);
          expect(draw(machine, row, [0.5], { greedy: true })).toEqual([sampler({ greedy: true })(row)]);
        }
      }
    });

    it('keeps what is not far less probable than the first, after all else is cut', () => {
      const uniforms = Array.from({ length: 512 }, (_, k) => (k + 0.377) / 512);
      const row = [0, -1, -2, -3, -4, -5, -1.5, -2.5, -inf];
      for (const drawing of [
        {},
        { temperature: 2 },
        { topK: 4 },
        { topP: 0.8 },
        { temperature: 0.5, topK: 6, topP: 0.99 },
      ]) {
        for (const minP of [0, 0.01, 0.1, 0.3, 0.9, 1]) {
          const options = optionsOf({ ...plain, ...drawing, minP });
          const exact = uniforms.map((u) => sampler(options, { ...generator(0), uniform: () => u })(row));
          expect(each(machine, row, uniforms, { ...drawing, minP })).toEqual(exact);
        }
      }
      expect(new Set(each(machine, [1, 1, 0], uniforms, { minP: 1 }))).toEqual(new Set([0, 1]));
    });

    it('never draws the id that it is told not to, and gives the others its share', () => {
      const row = [1, 4, 2, 3];
      const uniforms = Array.from({ length: 50 }, (_, k) => (k + 0.5) / 50);
      const without = [1, -1e30, 2, 3];
      expect(each(machine, row, uniforms, { never: 1 })).toEqual(each(machine, without, uniforms));
      expect(each(machine, row, [0], { never: 1, greedy: true })).toEqual([3]);
      expect(each(machine, row, [0.5], { never: 9, greedy: true })).toEqual([1]);
      // There is no other.
      expect(each(machine, [2], [0.5], { never: 0 })).toEqual([0]);
    });

    it('draws from allowed ranges alone, as if the model gave nothing else, before anything is cut off', () => {
      const uniforms = Array.from({ length: 64 }, (_, k) => (k + 0.5) / 64);
      const ways: readonly Row[] = [
        {},
        { temperature: 0.4 },
        { topK: 2 },
        { topP: 0.5 },
        { minP: 0.3 },
        { greedy: true },
        { penalty: 1.7, recent: [0, 3, 4] },
        { never: 4 },
      ];
      for (const columns of [5, 8, 67]) {
        for (const allowed of [
          [[0, columns - 1]],
          [[3, 4]],
          [
            [0, 0],
            [2, 2],
            [3, 4],
          ],
          [[4, 999]],
          [
            [1, 3],
            [columns, 2 * columns],
          ],
        ] as const) {
          const isAllowed = (id: number) => allowed.some(([first, last]) => id >= first && id <= last);
          const row = Array.from(logitsLike(columns, columns, 0));
          const hidden = row.map((logit, id) => (isAllowed(id) ? logit : -inf));
          // What the model says of the others does not matter.
          for (const other of [undefined, nan, inf, 99]) {
            const given = row.map((logit, id) => (isAllowed(id) ? logit : (other ?? logit)));
            for (const way of ways)
              expect(each(machine, given, uniforms, { ...way, allowed })).toEqual(each(machine, hidden, uniforms, way));
          }
        }
      }
    });

    it.each([-inf, inf, nan])('gives −1 where all that may be drawn is %s', (number) => {
      for (const greedy of [false, true])
        expect(each(machine, [1, number, number, 2], [0.5], { greedy, allowed: [[1, 2]] })).toEqual([-1]);
      expect(each(machine, [1, 2], [0.5], { allowed: [[5, 9]] })).toEqual([-1]);
    });

    it('makes what was said lately less probable, and what is improbable less so still', () => {
      const uniforms = Array.from({ length: 256 }, (_, k) => k / 256);
      for (const columns of [3, 8, 65]) {
        const random = generator(columns);
        const row = Float32Array.from({ length: columns }, () => 2 * random.normal());
        for (const penalty of [1.3, 2, 0.7]) {
          for (const recent of [[0], [2, 2, 1], Array.from({ length: columns }, (_, k) => k), [-1, columns, 1]]) {
            const exact = row.map((logit, id) =>
              recent.includes(id)
                ? logit > 0
                  ? Math.fround(logit / Math.fround(penalty))
                  : logit * Math.fround(penalty)
                : logit,
            );
            expect(each(machine, [...row], uniforms, { penalty, recent })).toEqual(each(machine, [...exact], uniforms));
            const best = each(machine, [...exact], [0], { greedy: true });
            expect(each(machine, [...row], [0], { greedy: true, penalty, recent })).toEqual(best);
          }
        }
      }
    });

    it('draws each row by its own drawing, as it does alone', () => {
      const columns = 65;
      const rows: readonly Row[] = [
        {},
        { temperature: 0.5 },
        { topK: 3 },
        { topP: 0.6 },
        { minP: 0.2 },
        { greedy: true },
        { penalty: 1.5, recent: [1, 2, 3] },
        { never: 2 },
        { allowed: [[3, 9]], topK: 4 },
        { temperature: 3, topK: 40, topP: 0.9, minP: 0.05, penalty: 0.8, recent: [60] },
      ];
      const logits = Float32Array.from(rows.flatMap((_, k) => Array.from(logitsLike(k, columns, k))));
      const random = generator(7);
      for (let round = 0; round < 50; round += 1) {
        const uniforms = rows.map(() => random.uniform());
        const alone = rows.flatMap((row, k) =>
          draw(machine, logits.slice(k * columns, (k + 1) * columns), uniforms.slice(k, k + 1), row),
        );
        expect(draw(machine, logits, uniforms, rows)).toEqual(alone);
      }
    });

    it('takes any temperature', () => {
      const uniforms = [0, 0.3, 0.6, 0.9];
      expect(each(machine, [1, 3, 3, -inf, 2.9], uniforms, { temperature: 1e-45 })).toEqual([1, 1, 2, 2]);
      expect(each(machine, [1, 3, 3, -inf], uniforms, { temperature: 1e300 })).toEqual([0, 0, 1, 2]);
    });

    it('gives −1 where the largest logit is no finite number, and draws the other rows', () => {
      const drawings = [{}, { greedy: true }, { topK: 2 }, { topP: 0.5 }];
      for (const drawing of drawings) {
        for (const row of [
          [0, nan, 1],
          [nan, nan, nan],
          [0, inf, nan],
          [0, 1, inf],
          [-inf, -inf, -inf],
        ]) {
          const rows = Float32Array.of(0, 0, 9, ...row, 9, 0, 0);
          expect(draw(machine, rows, [0.5, 0.5, 0.5], drawing)).toEqual([2, -1, 0]);
          expect(() => sampler(drawing)(row)).toThrow(/diverged/);
        }
      }
    });

    it('two and three threads give the ids of one, cold and hot', () => {
      const [rows, columns] = [300, 1000];
      const random = generator(9);
      const logits = Float32Array.from({ length: rows * columns }, () => 2 * random.normal());
      const uniforms = Array.from({ length: rows }, () => random.uniform());
      for (const drawing of [{ temperature: 0.8 }, { topK: 40 }, { topP: 0.9 }, { topK: 40, topP: 0.9 }]) {
        const one = draw(machineOf(tier, 1), logits, uniforms, drawing);
        expect(new Set(one).size).toBeGreaterThan(150);
        for (const threads of [2, 3]) expect(draw(machineOf(tier, threads), logits, uniforms, drawing)).toEqual(one);
        for (let round = 0; round < 2000; round += 1) draw(machine, logits.subarray(0, 65), [0.5], drawing);
        expect(draw(machine, logits, uniforms, drawing)).toEqual(one);
      }
    });
  });
}
