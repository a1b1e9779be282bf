/**
 * `npm run bench:online`: one pass over a text by a model that begins at random, each symbol scored before it is learnt, as `--stdin` has
 * it; and the same model in PyTorch, part by part in turn, where that is installed.
 */

import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { lastValueFrom, reduce } from 'rxjs';
import { languageOf, learningOf } from '../src/cli/training/language.js';
import { recipes } from '../src/cli/training/recipes.js';
import { readText } from '../src/cli/training/text.js';
import { configure, fromText, machine, tbptt, tokens, vocabulary, windows } from '../src/index.js';
import { streamVocabulary } from '../src/streams/coder.js';
import { natsOf } from '../src/streams/symbol-growth.js';
import { aboveZero, argumentsOf, command, fail, wholeNumber } from './arguments.js';

const usual = recipes['online-log'].recipe;
const program = command('npm run bench:online --')
  .description('Bits and speed of one pass over a text that is learnt as it is read, beside PyTorch.')
  .argument('[file]', 'text, UTF-8 (default: Moby Dick)')
  .option('--characters <n>', 'from its start (default: all)', wholeNumber)
  .option('--length <n>', 'symbols of a window', wholeNumber, usual.length)
  .option('--lr <n>', 'learning rate', aboveZero('units'), usual.learningRate)
  .option('--units <n>', 'of the LSTM', wholeNumber, usual.units)
  .option('--threads <n>', 'of ours', wholeNumber, 1)
  .option('--seeds <n>', 'runs, of a seed each', wholeNumber, 1)
  .option('--lines', 'instead say what lines of a log cost, by the symbols that --stdin begins with')
  .option('--no-peer', 'without PyTorch');

interface Pass {
  readonly bits: number;
  readonly scored: number;
  readonly seconds: number;
}

const [file] = argumentsOf<[string | undefined]>('online', program, process.argv.slice(2));
const options = program.opts<{
  readonly characters?: number;
  readonly length: number;
  readonly lr: number;
  readonly units: number;
  readonly threads: number;
  readonly seeds: number;
  readonly lines?: true;
  readonly peer: boolean;
}>();
const whole = await readText(file).catch((error: unknown) =>
  fail('online', error instanceof Error ? error.message : String(error), 2),
);
const text = options.characters === undefined ? whole : [...whole].slice(0, options.characters).join('');
const vocab = vocabulary(text);
configure({ threads: options.threads });
const recipe = { ...usual, length: options.length, learningRate: options.lr, units: options.units };

/** A pass of ours; windows that are not full at the end are left out, on both sides. */
async function ours(seed: number): Promise<Pass> {
  const model = languageOf(recipe, vocab, seed);
  const since = performance.now();
  const [nats, scored] = await lastValueFrom(
    fromText(text).pipe(
      tokens(vocab),
      windows({ length: recipe.length }),
      tbptt(
        model,
        learningOf(recipe, () => recipe.learningRate),
      ),
      reduce(([all, count], { loss }) => [all + loss * recipe.length, count + recipe.length] as const, [
        0, 0,
      ] as readonly [number, number]),
    ),
  );
  return { bits: nats / Math.LN2, scored, seconds: (performance.now() - since) / 1000 };
}

/** What each line cost in a pass of ours; a window's bits are shared out evenly among its symbols, and what fills none at the end is left out. */
async function linesOf(seed: number): Promise<readonly number[]> {
  const open = streamVocabulary();
  const symbols = [...text];
  const lines = [0];
  let at = 1;
  await fromText(text)
    .pipe(
      tokens(open),
      windows({ length: recipe.length }),
      tbptt(languageOf(recipe, open, seed), { ...learningOf(recipe, () => recipe.learningRate), vocab: open }),
    )
    .forEach((learned) => {
      const { length } = learned.window.target.data;
      const bits = natsOf(learned) / Math.LN2 / length;
      for (const symbol of symbols.slice(at, at + length)) {
        lines[lines.length - 1] = (lines.at(-1) as number) + bits;
        if (symbol === '\n') lines.push(0);
      }
      at += length;
    });
  return lines.slice(0, -1);
}

/** A pass of PyTorch's; undefined where it is not installed. */
function torch(seed: number): Promise<Pass | undefined> {
  const { embed, units, layers, length, learningRate, clip } = recipe;
  const script = fileURLToPath(new URL('../../bench/peers/torch_online.py', import.meta.url));
  const sizes = [vocab.size, embed, units, layers, length, learningRate, clip, seed].map(String);
  return new Promise((resolve) => {
    // A thread is best for one lane: OpenBLAS's would wait for each other.
    const child = spawn('/usr/bin/python3', [script, ...sizes], {
      env: { ...process.env, OPENBLAS_NUM_THREADS: '1' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 0 ? (JSON.parse(said) as Pass) : undefined));
    child.stdin.on('error', () => undefined);
    const { buffer, byteOffset, byteLength } = vocab.encode(text);
    child.stdin.end(new Uint8Array(buffer, byteOffset, byteLength));
  });
}

const show = (name: string, { bits, scored, seconds }: Pass): void =>
  console.log(
    `${name.padEnd(22)}${Math.round(bits).toLocaleString('en').padStart(12)} bits, ${(bits / scored).toFixed(4)} a character; ` +
      `${Math.round(scored / seconds).toLocaleString('en')} characters/s`,
  );

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}, ${machine().tier} tier, ${options.threads} of our threads`,
);
console.log(
  `LSTM ${recipe.units}, ${options.lines ? 'symbols as they come' : `${vocab.size} symbols`}, windows of ${recipe.length}, one lane, Adam ${recipe.learningRate}; ${[...text].length.toLocaleString('en')} characters, once`,
);
/** Lines that a mean is of, and the line that the last of them is at most. */
const [TOGETHER, LAST] = [50, 1000];
for (let seed = 1; seed <= options.seeds; seed += 1) {
  if (options.lines) {
    const lines = await linesOf(seed);
    const last = Math.min(LAST, lines.length);
    const mean = (to: number) => lines.slice(to - TOGETHER, to).reduce((sum, bits) => sum + bits / TOGETHER, 0);
    if (last < 2 * TOGETHER) fail('online', `${lines.length} lines are too few; give a text of ${2 * TOGETHER}.`, 2);
    console.log(
      `seed ${seed}: bits a line, the first ${TOGETHER} ${mean(TOGETHER).toFixed(1)}, ${last - TOGETHER + 1} to ${last} ` +
        `${mean(last).toFixed(1)}: ${(mean(last) / mean(TOGETHER)).toFixed(3)} of it`,
    );
    continue;
  }
  const own = await ours(seed);
  show(`ours, seed ${seed}`, own);
  const other = options.peer ? await torch(seed) : undefined;
  if (other === undefined) {
    if (options.peer) console.log('PyTorch is not installed (python3-torch).');
    continue;
  }
  show(`PyTorch, seed ${seed}`, other);
  console.log(
    `${(other.seconds / own.seconds).toFixed(2)} × PyTorch's speed, ${(own.bits / other.bits).toFixed(4)} × its bits`,
  );
}
