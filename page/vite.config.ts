import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { customProperties } from './logic/palette.js';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The page, from `oxbow/client` as it stands in the sources, to files whose names change with their content. */
export default defineConfig({
  root: path('.'),
  // Also at a path behind a proxy.
  base: './',
  logLevel: 'error',
  resolve: {
    alias: [
      { find: 'oxbow/client', replacement: path('../src/faces/client.ts') },
      { find: /^.*\/protocol\/check\.js$/, replacement: path('unchecked.ts') },
    ],
  },
  plugins: [
    {
      name: 'palette',
      enforce: 'pre',
      transform: (code, id) => (id === path('style.css') ? customProperties() + code : undefined),
    },
  ],
  build: {
    outDir: path('../dist/page'),
    emptyOutDir: true,
    // What is within a file as a data: URL would need a source more in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
});
