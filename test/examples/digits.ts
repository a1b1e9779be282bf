import { writeFileSync } from 'node:fs';

/** Digits that are bars: the lower their class, the higher they stand. */
export function writeDigits(inFolder: (file: string) => string, name: string, count: number): void {
  const header = (magic: number, ...lengths: number[]) => {
    const bytes = Buffer.alloc(4 + 4 * lengths.length);
    [magic, ...lengths].forEach((value, k) => {
      bytes.writeUInt32BE(value, 4 * k);
    });
    return bytes;
  };
  const labels = Uint8Array.from({ length: count }, (_, k) => k % 10);
  const images = Uint8Array.from({ length: count * 784 }, (_, k) => {
    const row = Math.floor(k / 28) % 28;
    return Math.floor((row - 4) / 2) === labels[Math.floor(k / 784)] ? 255 : 0;
  });
  writeFileSync(inFolder(`${name}-images-idx3-ubyte`), Buffer.concat([header(2051, count, 28, 28), images]));
  writeFileSync(inFolder(`${name}-labels-idx1-ubyte`), Buffer.concat([header(2049, count), labels]));
}
