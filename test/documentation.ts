/** The examples of the docs: fenced blocks of the guides, and `@example` of the API. docs/examples.md has the conventions. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as operators from 'rxjs';
import ts from 'typescript';
import * as oxbow from '../src/index.js';

export const root = fileURLToPath(new URL('..', import.meta.url));
/** Never linted, nor in the repository; node_modules and src are found from there. */
const folder = `${root}test/.docs`;

export interface Example {
  /** Where it stands: `docs/tutorial.md:12`, `src/random.ts:40`. */
  readonly at: string;
  readonly page: string;
  readonly code: string;
  /** `run`: compiled and run; `no-run`: compiled; `no-check`: shown only. */
  readonly mode: 'run' | 'no-run' | 'no-check';
  /** Whether it goes on from the block before. */
  readonly continued: boolean;
  /** Whether it is an excerpt, without imports: names are taken as given. */
  readonly excerpt: boolean;
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function fenced(text: string, page: string, offset: number): Example[] {
  return [...text.matchAll(/^```ts([^\n]*)\n([\s\S]*?)^```/gm)].map(({ index, 1: info = '', 2: code = '' }) => {
    const words = info.trim().split(/\s+/).filter(Boolean);
    const unknown = words.find((word) => !['continued', 'no-run', 'no-check'].includes(word));
    const at = `${page}:${offset + lineOf(text, index)}`;
    if (unknown) throw new Error(`${at}: nobody knows what a block \`ts ${unknown}\` is.`);
    const mode = words.includes('no-check') ? 'no-check' : words.includes('no-run') ? 'no-run' : 'run';
    const continued = words.includes('continued');
    return { at, page, code, mode, continued, excerpt: !continued && !/^import /m.test(code) };
  });
}

/** Those of a page, or of the page's comments. */
function examplesOf(page: string): Example[] {
  const text = readFileSync(`${root}${page}`, 'utf8');
  if (page.endsWith('.md')) return fenced(text, page, 0);
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap(({ index, 0: comment }) =>
    [...comment.matchAll(/^ *\* @example([\s\S]*?)(?=^ *\* @[a-z]|\*\/)/gm)].flatMap((found) => {
      const offset = lineOf(text, index + found.index) - 1;
      const body = (found[1] ?? '').replace(/^ *\* ?/gm, '');
      if (body.includes('```')) return fenced(body, page, offset);
      const at = `${page}:${offset + 1}`;
      return [{ at, page, code: `${body.trim()}\n`, mode: 'run' as const, continued: false, excerpt: true }];
    }),
  );
}

const filesIn = (within: string, extension: string): string[] =>
  readdirSync(`${root}${within}`, { recursive: true, encoding: 'utf8' })
    .map((file) => `${within}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith(extension) && !file.includes('/assembly/') && !file.includes('/generated/'))
    .sort();

/** The text of all of src. */
export const sources = (): string =>
  filesIn('src', '.ts')
    .map((file) => readFileSync(`${root}${file}`, 'utf8'))
    .join('\n');

export const guides: readonly Example[] = ['README.md', ...filesIn('docs', '.md')].flatMap(examplesOf);
export const comments: readonly Example[] = filesIn('src', '.ts').flatMap(examplesOf);

/** What excerpts take as given: the names that docs/examples.md declares. */
const prelude = guides
  .filter(({ page }) => page === 'docs/examples.md')
  .map(({ code }) => code)
  .join('')
  .replaceAll(/^(?:declare )?(?:const|function) /gm, (start) => `export ${start}`);

const parsed = (code: string): ts.SourceFile => ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2022, true);

function namesDeclared(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  function visit(node: ts.Node): void {
    const named = ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isParameter(node);
    const other =
      ts.isFunctionDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isClassDeclaration(node);
    if ((named || other) && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  }
  visit(file);
  return names;
}

function namesUsed(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  function visit(node: ts.Node): void {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const property =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        (ts.isMethodDeclaration(parent) && parent.name === node);
      if (!property) names.add(node.text);
    }
    ts.forEachChild(node, visit);
  }
  visit(file);
  return names;
}

const typesOfOxbow = new Set(
  [...readFileSync(`${root}src/index.ts`, 'utf8').matchAll(/(?:type |\b)([A-Za-z0-9]+)(?=,| })/g)].map(
    ([, name]) => name,
  ),
);
const namesOfPrelude = namesDeclared(parsed(prelude));

/** The imports that an excerpt does without. */
function given(code: string): string {
  const file = parsed(code);
  const declared = namesDeclared(file);
  const from: Record<'./prelude.js' | 'oxbow' | 'rxjs', string[]> = { './prelude.js': [], oxbow: [], rxjs: [] };
  for (const name of namesUsed(file)) {
    if (declared.has(name)) continue;
    if (namesOfPrelude.has(name)) from['./prelude.js'].push(name);
    else if (name in oxbow) from.oxbow.push(name);
    else if (typesOfOxbow.has(name)) from.oxbow.push(`type ${name}`);
    else if (name in operators) from.rxjs.push(name);
  }
  return Object.entries(from)
    .filter(([, names]) => names.length > 0)
    .map(([module, names]) => `import { ${names.join(', ')} } from '${module}';`)
    .join(' ');
}

/** A module of its own: what it goes on from, what it takes as given, and itself. */
function moduleOf(example: Example, among: readonly Example[], purpose: 'compiled' | 'run'): string {
  if (example.excerpt) return `${given(example.code)}\n${example.code}\nexport {};\n`;
  const wanted = ({ mode }: Example) => mode === 'run' || (mode === 'no-run' && purpose === 'compiled');
  const at = among.indexOf(example);
  let first = at;
  while (first > 0 && among[first]?.continued) first -= 1;
  const parts = among.slice(first, at).filter(wanted);
  return `${[...parts, example].map(({ code }) => code).join('\n')}\nexport {};\n`;
}

const fileOf = ({ at }: Example): string => `${at.replaceAll(/[^A-Za-z0-9]+/g, '-')}.ts`;

export interface Compiled {
  readonly program: ts.Program;
  /** The errors of each example that is to compile, by where it stands. */
  readonly errors: ReadonlyMap<string, readonly string[]>;
}

/** All examples that are to compile, as one program. */
export function compile(examples: readonly Example[]): Compiled {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const texts = new Map([[`${folder}/prelude.ts`, prelude]]);
  const byFile = new Map<string, Example>();
  for (const example of examples.filter(({ mode }) => mode !== 'no-check')) {
    const file = `${folder}/${fileOf(example)}`;
    byFile.set(file, example);
    texts.set(file, moduleOf(example, examples, 'compiled'));
  }
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false });
  const { getSourceFile, fileExists, readFile } = host;
  delete host.directoryExists;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const text = texts.get(file);
    return text === undefined
      ? getSourceFile(file, language, ...rest)
      : ts.createSourceFile(file, text, language, true);
  };
  const program = ts.createProgram(
    [...texts.keys()],
    { ...options, noUnusedLocals: false, noUnusedParameters: false },
    host,
  );
  const errors = new Map<string, readonly string[]>();
  for (const [file, example] of byFile) {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (found.length > 0) {
      errors.set(
        example.at,
        found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
      );
    }
  }
  return { program, errors };
}

/** The statements of an excerpt, each awaited, subscribed to and held against the value that is written after it. */
function observed(code: string): string {
  const file = parsed(code);
  let text = code;
  for (const statement of [...file.statements].reverse()) {
    if (!ts.isExpressionStatement(statement)) continue;
    const { pos, end } = statement.expression;
    const [, value] = /^;?[ \t]*\/\/ (-?\d+(?:\.\d+)?|'[^']*')$/m.exec(text.slice(end).split('\n')[0] ?? '') ?? [];
    const start = pos + (/^(?:\s|\/\/.*\n)*/.exec(text.slice(pos))?.[0].length ?? 0);
    const said = text.slice(start, end);
    if (said.startsWith('console.')) continue;
    text = `${text.slice(0, start)};await observe((${said}), ${value});${text.slice(end).replace(/^;/, '')}`;
  }
  return text;
}

const observer = `
import { isObservable, lastValueFrom, Subscription, take } from 'rxjs';
const seen = (given: any): unknown => {
  if (isObservable(given)) return lastValueFrom(given.pipe(take(5)), { defaultValue: undefined });
  return given instanceof Subscription ? new Promise<void>((resolve) => given.add(resolve)) : given;
};
export async function observe(given: unknown, wanted: unknown): Promise<void> {
  const value = await seen(given);
  const same = typeof wanted === 'number' ? Math.abs((value as number) - wanted) < 1e-9 : value === wanted;
  if (wanted !== undefined && !same) throw new Error(\`the example says \${wanted}, but it is \${value}\`);
}
`;

/** Runs an example as a module of its own, with what it exports appended. */
export async function run(
  example: Example,
  among: readonly Example[],
  exported = '',
): Promise<Record<string, unknown>> {
  mkdirSync(folder, { recursive: true });
  const code = moduleOf(example, among, 'run');
  const file = `${folder}/${fileOf(example)}`;
  if (example.excerpt) {
    writeFileSync(`${folder}/prelude.ts`, prelude);
    writeFileSync(`${folder}/observe.ts`, observer);
    writeFileSync(file, `import { observe } from './observe.js';\n${observed(code)}`);
  } else {
    writeFileSync(file, `${code}export { ${exported} };\n`);
  }
  return import(pathToFileURL(file).href);
}
