/** A small app of the package's name, bundled without configuration but what names its files, and shown in a real browser. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configure } from '../../src/index.js';
import { imports, inNode, learning, root, speaking } from '../host/bundles.js';
import { chromium, firefox, isolation, page, type Site, show, siteOf } from '../host/pages.js';

const app = `${imports} answerOf(async () => {
  await ready();
  configure({ threads: 2 });
  ${learning}
  ${speaking}
  const { tier, threads, shared } = machine();
  return { losses, said, tier, threads, shared };
});
`;

const home = mkdtempSync(join(tmpdir(), 'oxbow-app-'));
afterAll(() => rmSync(home, { recursive: true }));

/** A project that has the package among its modules, as it is published. */
beforeAll(() => {
  const modules = join(home, 'node_modules');
  // A link would lead to this repository, whose own paths lead to the sources.
  for (const file of ['dist', 'package.json']) {
    cpSync(join(root, file), join(modules, 'oxbow', file), { recursive: true });
  }
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const other of Object.keys({ ...dependencies, ...peerDependencies })) {
    // A name may have a scope, which is a folder.
    mkdirSync(dirname(join(modules, other)), { recursive: true });
    symlinkSync(join(root, 'node_modules', other), join(modules, other));
  }
  mkdirSync(join(home, 'src'));
  writeFileSync(join(home, 'src/index.js'), app);
  writeFileSync(join(home, 'index.html'), page('<script type="module" src="/src/index.js"></script>'));
  writeFileSync(join(home, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
});

/** Files of a folder by their paths on a site, with a start page that has the app. */
function built(dist: string, script?: string): Site {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const bodies = Object.fromEntries(files.map((file) => [`/${relative(dist, file)}`, readFileSync(file)]));
  const start = script === undefined ? bodies['/index.html'] : page(script);
  return siteOf({ ...bodies, '/': start as string }, isolation);
}

/** What makes files in `into` of the project, and the script that starts them, where the bundler makes no page. */
const bundlers: Readonly<Record<string, (into: string) => Promise<string | undefined>>> = {
  async esbuild(into) {
    const { build } = await import('esbuild');
    await build({
      absWorkingDir: home,
      entryPoints: ['src/index.js'],
      bundle: true,
      outfile: `${into}/app.js`,
      logLevel: 'error',
    });
    return '<script src="/app.js"></script>';
  },
  async vite(into) {
    const { build } = await import('vite');
    await build({ root: home, configFile: false, logLevel: 'error', build: { outDir: into } });
    return undefined;
  },
  async webpack(into) {
    const { default: webpack } = await import('webpack');
    await new Promise<void>((resolve, reject) => {
      webpack({ context: home, mode: 'production', output: { path: join(home, into) } }, (error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors()) reject(new Error(stats.toString('errors-only')));
        else resolve();
      });
    });
    return '<script src="/main.js"></script>';
  },
};

let here: object;
const sites: Record<string, Site> = {};
beforeAll(async () => {
  configure({ tier: 'fma' });
  here = (await inNode()) as object;
  for (const [name, build] of Object.entries(bundlers)) {
    const into = `dist-${name}`;
    sites[name] = built(join(home, into), await build(into));
  }
}, 120_000);

describe.each(Object.entries({ chromium, firefox }))('in %s', (_, browser) => {
  let answers: Record<string, unknown> = {};
  beforeAll(async () => {
    if (browser !== undefined) answers = await show(browser, sites);
  }, 180_000);

  it.skipIf(browser === undefined).each(Object.keys(bundlers))(
    'an app bundled by %s learns and speaks as in Node, to the last bit',
    (name) => {
      expect(answers[name]).toEqual({ ...here, tier: 'fma', threads: 2, shared: true });
    },
  );
});
