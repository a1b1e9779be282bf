/** The package as it is built, taken by its name into bundles, as users' projects have it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

export const root = fileURLToPath(new URL('../..', import.meta.url));

if (!existsSync(`${root}dist/host/browser.js`)) throw new Error('the package is not built: `npm run build` first.');

/** A character model that learns from ten windows; the losses. */
export const learning = `
  const corpus = 'the river bends and the river bends again. '.repeat(40);
  const vocab = vocabulary(corpus);
  const model = stack(
    { embed: embedding(vocab.size, 16), rnn: lstm(16, 64), head: dense(64, vocab.size) },
    { seed: 42 },
  );
  const steps$ = fromText(corpus).pipe(
    tokens(vocab),
    windows({ length: 64 }),
    take(10),
    tbptt(model, { loss: crossEntropy(), optimizer: adam(2e-3), clipNorm: 5 }),
    toArray(),
  );
  const losses = (await lastValueFrom(steps$)).map(({ loss }) => loss);
`;

/** What the model says then. */
export const speaking = `
  let said = '';
  for await (const symbol of generateIterable(model, ids([1, 1], [0]), { length: 24, seed: 5 })) said += vocab.decode(symbol.data);
`;

/** The losses and the text of a program of this process. */
export async function inNode(body = `${learning} ${speaking} return { losses, said };`): Promise<unknown> {
  const here = { ...(await import('rxjs')), ...(await import('../../src/index.js')) };
  return new Function(...Object.keys(here), `return (async () => { ${body} })()`)(...Object.values(here));
}

export const imports = `
  import { lastValueFrom, take, toArray } from 'rxjs';
  import {
    adam, configure, crossEntropy, dense, embedding, fromFile, fromText, generateIterable, ids, lstm, machine, ready, stack,
    tbptt, tokens, vocabulary, windows,
  } from 'oxbow';
`;

/** Bundles a program for a place, without configuration but what is given. */
export async function bundle(contents: string, options: BuildOptions) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    // This repository's own paths lead to the sources.
    tsconfigRaw: {},
    logLevel: 'silent',
    ...options,
    write: false,
    metafile: true,
  });
  return { files: outputFiles, metafile, text: outputFiles[0]?.text ?? '' };
}
