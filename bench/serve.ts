/**
 * `npm run bench:serve`: what clients of a server feel while its model learns at full speed. An LSTM 512 ×2 learns windows of 32 × 32
 * in a process of its own; from here so many clients read 20 symbols a second each. How late symbols are, how late the
 * server's event loop is, how long `/livez` takes; and, while it is idle, how long the first symbol takes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { connect } from '../src/client/client.js';
import { aboveZero, argumentsOf, command, wholeNumber } from './arguments.js';
import { quantile, serverProcess } from './serve-process.js';

const program = command('npm run bench:serve --')
  .description('How late symbols are, and how quickly a server answers, while its model learns at full speed.')
  .argument('[seconds]', 'that it is measured', aboveZero('seconds'), 20)
  .argument('[clients]', 'that read 20 symbols a second each', wholeNumber, 50)
  .argument('[units]', 'of each of two LSTM layers', wholeNumber, 512);
const [seconds, clients, units] = argumentsOf<[number, number, number]>('serve', program, process.argv.slice(2));

/** Milliseconds between two symbols of a client. */
const GAP = 50;
/** Milliseconds before anything counts. */
const WARM = 3000;

const { child, url, figure } = await serverProcess(units, 2, 1e6);

const one = connect(url);
await firstValueFrom(one.hello$);
const firsts: number[] = [];
for (let k = 0; k < 220; k += 1) {
  const asked = performance.now();
  await firstValueFrom(one.generate({ prompt: 'the river', length: 1 }));
  if (k >= 20) firsts.push(performance.now() - asked);
}

child.send('learn');
await pause(WARM);
const [late, live]: number[][] = [[], []];
let counts = false;
const readers = Array.from({ length: clients }, (_, k) => {
  const client = connect(url);
  let before: number | undefined;
  const start = setTimeout(
    () =>
      client.generate({ prompt: 'the river', length: 10_000, rate: 1000 / GAP, seed: k }).subscribe({
        next() {
          const now = performance.now();
          if (before !== undefined && counts) late?.push(Math.max(0, now - before - GAP));
          before = now;
        },
        error: (error: unknown) => {
          if (counts) throw error;
        },
      }),
    (GAP * k) / clients,
  );
  return () => {
    clearTimeout(start);
    client.close();
  };
});
await pause(WARM);
counts = true;
const [began, learnt, delays] = [performance.now(), await figure('oxbow_learnt_total'), [] as number[]];
while (performance.now() - began < 1000 * seconds) {
  const asked = performance.now();
  await (await fetch(`${url}/livez`)).text();
  live?.push(performance.now() - asked);
  if ((live?.length ?? 0) % 100 === 0) delays.push(1000 * (await figure('oxbow_loop_delay_seconds')));
  await pause(GAP);
}
counts = false;
const perSecond = ((await figure('oxbow_learnt_total')) - learnt) / ((performance.now() - began) / 1000);
delays.push(1000 * (await figure('oxbow_loop_delay_seconds')));
for (const stop of readers) stop();
one.close();

const row = (what: string, values: readonly number[]) =>
  console.log(
    `${what.padEnd(52)} ${[0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(1).padStart(7)).join('')}`,
  );
console.log(`LSTM ${units} × 2, ${clients} clients; ${perSecond.toFixed(0)} symbols/s learnt`);
console.log(`${'milliseconds'.padEnd(52)} ${['p50', 'p99', 'most'].map((name) => name.padStart(7)).join('')}`);
row('idle: to the first symbol', firsts);
row(`learning: a symbol is late (${late?.length} symbols)`, late ?? []);
row('learning: /livez', live ?? []);
console.log(`${'learning: event loop late, p99, at worst'.padEnd(52)} ${quantile(delays, 1).toFixed(1).padStart(14)}`);
child.send('close');
