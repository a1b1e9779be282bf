import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { configure } from '../../src/index.js';
import { bundle, imports, inNode, learning, root, speaking } from '../host/bundles.js';
import { chromium, isolation, page, type Site, show } from '../host/pages.js';

/**
 * Learns and speaks, with threads that have had the time to start; what came of it, the workers that it took, what was warned
 * of, and whether others had their turn while it learnt.
 */
const program = (first = 'ready()', next = '') => `${imports} answerOf(async () => {
  const warnings = [];
  console.warn = (text) => warnings.push(text);
  const workers = new Set();
  const Native = Worker;
  globalThis.Worker = class extends Native {
    constructor(url, options) {
      super(url, options);
      workers.add(options.name + ' from ' + String(url).replace(/^blob:.*/, 'a Blob').replace(/.*[/]/, ''));
    }
  };
  const learnt = async () => {
    await ${first};
    configure({ threads: 2 });
    ${next}
    await new Promise((resolve) => setTimeout(resolve, 300));
    let turns = 0;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { turns += 1; port2.postMessage(null); };
    port2.postMessage(null);
    ${learning}
    port1.close();
    ${speaking}
    const { tier, threads, shared } = machine();
    return { losses, said, tier, threads, shared, turned: turns > losses.length };
  };
  const came = await learnt().catch((error) => ({ error: error.message }));
  return { ...came, workers: [...workers].sort(), warnings };
});`;

const policy = (sources: string) => ({ 'Content-Security-Policy': `default-src 'self'; ${sources}` });
const wasm = "script-src 'self' 'wasm-unsafe-eval'";
const both = (from: string) => [`oxbow 1 from ${from}`, `oxbow learner from ${from}`];
const fewer = (why: RegExp) => [
  expect.stringMatching(new RegExp(`^OXBOW_FEWER_THREADS: team: not all of 2 .*${why.source}`)),
];

interface Case {
  readonly headers?: object;
  readonly first?: string;
  readonly next?: string;
  readonly came: object;
}

const shared = { tier: 'fma', threads: 2, shared: true, workers: both('a Blob'), warnings: [] };

/** Pages by what keeps them from having it all. */
const learns: Readonly<Record<string, Case>> = {
  'isolated, with a policy that allows all that it needs': {
    headers: { ...isolation, ...policy(`${wasm}; worker-src blob:`) },
    came: shared,
  },
  'isolated, on the tier that every browser has': {
    headers: isolation,
    first: "ready({ tier: 'simd' })",
    next: "configure({ tier: 'simd' });",
    came: { ...shared, tier: 'simd' },
  },
  'isolated, with kernels and workers from files, without worker-src blob:': {
    headers: { ...isolation, ...policy(wasm) },
    first: "ready({ kernels: '/oxbow', worker: '/worker.js' })",
    came: { ...shared, workers: both('worker.js') },
  },
  'not isolated': {
    came: { ...shared, threads: 1, shared: false, workers: [], warnings: fewer(/Cross-Origin-Opener-Policy/) },
  },
  'isolated, with a policy that has no workers': {
    headers: { ...isolation, ...policy(wasm) },
    came: {
      ...shared,
      threads: 1,
      warnings: fewer(/has to allow 'worker-src blob:', or 'self' and ready\(\{ worker \}\)/),
    },
  },
  'isolated, with a policy that has workers of files only, and none named': {
    headers: { ...isolation, ...policy(`${wasm}; worker-src 'self'`) },
    came: {
      ...shared,
      threads: 1,
      warnings: fewer(/has to allow 'worker-src blob:', or 'self' and ready\(\{ worker \}\)/),
    },
  },
  'isolated, with a policy that does not have the file of workers': {
    headers: { ...isolation, ...policy(`${wasm}; worker-src blob:`) },
    first: "ready({ worker: '/worker.js' })",
    came: {
      ...shared,
      threads: 1,
      workers: both('worker.js'),
      warnings: fewer(/script, http:.*worker\.js, cannot be had.*'worker-src http:\/\/127/),
    },
  },
  'isolated, where the file of workers is not there': {
    headers: isolation,
    first: "ready({ worker: '/none.js' })",
    came: {
      ...shared,
      threads: 1,
      workers: both('none.js'),
      warnings: fewer(/none\.js, cannot be had.*dist\/worker\.js/),
    },
  },
};

const none = { workers: [], warnings: [] };

/** Pages that cannot learn, by what they lack. */
const refused: Readonly<Record<string, Case & { readonly came: { readonly error: RegExp } }>> = {
  'a policy without WebAssembly': {
    headers: { ...isolation, ...policy("script-src 'self'; worker-src blob:") },
    came: { error: /has to allow 'wasm-unsafe-eval' in its script-src/ },
  },
  'a policy of default-src alone': {
    headers: { ...isolation, ...policy('') },
    came: { error: /has to allow 'wasm-unsafe-eval' in its script-src/ },
  },
  'kernels that are not there': {
    first: "ready({ kernels: '/elsewhere/' })",
    came: {
      error: /^ready: the kernels cannot be fetched from http:.*\/elsewhere\/fma\.wasm \(status 404\); `kernels` is /,
    },
  },
  'kernels that are something else': {
    first: "ready({ kernels: '/pages/' })",
    came: { error: /\/pages\/fma\.wasm \(what is there is no WebAssembly\)/ },
  },
  'a policy without the origin of the kernels': {
    headers: policy(wasm),
    first: "ready({ kernels: 'http://localhost:1/' })",
    came: { error: /\(TypeError: .*'connect-src http:\/\/localhost:1'/ },
  },
};

describe.skipIf(chromium === undefined)('a page in Chromium', () => {
  const here: Record<string, unknown> = {};
  let answers: Record<string, unknown>;
  beforeAll(async () => {
    for (const tier of ['simd', 'fma'] as const) {
      configure({ tier });
      here[tier] = await inNode();
    }
    const files: Readonly<Record<string, string | Uint8Array>> = {
      '/worker.js': readFileSync(`${root}dist/worker.js`),
      '/oxbow/fma.wasm': readFileSync(`${root}dist/host/generated/fma.wasm`),
      '/pages/fma.wasm': '<!doctype html>',
    };
    const bundled = new Map<string, string>();
    const sites: Record<string, Site> = {};
    for (const [name, { headers = {}, first, next }] of Object.entries({ ...learns, ...refused })) {
      const text = program(first, next);
      if (!bundled.has(text)) {
        bundled.set(text, (await bundle(text, { platform: 'browser', format: 'iife', minify: true })).text);
      }
      const script = bundled.get(text) as string;
      sites[name] = (path) => {
        const body = { '/': page('<script src="/page.js"></script>'), '/page.js': script, ...files }[path];
        return body === undefined ? undefined : { body, headers };
      };
    }
    answers = await show(chromium as NonNullable<typeof chromium>, sites);
  }, 180_000);

  it.each(Object.entries(learns))(
    '(%s) learns while others have their turn, and speaks, as in Node, to the last bit',
    (name, { came }) => {
      const { tier } = came as typeof shared;
      expect(answers[name]).toEqual({ ...(here[tier] as object), turned: true, ...came });
    },
  );

  it.each(Object.entries(refused))('(%s) says what it lacks', (name, { came }) => {
    expect(answers[name]).toEqual({ ...none, error: expect.stringMatching(came.error) });
  });
});
