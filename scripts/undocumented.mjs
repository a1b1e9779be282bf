// What the comments of public names lack, a line each: `node scripts/undocumented.mjs`. Every name has a sentence; a function also has
// @param for what it takes, @returns for what it gives, @throws where it refuses something, and every value has an @example.
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Public names with their declarations; of a namespace (`activations`) those within it. */
function* names(checker, module, before = '') {
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const name = before + exported.name;
    if (symbol.flags & ts.SymbolFlags.ValueModule) yield* names(checker, symbol, `${name}.`);
    else yield { name, symbol };
  }
}

/** A function's own parameters and type, however it was written. */
function functionOf(declaration) {
  if (ts.isFunctionDeclaration(declaration)) return declaration;
  // A constant of a named type has its parameters from there.
  const value = ts.isVariableDeclaration(declaration) && !declaration.type ? declaration.initializer : undefined;
  return value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) ? value : undefined;
}

// A function refuses something where it throws, or asks one of those that check for others.
const REFUSES = /\bthrow new\b|\b(?:check|require)[A-Z]\w*\(|\bcheckedOptions\(/;

function* lacking(checker, symbol) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
  const tags = symbol.getJsDocTags(checker);
  const has = (tag) => tags.some(({ name }) => name === tag);
  if (text === '') yield 'a sentence';
  if (!(symbol.flags & ts.SymbolFlags.Value)) return;
  const functions = symbol.declarations.map(functionOf).filter((found) => found !== undefined);
  const documented = tags
    .filter(({ name }) => name === 'param')
    .map(({ text: parts }) => ts.displayPartsToString(parts).split(/[\s.]/)[0]);
  // Overloads are what users see, and the body is what throws.
  const seen = functions.some(({ body }) => !body) ? functions.filter(({ body }) => !body) : functions;
  const taken = new Set(seen.flatMap(({ parameters }) => parameters.map(({ name }) => name)));
  const missing = [...taken].filter((name) => ts.isIdentifier(name) && !documented.includes(name.text));
  for (const name of new Set(missing.map(({ text: name }) => name))) yield `@param ${name}`;
  const type = checker.getTypeOfSymbol(symbol).getCallSignatures()[0]?.getReturnType();
  if (functions.length > 0 && type && !(type.flags & ts.TypeFlags.Void) && !has('returns')) yield '@returns';
  if (functions.some((found) => REFUSES.test(found.getText())) && !has('throws')) yield '@throws';
  if (!has('example')) yield '@example';
}

/** What is public: the parts of it whose names are all in the first are left out. */
const entries = ['src/index.ts', 'src/faces/serve.ts', 'src/faces/client.ts', 'src/faces/interchange.ts'].map((file) =>
  join(root, file),
);

/** A line for each public name of a program that lacks something, with where it stands. */
export function undocumented(program) {
  const checker = program.getTypeChecker();
  const modules = entries.map((file) => checker.getSymbolAtLocation(program.getSourceFile(file)));
  const all = new Map(
    modules.flatMap((module) => [...names(checker, module)].map(({ name, symbol }) => [symbol, name])),
  );
  return Array.from(all, ([symbol, name]) => ({ name, symbol })).flatMap(({ name, symbol }) => {
    const lacks = [...lacking(checker, symbol)];
    const [declaration] = symbol.declarations;
    const file = declaration.getSourceFile();
    const { line } = file.getLineAndCharacterOfPosition(declaration.getStart());
    return lacks.length > 0 ? [`${relative(root, file.fileName)}:${line + 1} ${name}: ${lacks.join(', ')}`] : [];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  for (const line of undocumented(ts.createProgram(entries, options))) process.stdout.write(`${line}\n`);
}
