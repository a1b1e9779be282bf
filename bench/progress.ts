import { createLogUpdate } from 'log-update';

/** A line on the terminal that says what is being measured; nothing where there is no terminal. */
export interface Progress {
  show(line: string): void;
  clear(): void;
}

export function progress(out: NodeJS.WriteStream = process.stderr): Progress {
  if (!out.isTTY) return { show: () => undefined, clear: () => undefined };
  const update = createLogUpdate(out);
  return { show: update, clear: () => update.clear() };
}
