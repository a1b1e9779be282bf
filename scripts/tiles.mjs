// Writes the register tiles of the matrix product: R rows × 16 columns, R = 1 … 6, as AssemblyScript.
//
// What the machine wants (measured): k not unrolled; 12 accumulators of 256 bits at most; A read through a pointer a
// row, so that it needs no packing; B in panels of 16 columns, packed or as it lies. How far it is from one k to the next
// is free in both (a transposed A steps by its leading dimension) and costs nothing. The revectorizer starts from two adjacent
// stores and walks up: all loads of the old C come before the first store, and stores come last, in pairs.
//
// Of each tile there is a form whose A lies wherever two tables say, a[r][k] at rows[r] + steps[k]: the patches of an image
// have nearly all their numbers in common, and this reads them where they are.

const COLUMNS = [0, 1, 2, 3]; // four v128 make a row of 16

const lines = (rows, row) => Array.from({ length: rows }, (_, r) => row(r)).join('\n');

function tile(rows, accumulate, scattered) {
  const name = `tile${rows}x16${scattered ? 'At' : ''}${accumulate ? 'Add' : ''}`;
  const pointers = lines(rows, (r) =>
    scattered ? `  const a${r} = load<usize>(a, ${4 * r});` : `  let a${r} = a + lda * ${r};`,
  );
  const targets = lines(
    rows,
    (r) => `  const c${r} = c + ldc * ${r};${accumulate ? ` const z${r} = z + ldz * ${r};` : ''}`,
  );
  const start = lines(rows, (r) =>
    COLUMNS.map((q) =>
      accumulate ? `  let s${r}${q} = v128.load(z${r}, ${q * 16});` : `  let s${r}${q} = f32x4.splat(0);`,
    ).join('\n'),
  );
  const step = lines(
    rows,
    (r) =>
      `    const x${r} = v128.load32_splat(a${r}${scattered ? ' + step' : ''});\n` +
      COLUMNS.map((q) => `    s${r}${q} = madd(x${r}, b${q}, s${r}${q});`).join('\n') +
      (scattered ? '' : `\n    a${r} += aStep;`),
  );
  const finish = lines(rows, (r) => COLUMNS.map((q) => `  v128.store(c${r}, s${r}${q}, ${q * 16});`).join('\n'));
  return `
export function ${name}(k: i32, a: usize, ${scattered ? 'steps: usize' : 'lda: usize, aStep: usize'}, b: usize, bStep: usize, ${accumulate ? 'z: usize, ldz: usize, ' : ''}c: usize, ldc: usize): void {
${pointers}
${targets}
${start}
  const end = b + <usize>k * bStep;
  for (; b < end; b += bStep) {
${scattered ? '    const step = load<usize>(steps);\n    steps += 4;\n' : ''}${COLUMNS.map((q) => `    const b${q} = v128.load(b, ${q * 16});`).join('\n')}
${step}
  }
${finish}
}`;
}

/** The source of assembly/generated/tiles.ts. */
export function tilesSource(maxRows) {
  const rows = Array.from({ length: maxRows }, (_, r) => r + 1);
  const dispatch = (accumulate, scattered = false) => `
/** C = ${accumulate ? 'Z + ' : ''}A·B for one tile: \`rows\` rows of A${scattered ? ', at the addresses in two tables,' : ''} and one panel of B; strides, and steps from one k to the next, in bytes. */
export function tile${scattered ? 'At' : ''}${accumulate ? 'Add' : ''}(
  rows: i32, k: i32, a: usize, ${scattered ? 'steps: usize' : 'lda: usize, aStep: usize'}, b: usize, bStep: usize, ${accumulate ? 'z: usize, ldz: usize, ' : ''}c: usize, ldc: usize,
): void {
  switch (rows) {
${rows.map((r) => `    case ${r}: return tile${r}x16${scattered ? 'At' : ''}${accumulate ? 'Add' : ''}(k, a, ${scattered ? 'steps' : 'lda, aStep'}, b, bStep, ${accumulate ? 'z, ldz, ' : ''}c, ldc);`).join('\n')}
  }
}`;
  return `// Written by scripts/tiles.mjs.
import { madd } from '../math';
${[false, true].flatMap((scattered) => rows.map((r) => `${tile(r, false, scattered)}\n${tile(r, true, scattered)}`)).join('\n')}
${dispatch(false)}
${dispatch(true)}
${dispatch(false, true)}
${dispatch(true, true)}
`;
}
