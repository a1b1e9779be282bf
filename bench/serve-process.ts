/** A process that serves, as its benchmark and its soak start it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { KeptMemory } from './kept-memory.js';

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** A number of `GET /metrics` by its line's beginning. */
  figure(name: string): Promise<number>;
  /** What it keeps after a whole collection. */
  memory(): Promise<KeptMemory>;
}

export async function serverProcess(...args: readonly number[]): Promise<ServerProcess> {
  const child = fork(fileURLToPath(new URL('./serve-child.js', import.meta.url)), args.map(String), {
    execArgv: ['--expose-gc'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }];
  const url = `http://127.0.0.1:${port}`;
  return {
    child,
    url,
    async memory() {
      const answer = once(child, 'message');
      child.send('memory');
      return (await answer)[0] as KeptMemory;
    },
    async figure(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(name))
          ?.split(' ')
          .at(-1),
      );
    },
  };
}

/** The value below which a share of them is. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
