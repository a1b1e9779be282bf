/**
 * `npm run fuzz`: mutated checkpoints, kept runs, utterance files, tokenizers, socket frames and files of other frameworks, each read right or refused by name, within bounds of
 * time and memory. The first that is not is made small, and it is said how to see it again.
 */
import { writeFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { argumentsOf, command, wholeNumber } from '../bench/arguments.js';
import { configure } from '../src/index.js';
import { checkpoints } from './checkpoints.js';
import { frames } from './frames.js';
import { kerasFiles, tfjsFiles } from './layers-models.js';
import { onnxFiles } from './onnx.js';
import { pytorchFiles } from './pytorch.js';
import { type Report, run, type Target } from './run.js';
import { runs } from './runs.js';
import { tokenizers } from './tokenizers.js';
import { utterances } from './utterances.js';

const targets = {
  checkpoints,
  runs,
  utterances,
  tokenizers,
  frames,
  pytorch: pytorchFiles,
  onnx: onnxFiles,
  keras: kerasFiles,
  tfjs: tfjsFiles,
} as const;
type Name = keyof typeof targets;

const seedOf = (text: string): number => {
  if (/^-?\d{1,10}$/.test(text) && Number(text) === (Number(text) | 0)) return Number(text);
  throw new InvalidArgumentError('It is a whole number of 32 bits.');
};
const nameOf = (text: string): Name => {
  if (Object.hasOwn(targets, text)) return text as Name;
  throw new InvalidArgumentError(`It is one of ${Object.keys(targets).join(', ')}.`);
};
const pathOf = (text: string): string => {
  if (/^\d+(:\d+)*$/.test(text)) return text;
  throw new InvalidArgumentError('It is numbers with colons between them, as a failure prints it.');
};

const program = command('npm run fuzz --')
  .description(
    'Reads mutated files and frames; fails where one is read wrongly, or refused in no words of the library.',
  )
  .argument('[cases]', 'of each kind', wholeNumber, 100_000)
  .option('--only <kind>', `one of ${Object.keys(targets).join(', ')}`, nameOf)
  .option('--seed <number>', 'of the cases; by default another one each time', seedOf)
  .option('--path <path>', 'a single case, as a failure prints it', pathOf)
  .option('--report <file>', 'write passed and failed there, as the tests do');
const [cases] = argumentsOf<[number]>('fuzz', program, process.argv.slice(2));
const {
  only,
  seed = Date.now() | 0,
  path,
  report,
} = program.opts<{
  only?: Name;
  seed?: number;
  path?: string;
  report?: string;
}>();
configure({ threads: 1 });

function show({ target, cases: count, seconds, failure }: Report): void {
  const speed = `${count} cases in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} a second, seed ${seed}`;
  console.log(`${target}: ${speed}: ${failure ? 'FAILED' : 'ok'}`);
  if (failure === undefined) return;
  console.log(failure.message);
  console.log(`the smallest case: ${failure.example}`);
  console.log(`again: npm run fuzz -- --only ${target} --seed ${seed}${failure.path && ` --path ${failure.path}`}`);
}

let failed = 0;
const names = only === undefined ? (Object.keys(targets) as Name[]) : [only];
for (const name of names) {
  const target = (await targets[name]()) as Target<unknown>;
  const outcome = await run(target, { runs: cases, seed, path });
  if (outcome.failure) failed += 1;
  show(outcome);
}
if (report !== undefined) {
  const counts = { numPassedTests: names.length - failed, numFailedTests: failed, testResults: [] };
  writeFileSync(report, JSON.stringify(counts));
}
process.exit(failed === 0 ? 0 : 1);
