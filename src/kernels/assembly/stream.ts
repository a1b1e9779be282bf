// A vector times a matrix as it lies: what a few rows cost least by.
import { madd } from './math';

/** c = z + a·B (z = 0: nothing to add) for one row and a row-major B, 64 columns at a time: eight accumulators of 256 bits. */
export function stream(
  k: i32, a: usize, b: usize, ldb: usize, z: usize, c: usize, columnFrom: i32, columnTo: i32,
): void {
  let column = columnFrom;
  for (; column + 64 <= columnTo; column += 64) {
    const at = (<usize>column) << 2;
    stream64(k, a, b + at, ldb, z == 0 ? 0 : z + at, c + at);
  }
  for (; column + 4 <= columnTo; column += 4) {
    const at = (<usize>column) << 2;
    let s = z == 0 ? f32x4.splat(0) : v128.load(z + at);
    let source = b + at;
    for (let x = a, end = a + ((<usize>k) << 2); x < end; x += 4, source += ldb) {
      s = madd(v128.load32_splat(x), v128.load(source), s);
    }
    v128.store(c + at, s);
  }
  for (; column < columnTo; column += 1) {
    const at = (<usize>column) << 2;
    let s = z == 0 ? f32x4.splat(0) : v128.load32_splat(z + at);
    let source = b + at;
    for (let x = a, end = a + ((<usize>k) << 2); x < end; x += 4, source += ldb) {
      s = madd(v128.load32_splat(x), v128.load32_splat(source), s);
    }
    v128.store_lane<f32>(c + at, s, 0);
  }
}

function stream64(k: i32, a: usize, b: usize, ldb: usize, z: usize, c: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  let s8 = s0, s9 = s0, s10 = s0, s11 = s0, s12 = s0, s13 = s0, s14 = s0, s15 = s0;
  if (z != 0) {
    s0 = v128.load(z); s1 = v128.load(z, 16); s2 = v128.load(z, 32); s3 = v128.load(z, 48);
    s4 = v128.load(z, 64); s5 = v128.load(z, 80); s6 = v128.load(z, 96); s7 = v128.load(z, 112);
    s8 = v128.load(z, 128); s9 = v128.load(z, 144); s10 = v128.load(z, 160); s11 = v128.load(z, 176);
    s12 = v128.load(z, 192); s13 = v128.load(z, 208); s14 = v128.load(z, 224); s15 = v128.load(z, 240);
  }
  for (const end = a + ((<usize>k) << 2); a < end; a += 4, b += ldb) {
    const x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b), s0); s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b, 32), s2); s3 = madd(x, v128.load(b, 48), s3);
    s4 = madd(x, v128.load(b, 64), s4); s5 = madd(x, v128.load(b, 80), s5);
    s6 = madd(x, v128.load(b, 96), s6); s7 = madd(x, v128.load(b, 112), s7);
    s8 = madd(x, v128.load(b, 128), s8); s9 = madd(x, v128.load(b, 144), s9);
    s10 = madd(x, v128.load(b, 160), s10); s11 = madd(x, v128.load(b, 176), s11);
    s12 = madd(x, v128.load(b, 192), s12); s13 = madd(x, v128.load(b, 208), s13);
    s14 = madd(x, v128.load(b, 224), s14); s15 = madd(x, v128.load(b, 240), s15);
  }
  v128.store(c, s0); v128.store(c, s1, 16); v128.store(c, s2, 32); v128.store(c, s3, 48);
  v128.store(c, s4, 64); v128.store(c, s5, 80); v128.store(c, s6, 96); v128.store(c, s7, 112);
  v128.store(c, s8, 128); v128.store(c, s9, 144); v128.store(c, s10, 160); v128.store(c, s11, 176);
  v128.store(c, s12, 192); v128.store(c, s13, 208); v128.store(c, s14, 224); v128.store(c, s15, 240);
}
