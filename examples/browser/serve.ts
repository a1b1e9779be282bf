/** `npm run example:browser`: serves the page, isolated, so that memory can be shared. */
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { firstValueFrom } from 'rxjs';
import { type CommonOptions, command, parse } from '../shared/command.js';
import { failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { whole } from '../shared/numbers.js';
import { runProgram } from '../shared/program.js';
import { screen } from '../shared/screen.js';
import { headers } from './headers.js';

interface Options extends CommonOptions {
  readonly port: number;
  readonly isolated: boolean;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
};

/** Where the page's files are; nothing else is served. */
const folder = new URL('browser/', import.meta.url);

async function run({ port, isolated, json }: Options, interrupt: Interrupt) {
  const shown = screen(json);
  const names = new Set(await readdir(folder));
  const server = createServer(async ({ url = '/' }, response) => {
    const name = url.replace(/[?#].*/, '').slice(1) || 'index.html';
    const body = names.has(name) ? await readFile(new URL(name, folder)).catch(() => undefined) : undefined;
    response.writeHead(body === undefined ? 404 : 200, {
      ...headers(isolated),
      'Content-Type': types[extname(name)] ?? 'text/plain',
    });
    response.end(body ?? 'There is no such file.');
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    return E.left(
      failure(`port ${port} cannot be listened at (${(error as Error).message}); choose another by --port.`),
    );
  }
  const address = `http://localhost:${(server.address() as AddressInfo).port}/`;
  shown.say(`${address} has the page; Ctrl-C ends it`);
  shown.record({ address });
  await firstValueFrom(interrupt.requested$);
  server.closeAllConnections();
  server.close();
  return E.right(undefined);
}

const program = command(
  'browser',
  'run example:browser',
  'A page that learns a text and speaks, served to this machine alone.',
)
  .option('--port <n>', 'where it is served; 0 is any that is free', whole(0, 65_535), 8080)
  .option('--no-isolated', 'without the headers that let a page share memory');
await runProgram('browser', parse<Options>(program, 'the address', process.argv.slice(2)), run);
