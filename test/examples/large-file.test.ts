/** A file over 4 GiB is read as any other; it takes as much memory, so it is read here and not among the quick tests. */
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from 'oxbow';
import { expect, test } from 'vitest';

test('a checkpoint of more than 4 GiB, in one tensor and after it, is read to its last number', {
  timeout: 600_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'large-'));
  try {
    const path = join(folder, 'large.safetensors');
    const large = 4 * 2 ** 30 + 4096;
    const header = JSON.stringify({
      large: { dtype: 'F32', shape: [large / 4], data_offsets: [0, large] },
      small: { dtype: 'I32', shape: [2], data_offsets: [large, large + 8] },
    }).padEnd(200);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([bytes, Buffer.from(header)]));
    const start = 8 + header.length;
    // Sparse: it takes a few blocks.
    truncateSync(path, start + large + 8);
    const file = openSync(path, 'r+');
    writeSync(file, new Uint8Array(Float32Array.of(1.5).buffer), 0, 4, start + large - 4);
    writeSync(file, new Uint8Array(Int32Array.of(-7, 7).buffer), 0, 8, start + large);
    closeSync(file);
    const { tensors } = await loadCheckpoint(path);
    expect(tensors.large?.data.length).toBe(large / 4);
    expect([tensors.large?.data[0], tensors.large?.data.at(-1)]).toEqual([0, 1.5]);
    expect(Array.from(tensors.small?.data ?? [])).toEqual([-7, 7]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
