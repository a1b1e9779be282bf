import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { candidates } from '../../src/cli/completion.js';
import { program, run } from '../../src/cli/program.js';

describe('what may stand at the end of a command line', () => {
  it.each([
    [['s'], ['score', 'serve']],
    [[], ['train', 'generate', 'score', 'tag', 'serve', 'inspect', 'convert', 'bench', 'doctor', 'completion', 'help']],
    [['--v'], ['--version']],
    [['score', '--'], expect.arrayContaining(['--learn', '--keep', '--json', '--help'])],
    [['score', '--only'], ['--only-strange']],
    [
      ['train', '--cell', ''],
      ['rnn', 'lstm', 'gru', 'minGru', 'minLstm', 'griffin', 'gatedDeltaNet'],
    ],
    [
      ['train', '--cell', 'g'],
      ['gru', 'griffin', 'gatedDeltaNet'],
    ],
    // As bash has it, and as the others have it.
    [
      ['train', '--cell', '=', 'g'],
      ['gru', 'griffin', 'gatedDeltaNet'],
    ],
    [
      ['train', '--cell', '='],
      ['rnn', 'lstm', 'gru', 'minGru', 'minLstm', 'griffin', 'gatedDeltaNet'],
    ],
    [
      ['train', '--cell=g'],
      ['--cell=gru', '--cell=griffin', '--cell=gatedDeltaNet'],
    ],
    [['train', '--keep=m'], []],
    [['train', '--tier', 'w'], ['wide']],
    [
      ['bench', '--only', ''],
      ['train', 'generate', 'score'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'ge'], ['generate']],
    // Names of files, which are the shell's.
    [['train', ''], []],
    [['train', '--keep', ''], []],
    [['score', 'app'], []],
  ])('%j', (words, expected) => expect(candidates(program(), words)).toEqual(expected));
});

/** What the shell makes of the script, where `oxbow complete` says what it was asked. */
describe.skipIf(!existsSync('/bin/bash'))('the script for bash', () => {
  async function script(): Promise<string> {
    const out: string[] = [];
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(out.push(String(text))));
    await run(['completion', 'bash']);
    spy.mockRestore();
    return out.join('');
  }

  it.each([
    [['oxbow', 'train', '--cell', 'g'], '[complete][--][train][--cell][g]'],
    [['oxbow', ''], '[complete][--][]'],
    // What is typed is no command of the shell's yet.
    [['oxbow', 'generate', '"$(exit 7)"'], '[complete][--][generate]["$(exit 7)"]'],
  ])('passes on %j', async (words, passed) => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const ask = `oxbow() { local all=''; for word in "$@"; do all+="[$word]"; done; echo "$all"; }
      ${await script()}
      COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _oxbow; printf '%s' "\${COMPREPLY[*]}"`;
    const { stdout, stderr, status } = spawnSync('/bin/bash', ['--norc', '-c', ask], { encoding: 'utf8' });
    expect({ stdout, stderr, status }).toEqual({ stdout: passed, stderr: '', status: 0 });
  });
});
