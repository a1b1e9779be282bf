/** Work that is to be done before a signal ends the process. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof signals)[number];

/** What comes sooner is the same key press: npm passes a signal on to a process that the terminal has signalled already. */
const SAME_PRESS_MS = 500;

const savers = new Set<() => Promise<unknown>>();
let ending: { readonly since: number } | undefined;

/** Ends the process as the signal would have, unless somebody else deals with it. */
function pass(signal: Signal): void {
  for (const each of signals) process.off(each, onSignal);
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  else if (savers.size > 0) listen();
  ending = undefined;
}

function onSignal(signal: Signal): void {
  if (ending !== undefined) {
    // A second signal means that nobody wants to wait.
    if (performance.now() - ending.since > SAME_PRESS_MS) pass(signal);
    return;
  }
  ending = { since: performance.now() };
  void Promise.allSettled(Array.from(savers, (save) => save())).then(() => pass(signal));
}

function listen(): void {
  for (const signal of signals) {
    process.off(signal, onSignal);
    process.on(signal, onSignal);
  }
}

/** Has something done before SIGINT, SIGTERM or SIGHUP ends the process, until the function is called that is returned. */
export function onEnding(save: () => Promise<unknown>): () => void {
  savers.add(save);
  listen();
  return () => {
    savers.delete(save);
    if (savers.size > 0) return;
    for (const signal of signals) process.off(signal, onSignal);
  };
}
