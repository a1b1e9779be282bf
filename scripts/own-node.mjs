// Runs the tests of the kernels and the operators on the machine's own Node: `npm run test:own-node`. Scripts get the
// Node of devDependencies first on their PATH; users of the package have another one.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const name = process.platform === 'win32' ? 'node.exe' : 'node';
const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
const node = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
if (node === undefined) {
  process.stderr.write('test:own-node: there is no Node on the PATH besides the one in node_modules\n');
  process.exit(1);
}
const tests = [
  'host',
  'runs',
  'kernels',
  'ops',
  'parameters',
  'backprop',
  'training',
  'cells',
  'layers',
  'golden',
  'streams',
].map((folder) => `test/${folder}`);
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
process.stdout.write(`${node} ${spawnSync(node, ['--version']).stdout}`);
const { status } = spawnSync(node, [vitest, 'run', ...tests, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
