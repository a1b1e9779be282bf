import { builtinModules } from 'node:module';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { host } from '../../src/host/browser.js';
import { configure } from '../../src/kernels/machine.js';
import { bundle, imports, inNode, learning } from './bundles.js';

const target = { platform: 'browser', minify: true } as const;
const page = { ...target, format: 'iife', globalName: 'page' } as const;

/** What pages have besides the language itself; nothing of Node's. */
const web = [
  'AbortController',
  'Blob',
  'DecompressionStream',
  'MessageChannel',
  'Response',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'atob',
  'clearTimeout',
  'performance',
  'queueMicrotask',
  'setTimeout',
] as const;

/** Runs a program in a realm that has what a page has, not isolated; what it exports as \`done\`. */
async function inPage(program: string, warnings: string[] = []): Promise<unknown> {
  const { text } = await bundle(program, page);
  const realm = createContext({
    ...Object.fromEntries(web.map((name) => [name, globalThis[name as keyof typeof globalThis]])),
    navigator: { hardwareConcurrency: 2 },
    console: { warn: (text: string) => warnings.push(text) },
  });
  return runInContext(`delete globalThis.SharedArrayBuffer; ${text}; page.done`, realm);
}

describe('a bundle for a browser', () => {
  it.each(['oxbow', 'oxbow/models', 'oxbow/tagger', 'oxbow/node', 'oxbow/interchange'])(
    'of %s reaches no module of Node',
    async (name) => {
      const { metafile } = await bundle(`export * from '${name}'`, page);
      const imported = Object.entries(metafile.inputs).flatMap(([file, input]) =>
        input.imports.map(({ path }) => `${file} imports ${path}`),
      );
      const ofNode = new RegExp(` (node:.*|${builtinModules.join('|')})$`);
      expect(imported.filter((line) => ofNode.test(line))).toEqual([]);
      expect(imported.some((line) => line.includes('dist/host/browser.js'))).toBe(true);
    },
  );

  it('of oxbow/client has neither a module of Node nor the kernels', async () => {
    const { metafile, text } = await bundle(`export * from 'oxbow/client'`, page);
    const files = Object.keys(metafile.inputs);
    expect(files.filter((file) => /\/host\/|^node:/.test(file) || builtinModules.includes(file))).toEqual([]);
    // Of `ws` only what says that it is for Node.
    expect(files.filter((file) => /node_modules\/ws\//.test(file))).toEqual(['node_modules/ws/browser.js']);
    expect(text.length).toBeLessThan(250_000);
  });

  it('has a chunk for each tier where it is parted, and neither in what a page starts with', async () => {
    const { files, metafile } = await bundle(`${imports} globalThis.all = [ready, machine, lstm, tbptt]`, {
      ...target,
      format: 'esm',
      splitting: true,
      outdir: '/page',
    });
    const holds = (file: string) => Object.keys(metafile.outputs[file]?.inputs ?? {}).join();
    const [start] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === '<stdin>') ?? [];
    const texts = files.filter(({ text }) => /[\w+/]{10000}/.test(text));
    expect(holds(start as string)).toMatch(/dist/);
    expect(texts.map(({ text }) => text.length < 45_000)).toEqual([true, true]);
  });

  it('leaves the table of all factories out, unless it builds a model from its description', async () => {
    const textOf = async (program: string) =>
      (await bundle(`${imports} ${program}`, { ...target, format: 'esm', minify: true })).text;
    const [learns, describes, builds] = [
      await textOf(`globalThis.run = async () => { ${learning} }`),
      await textOf("import { describe } from 'oxbow'; globalThis.run = describe"),
      await textOf("import { build } from 'oxbow'; globalThis.run = build"),
    ];
    for (const factory of [/sequential\.compile/, /alexNet/, /adasecant/]) {
      expect([learns, describes, builds].map((text) => factory.test(text))).toEqual([false, false, true]);
    }
  });

  it('learns in a page as Node does in the same tier, to the last bit', async () => {
    // Node 20 takes the tier with a flag that this sets.
    configure({ tier: 'fma' });
    const warnings: string[] = [];
    const program = (start: string) => `${imports} export const done = (async () => { ${start} ${learning}
      return JSON.stringify({ losses, tier: machine().tier, threads: machine().threads }); })()`;
    const told = JSON.parse((await inPage(program('await ready();'), warnings)) as string);
    expect(told).toMatchObject({ tier: 'fma', threads: 1 });
    expect(told.losses).toHaveLength(10);
    expect(warnings).toEqual([expect.stringMatching(/^OXBOW_FEWER_THREADS: .*Cross-Origin-Opener-Policy/)]);

    const here = () => inNode(`${learning} return losses;`);
    expect(told.losses).toEqual(await here());

    const simd = JSON.parse((await inPage(program("await ready({ tier: 'simd' });"))) as string);
    expect(simd).toMatchObject({ tier: 'simd' });
    configure({ tier: 'simd' });
    expect(simd.losses).toEqual(await here());
  });

  it.each([
    ['machine()', /await ready\(\)` first/],
    ["await ready(); configure({ tier: 'simd' })", /await ready\({ tier: 'simd' }\)` first/],
    ["await ready({ tier: 'fast' })", /^ready: a tier is one of wide, fma, simd, not 'fast'/],
    ["await lastValueFrom(fromFile('corpus.txt'))", /corpus\.txt .*a browser has no files .*fromFile.*fromWebStream/],
  ])('says what a page has to do instead of %s', async (wrong, message) => {
    const program = `${imports} export const done = (async () => { ${wrong} })().catch((error) => error.message)`;
    expect(await inPage(program)).toMatch(message);
  });
});

describe('files in a browser', () => {
  it.each([
    [() => host.openFile('m'), /loadCheckpoint.*loadTagger work in Node only; give the bytes to decodeCheckpoint/],
    [
      () =>
        host.replaceFile(
          'm',
          () => [],
          () => new Uint8Array(),
        ),
      /saveCheckpoint.*saveTagger work in Node only; encodeCheckpoint/,
    ],
    [() => host.holdFolder('run', false), /openRunFolder and loadNewest work in Node only; encodeCheckpoint/],
    [() => host.exists('folder/label'), /fromSequenceFiles.*fromConll/],
    [() => host.openSource('f', new AbortController().signal, 0), /fromFile.*fromWebStream/],
  ])('are refused by the name of what reads or writes them: %s', async (open, message) => {
    await expect(open()).rejects.toThrow(message);
  });
});
