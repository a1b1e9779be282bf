// Whether the package's declarations compile for those who use them, in a project of their own, without the types of Node and
// without skipLibCheck, and whether its command runs where the package is installed as it would be published: `npm run
// check:consumers`, after a build. Another compiler is given by its folder, as in
// `node scripts/consumers.mjs /elsewhere/node_modules/typescript` (5.4 is the oldest that is meant).
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [compiler = join(root, 'node_modules/typescript')] = process.argv.slice(2);

const program = `
import { dense, embedding, ids, lstm, type LstmCarry, ready, type Sequential, stack, tensor } from 'oxbow';
import { sequential } from 'oxbow/models';
import { fromFile } from 'oxbow/node';
import { tagger } from 'oxbow/tagger';
import { connect, type SaidSymbols } from 'oxbow/client';
export const said$: import('rxjs').Observable<SaidSymbols> = connect('http://localhost').generate({ prompt: 'a', topK: 3 });
// @ts-expect-error a prompt is a text
connect('http://localhost').generate({ prompt: 3 });
const x = tensor([3], [1, 2, 3]);
export const sum: number = x.data.reduce((a, b) => a + b, 0);
export const texts: string[] = x.data.reduce((all: string[], value) => all.concat(String(value)), []);
export const model = stack({ embed: embedding(4, 4), rnn: lstm(4, 8), head: dense(8, 3) });
export const wx: Float32Array = model.params.rnn.wx.data;
export const walked = (carry: LstmCarry): Record<string, unknown> => carry;
export const listed: Sequential = sequential([dense(4, 3)]);
export const slots = tagger({ words: ['leave'], tags: ['O'] }).params;
export const chunks: import('rxjs').Observable<string> = fromFile(new URL('file:///corpus.txt'));
export const loaded: Promise<void> = ready({ tier: 'simd' });
export const step = model.apply.bind(undefined);
export const symbols = ids([1, 1], [2]);
// @ts-expect-error ids are no features
export const wrong = stack({ rnn: lstm(4, 8) })(undefined as never as import('rxjs').Observable<typeof symbols>);
`;

const config = {
  compilerOptions: {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2022', 'dom'],
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: false,
  },
  include: ['*.ts'],
};

const folder = mkdtempSync(join(tmpdir(), 'consumers-'));
try {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/oxbow'));
  for (const name of ['rxjs', 'fp-ts', 'typebox'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'program.ts'), program);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  execFileSync(process.execPath, [join(compiler, 'bin/tsc'), '-p', folder], { stdio: 'pipe' });
} catch (error) {
  process.stderr.write(`consumers: the declarations do not compile with ${compiler}:\n${error.stdout}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** The package as npm packs it, unpacked into a folder's node_modules, with its command; what it needs is that of here. */
const elsewhere = mkdtempSync(join(tmpdir(), 'consumers-'));
try {
  const here = { cwd: elsewhere, encoding: 'utf8', stdio: 'pipe' };
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', elsewhere], {
      ...here,
      cwd: root,
    }),
  );
  const modules = join(elsewhere, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  execFileSync('tar', ['-xzf', filename], here);
  renameSync(join(elsewhere, 'package'), join(modules, 'oxbow'));
  const { bin, dependencies, peerDependencies } = JSON.parse(readFileSync(join(modules, 'oxbow/package.json'), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    // A name may have a scope, which is a folder.
    mkdirSync(join(modules, name, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  symlinkSync(join('../oxbow', bin.oxbow), join(modules, '.bin/oxbow'));
  execFileSync('npx', ['--no-install', 'oxbow', 'doctor', '--seconds', '0.2'], here);
} catch (error) {
  process.stderr.write(
    `consumers: the command does not run where the package is installed:\n${error.stdout}${error.stderr}\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(elsewhere, { recursive: true });
}
