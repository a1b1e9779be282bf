import logUpdate from 'log-update';

/** Where the run is shown: to people by a live line below lines that stay, to machines by records. */
export interface Screen {
  /** Shows how things stand, as often as suits the place; `now` in any case. */
  live(line: () => string, now?: boolean): void;
  /** A line that stays. */
  say(text: string): void;
  /** A line of JSON; people do not see it, and machines see nothing else. */
  record(record: object): void;
  /** Text as it comes, without a line's end. */
  write(text: string): void;
  /** Letters that stand back, where the place can show that. */
  dim(text: string): string;
}

/** A terminal has a line that changes; a file or a pipe gets a line every few seconds, and no control codes. */
export function screen(json = false, out: NodeJS.WriteStream = process.stdout): Screen {
  const nothing = () => undefined;
  if (json) {
    const record = (value: object) => void out.write(`${JSON.stringify(value)}\n`);
    return { live: nothing, say: nothing, record, write: nothing, dim: (text) => text };
  }
  const terminal = out.isTTY === true;
  const coloured = terminal && !process.env.NO_COLOR;
  const every = terminal ? 100 : 5000;
  let shown = performance.now();
  const write = (text: string) => {
    if (terminal) logUpdate.clear();
    out.write(text);
  };
  return {
    live(line, now = false) {
      if (!now && performance.now() - shown < every) return;
      shown = performance.now();
      if (!terminal) out.write(`${line()}\n`);
      else logUpdate(line());
      if (terminal && now) logUpdate.done();
    },
    say: (text) => write(`${text}\n`),
    record: nothing,
    write,
    dim: (text) => (coloured ? `\u001b[2m${text}\u001b[22m` : text),
  };
}
