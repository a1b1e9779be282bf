/** The pages of the protocol say what the schemas say. After a change: `OXBOW_WRITE_PROTOCOL=1 npx vitest run test/protocol`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parts, schemaFile, withParts } from './document.js';

const pathOf = (name: string) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

it.each([
  ['protocol.schema.json', () => schemaFile()],
  ['protocol.md', () => withParts(readFileSync(pathOf('protocol.md'), 'utf8'))],
])('docs/%s is what follows from the schemas', (name, text) => {
  if (process.env.OXBOW_WRITE_PROTOCOL) writeFileSync(pathOf(name), text());
  expect(readFileSync(pathOf(name), 'utf8')).toBe(text());
});

it('has each part of the page', () => {
  const page = readFileSync(pathOf('protocol.md'), 'utf8');
  for (const part of Object.values(parts)) expect(page).toContain(part());
});
