/** The files of the page: few and small, so they are read once and served from memory. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Route } from './exchange.js';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing from elsewhere, nothing inline; a page of another origin can neither frame it nor post to it. */
const guards = {
  'Content-Security-Policy':
    "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

interface PageFile {
  readonly type: string;
  readonly tag: string;
  readonly caching: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

/** Where the page lies: next to the package's files, or, from its sources, where `npm run build` puts it. */
const places = ['./page/', '../../dist/page/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

function filesOf(folder: string): Map<string, PageFile> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const file = join(entry.parentPath ?? entry.path, entry.name);
      const name = relative(folder, file).split(sep).join('/');
      const plain = readFileSync(file);
      return [
        name === 'index.html' ? '/' : `/${name}`,
        {
          type: types[extname(name)] ?? 'application/octet-stream',
          tag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
          // Names in there change with their content.
          caching: name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
          plain,
          zipped: gzipSync(plain, { level: 9 }),
        },
      ];
    }),
  );
}

/**
 * Serves the page; to whoever comes, since it holds nothing: what it shows it asks for by a token of its own.
 *
 * @param folder its files, with an `index.html`; default those of the package.
 * @throws Error where there is no page.
 */
export function pageRoute(
  folder: string | undefined = places.find((place) => existsSync(join(place, 'index.html'))),
): Route {
  if (folder === undefined || !existsSync(join(folder, 'index.html'))) {
    throw new Error(
      `serve: there is no page in ${folder ?? places.join(' or ')}; build it, or serve without it: { page: false }.`,
    );
  }
  // Only these names are ever looked up: a path cannot lead anywhere else.
  const files = filesOf(folder);
  return ({ request, response }) => {
    const file = files.get((request.url ?? '').split('?', 1)[0] as string);
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    const isZipped = /(^|,)\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$)).*)?(,|$)/.test(
      request.headers['accept-encoding'] ?? '',
    );
    const body = isZipped ? file.zipped : file.plain;
    const etag = `"${file.tag}${isZipped ? '-gz' : ''}"`;
    const headers = { ...guards, ETag: etag, 'Cache-Control': file.caching, Vary: 'Accept-Encoding' };
    if ((request.headers['if-none-match'] ?? '').split(/\s*,\s*/).some((tag) => tag.replace(/^W\//, '') === etag)) {
      response.writeHead(304, headers).end();
      return true;
    }
    response.writeHead(200, {
      ...headers,
      'Content-Type': file.type,
      'Content-Length': body.length,
      ...(isZipped && { 'Content-Encoding': 'gzip' }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  };
}
