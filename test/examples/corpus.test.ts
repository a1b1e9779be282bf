import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { expect, test } from 'vitest';
import { readText } from '../../examples/shared/text-file.js';

test.each([
  ['\uFEFFab', 'ab'],
  ['\uFEFF\uFEFFa', '\uFEFFa'],
  ['a\uFEFFb', 'a\uFEFFb'],
  ['', ''],
])('a byte-order mark is no symbol of a text: %j', async (text, wanted) => {
  const folder = mkdtempSync(join(tmpdir(), 'corpus-'));
  writeFileSync(join(folder, 'text'), text);
  expect(await readText(join(folder, 'text'))()).toEqual(E.right(wanted));
  rmSync(folder, { recursive: true });
});
