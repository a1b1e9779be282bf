/** The CRC-32 that zlib, PNG and Ethernet have (ISO 3309), for places that have none of their own. */

const POLYNOMIAL = 0xedb88320;

/** Four tables of 256: what a byte becomes that has 0 to 3 more bytes after it in a word. */
const tables = (() => {
  const table = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
    table[byte] = value;
  }
  for (let k = 256; k < table.length; k += 1) {
    const before = table[k - 256] as number;
    table[k] = (before >>> 8) ^ (table[before & 0xff] as number);
  }
  return table;
})();

const at = (table: number, byte: number): number => tables[256 * table + (byte & 0xff)] as number;

/** The checksum of bytes that follow others, whose checksum is given; 0 where there are none before. */
export function crc32(bytes: Uint8Array, before: number): number {
  const byte = (k: number) => bytes[k] as number;
  const words = bytes.length - (bytes.length % 4);
  let value = ~before;
  for (let k = 0; k < words; k += 4) {
    value ^= byte(k) | (byte(k + 1) << 8) | (byte(k + 2) << 16) | (byte(k + 3) << 24);
    value = at(3, value) ^ at(2, value >>> 8) ^ at(1, value >>> 16) ^ at(0, value >>> 24);
  }
  for (let k = words; k < bytes.length; k += 1) value = (value >>> 8) ^ at(0, value ^ byte(k));
  return ~value >>> 0;
}
