/** `oxbow inspect`: what a file, or the folder of a run, has in it. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import { isRecord } from '../checks.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { readRecord } from '../runs/record.js';
import { sizeOf } from '../tensor.js';
import { type Context, command, inContext, withJson } from './shared/command.js';
import { type About, readStored } from './shared/kept.js';
import { bytes, count, several } from './shared/numbers.js';

export function inspectCommand(): Command {
  const made = command(
    'inspect',
    'What a checkpoint has in it: the model, its parameters, recipe and vocabulary, and where it comes from.',
    [
      ['oxbow inspect model/', 'the newest sound file of a run, also while it is being learnt'],
      ['oxbow inspect model.safetensors --json | jq .parameters', 'a file, for a program; other safetensors files too'],
    ],
  ).argument('<path>', 'folder of a run, or a file');
  return withJson(made, 'all of it').action((path: string, options: { readonly json?: true }) =>
    inContext(options, (context) => inspect(path, context)),
  );
}

/** The files in a folder that are of a run, the newest first. */
async function filesIn(path: string): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  if (!(await stat(path)).isDirectory()) return [{ name: path, bytes: (await stat(path)).size }];
  const names = (await readdir(path)).filter((name) => /^step-\d{12}\.safetensors(\.broken)?$/.test(name));
  const files = names
    .sort()
    .reverse()
    .map(async (name) => ({ name, bytes: (await stat(join(path, name))).size }));
  return Promise.all(files);
}

async function inspect(path: string, { screen }: Context): Promise<void> {
  const { checkpoint, from, skipped } = await readStored(path);
  const record = readRecord(checkpoint);
  const run = E.isRight(record) ? record.right : undefined;
  const weights = run?.weights ?? checkpoint.tensors;
  const parameters = Object.entries(weights).map(([name, { shape, type }]) => ({ path: name, shape, type }));
  const total = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const about = (run?.about ?? {}) as About;
  const { model = null, snapshot, position } = run ?? {};
  const files = await filesIn(path);
  const found = {
    // Where there is one, it was held against the bytes when the file was read.
    checksum: (await isSealed(from.file)) ? 'ok' : 'none',
    ...from,
    task: about.task ?? null,
    model,
    parameters,
    weights: total,
    recipe: about.recipe ?? null,
    vocabulary: about.vocab ?? null,
    kept: run === undefined ? [] : kinds({ snapshot, position, ...about }),
    metadata: metadataOf(checkpoint),
    files,
    skipped,
  };
  screen.record(found);
  for (const line of shown(found)) screen.say(line);
}

/** Bytes in which a checksum stands, where there is one: it is the first of the metadata. */
const BEGINNING = 64;

async function isSealed(file: string): Promise<boolean> {
  const opened = await open(file);
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(BEGINNING), 0, BEGINNING, 0);
    return buffer.subarray(0, bytesRead).includes('"oxbow.crc32"');
  } finally {
    await opened.close();
  }
}

const kinds = (parts: object): readonly string[] =>
  Object.entries(parts).flatMap(([name, value]) => (value === null || value === undefined ? [] : [name]));

/** What other programs wrote in addition to the tensors; a run's own record is shown by its parts. */
const metadataOf = ({ metadata }: Checkpoint): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== 'run'));

type Found = Awaited<ReturnType<typeof readStored>>['from'] & {
  readonly task: unknown;
  readonly model: unknown;
  readonly parameters: readonly { readonly path: string; readonly shape: readonly number[] }[];
  readonly weights: number;
  readonly recipe: unknown;
  readonly vocabulary: unknown;
  readonly kept: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly checksum: string;
};

/** Characters of a value on one line. */
const WIDEST = 100;
/** Half of a surrogate pair is not shown. */
const brief = (text: string): string =>
  text.length > WIDEST ? `${text.slice(0, WIDEST - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text;

function shown(found: Found): readonly string[] {
  const { file, step, version, tier, date, hash, parent } = found as Found &
    Partial<Record<'step' | 'version' | 'tier' | 'date' | 'hash' | 'parent', unknown>>;
  const facts: readonly (readonly [string, unknown])[] = [
    ['file', file],
    ['checksum', found.checksum],
    ['task', found.task],
    ['step', step === undefined ? undefined : count(step as number)],
    ['written', date === undefined ? undefined : `${date} by version ${version}, tier ${tier}`],
    ['hash', hash],
    ['parent', parent],
    ['model', found.model === null ? undefined : brief(modelText(found.model))],
    ['weights', count(found.weights)],
    ['recipe', found.recipe === null ? undefined : brief(JSON.stringify(found.recipe))],
    ['vocabulary', isRecord(found.vocabulary) ? brief(vocabularyText(found.vocabulary)) : undefined],
    ['kept', found.kept.length === 0 ? undefined : found.kept.join(', ')],
    ...Object.entries(found.metadata).map(([name, value]) => [`metadata ${name}`, brief(value)] as const),
  ];
  const known = facts.filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(...known.map(([name]) => name.length));
  const longest = Math.max(0, ...found.parameters.map(({ path }) => path.length));
  return [
    ...known.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    ...found.parameters.map(({ path, shape }) => `${path.padEnd(longest)}  [${shape.join(', ')}]`),
    '',
    ...found.files.map(({ name, bytes: size }) => `${name}  ${bytes(size)}`),
    ...found.skipped.map(({ file: broken, reason }) => `${broken} is damaged: ${reason}`),
  ];
}

function modelText(model: unknown): string {
  const { $: name, args } = (isRecord(model) ? model : {}) as { readonly $?: unknown; readonly args?: unknown };
  return `${String(name)}(${JSON.stringify(args)?.slice(1, -1)})`;
}

/** Of whatever a run's symbols are: a list of them, the bytes of UTF-8, or the tokens of a file. */
function vocabularyText(vocabulary: Readonly<Record<string, unknown>>): string {
  const { symbols, bytes: areBytes, tokenizer } = vocabulary;
  if (typeof symbols === 'string') return `${several([...symbols].length, 'symbol')} ${JSON.stringify(symbols)}`;
  if (areBytes === true) return 'the 256 bytes of UTF-8';
  return typeof tokenizer === 'string' ? `a tokenizer's ${tokenizer}` : JSON.stringify(vocabulary);
}
