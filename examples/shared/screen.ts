import { type Screen as CommandScreen, screen as commandScreen } from '../../src/cli/shared/screen.js';

/**
 * Where a run is shown. What comes out of it goes to stdout: to people as lines and text, to programs as records. How
 * it goes is shown on stderr, to people by a live line, which programs do not get.
 */
export interface Screen extends Pick<CommandScreen, 'live' | 'note' | 'say' | 'record' | 'write'> {
  /** Text in a weaker colour, where the terminal can show that. */
  dim(text: string): string;
}

export function screen(json = false, out = process.stdout, err = process.stderr): Screen {
  const { coloured, live, note, say, record, write } = commandScreen(json, out, err);
  return {
    live: json ? () => undefined : live,
    note,
    say,
    record,
    write,
    dim: (text) => (coloured ? `\u001b[2m${text}\u001b[22m` : text),
  };
}
