import * as zlib from 'node:zlib';
import { crc32 as own } from '../crc32.js';

/** Node has one of its own since 20.15, which is faster. */
export const isNative = zlib.crc32 !== undefined;

export const crc32: (bytes: Uint8Array, before: number) => number = zlib.crc32 ?? own;
