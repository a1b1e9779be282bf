/** docs/command.md says what the commands' help says. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { helpOf, program } from '../../src/cli/program.js';
import { exitCodesHelp } from '../../src/cli/shared/command.js';
import { exitCodes } from '../../src/cli/shared/failure.js';

const page = readFileSync(new URL('../../docs/command.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```text\n(.*?)\n```$/gms)].map(([, text]) => text);
const commands = [program(), ...program().commands.filter((each) => !['complete', 'help'].includes(each.name()))];

it.each(commands.map((each) => [each.name(), each] as const))('of %s', (_, command) => {
  expect(blocks).toContain(helpOf(command).replace(exitCodesHelp, '').trim());
});

it('and of no other command', () => expect(blocks).toHaveLength(commands.length));

it('all exit codes', () => {
  for (const [code, what] of Object.entries(exitCodes)) expect(page).toContain(`| ${code} | ${what} |`);
});
