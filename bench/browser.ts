/** `npm run bench:browser`: W3 in an isolated page of Chromium, on all cores, beside Node on the same tier, by turns. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { configure } from 'oxbow';
import { chromium, isolation, page, show, siteOf } from '../test/host/pages.js';
import { aboveZero, argumentsOf, command, fail, wholeNumber } from './arguments.js';
import { w3 } from './browser-w3.js';
import { summary } from './measure.js';
import { number } from './report.js';

const BAR = 0.85;

const program = command('npm run bench:browser --')
  .description('W3 (LSTM 128 ×2) in Chromium with isolation, beside Node on the fma tier.')
  .argument('[seconds]', 'that each run is measured', aboveZero('seconds'), 4)
  .argument('[rounds]', 'of both, one after the other', wholeNumber, 5);
const [seconds, rounds] = argumentsOf<[number, number]>('browser', program, process.argv.slice(2));
if (chromium === undefined) fail('browser', 'there is no Chromium in /usr/bin.', 2);

const { outputFiles } = await build({
  stdin: {
    contents: `
      import { configure, ready } from 'oxbow';
      import { w3 } from './bench/browser-w3.ts';
      answerOf(async () => {
        await ready({ tier: 'fma' });
        const { tier, threads } = configure({ tier: 'fma' });
        // Its threads start when the page has a moment.
        await new Promise((resolve) => setTimeout(resolve, 500));
        return { tier, threads, rate: await w3(${seconds}) };
      });
    `,
    resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
  },
  bundle: true,
  // This repository's own paths lead to the sources.
  tsconfigRaw: {},
  platform: 'browser',
  minify: true,
  write: false,
  logLevel: 'error',
});
const site = siteOf(
  { '/': page('<script src="/page.js"></script>'), '/page.js': outputFiles[0]?.text as string },
  isolation,
);

const { tier, threads } = configure({ tier: 'fma' });
console.log(`W3, symbols/s, ${tier} tier; Node ${process.versions.node} on ${threads} threads`);
const [node, inPage]: number[][] = [[], []];
for (let round = 0; round < rounds; round += 1) {
  node.push(await w3(seconds));
  const { w3: told } = (await show(chromium, { w3: site })) as {
    w3?: { rate?: number; threads: number; error?: string };
  };
  if (told?.rate === undefined) fail('browser', told?.error ?? 'the page gave no answer.', 1);
  inPage.push(told.rate);
  console.log(
    `Node ${number(node.at(-1) as number)}, Chromium ${number(told.rate)} on ${told.threads} threads, ratio ${(told.rate / (node.at(-1) as number)).toFixed(3)}`,
  );
}
const ratio = summary(inPage.map((rate, k) => rate / (node[k] as number)));
console.log(`ratio ${ratio.median.toFixed(3)} (${ratio.min.toFixed(3)} to ${ratio.max.toFixed(3)}); bar ≥ ${BAR}`);
process.exit(0);
