/** `oxbow serve`: models that learn from all that they hear while they answer, over WebSocket and HTTP. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { firstValueFrom } from 'rxjs';
import type { Token } from '../serve/access.js';
import { isLoopback, tokenProblem } from '../serve/access.js';
import type { ServerLimits } from '../serve/limits.js';
import type { LiveModel } from '../serve/live.js';
import { liveLanguageModel } from '../serve/live-language-model.js';
import { openLive } from '../serve/open-live.js';
import { type Server, serve } from '../serve/serve.js';
import { type MachineChoice, positive, whole } from './shared/arguments.js';
import { type Context, chooseMachine, command, inContext, withJson, withMachine } from './shared/command.js';
import { Failure, messageOf, misused } from './shared/failure.js';
import { several } from './shared/numbers.js';
import { streamCoder, streamSymbols, type TypedSymbols, tokenizerOption } from './shared/symbols.js';

interface ServeCommandOptions extends MachineChoice, TypedSymbols {
  readonly model: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly origin: readonly string[];
  readonly trustProxy?: true;
  readonly learn: boolean;
  readonly learningRate?: number;
  readonly maxSessions?: number;
  readonly maxLength?: number;
  readonly maxRate?: number;
  readonly json?: true;
}

const all = (text: string, before: readonly string[]): readonly string[] => [...before, text];

export function serveCommand(): Command {
  const made = command(
    'serve',
    'Serves models that learn from what clients say while they answer, over WebSocket, HTTP and as OpenAI’s completions. ' +
      'It ends by SIGTERM or Ctrl-C: it finishes the window that is being learnt, saves, and exits with 0.',
    [
      ['oxbow serve --model alice=models/alice', 'a run that is kept; a new one where the folder is empty'],
      ['oxbow serve', 'a new model that is kept nowhere, for this machine alone'],
      [
        'oxbow serve --host 0.0.0.0 --token-file tokens --model a=models/a --model b=models/b',
        'two models, for anyone who has a token',
      ],
    ],
  )
    .option('--model <name=dir>', 'a name and the folder of its run; may be given several times', all, [])
    .option('--host <name>', 'where it listens; beyond this machine it needs --token-file', '127.0.0.1')
    .option('--port <n>', '0 is any that is free', whole(0, 65_535), 7070)
    .option('--token-file <path>', 'a token a line, of 16 characters at least; after it no-learn, no-control, or both')
    .option('--origin <url>', 'an origin whose pages may ask; may be given several times', all, [])
    .option('--trust-proxy', "clients' addresses are the last of X-Forwarded-For, as a proxy of one's own says them")
    .option('--no-learn', 'do not learn to begin with')
    .option('--learning-rate <n>', 'of the updates (default: that of the run)', positive())
    .addOption(streamSymbols('new models (default: open)'))
    .addOption(tokenizerOption('new models'))
    .option('--max-sessions <n>', 'WebSockets at a time (default: 1000)', whole(1))
    .option('--max-length <n>', 'symbols of a generation (default: 10000)', whole(1))
    .option('--max-rate <n>', 'requests of a client a second (default: 100)', positive());
  return withJson(withMachine(made), 'the address').action(async (options: ServeCommandOptions) => {
    await inContext(options, (context) => serveModels(options, context));
    // A server is ended by a signal: that is no failure.
    process.exitCode = 0;
  });
}

/** The folders by the models' names. */
export function foldersOf(models: readonly string[]): Map<string, string> {
  const folders = new Map<string, string>();
  for (const model of models) {
    const [, name, folder] = /^([^=/]+)=(.+)$/.exec(model) ?? [];
    if (name === undefined || folder === undefined) throw misused(`--model is NAME=DIR, not ${JSON.stringify(model)}.`);
    if (folders.has(name)) throw misused(`--model ${name} is given twice; give each a name of its own.`);
    folders.set(name, folder);
  }
  return folders;
}

/** Tokens, a line each: `TOKEN [no-learn] [no-control]`; `#` begins a comment. */
export function tokensIn(text: string, path: string): Token[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const known = new Map<string, number>();
  const tokens = lines.flatMap((line, k): Token[] => {
    if (line === '' || line.startsWith('#')) return [];
    const [token = '', ...flags] = line.split(/\s+/);
    const unknown = flags.find((flag) => flag !== 'no-learn' && flag !== 'no-control');
    const problem = unknown === undefined ? tokenProblem(token) : `it has ${JSON.stringify(unknown)}`;
    if (problem !== undefined) {
      throw new Failure(`${path}, line ${k + 1}: ${problem}; a line is TOKEN [no-learn] [no-control].`);
    }
    const former = known.get(token);
    if (former !== undefined) {
      throw new Failure(`${path} has the token of line ${former} in line ${k + 1} again; give each bearer its own.`);
    }
    known.set(token, k + 1);
    return [{ token, learn: !flags.includes('no-learn'), control: !flags.includes('no-control') }];
  });
  if (tokens.length === 0) throw new Failure(`${path} has no token; write one a line, of 16 characters at least.`);
  return tokens;
}

function readTokens(path: string): Token[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure(`--token-file cannot be read: ${messageOf(error)}; give a file with a token a line.`);
  }
  return tokensIn(text, path);
}

const closed = (models: Iterable<LiveModel>) => Promise.allSettled(Array.from(models, (model) => model.close()));

async function opened(folders: Map<string, string>, options: ServeCommandOptions): Promise<Map<string, LiveModel>> {
  const { learn: learning, learningRate } = options;
  const how = { learning, ...(learningRate !== undefined && { learningRate }) };
  // One for each: an open vocabulary grows with its model.
  const fresh = async () => ({ ...how, vocab: await streamCoder(options) });
  if (folders.size === 0) return new Map([['default', await liveLanguageModel(await fresh())]]);
  const models = new Map<string, LiveModel>();
  try {
    for (const [name, folder] of folders) models.set(name, await openLive(folder, await fresh()));
  } catch (error) {
    await closed(models.values());
    throw new Failure(`--model: ${messageOf(error)}`);
  }
  return models;
}

const reasons: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) => `port ${port} of ${host} is in use; end what listens there, or give another --port.`,
  EACCES: (host, port) => `port ${port} of ${host} is not this user's to take; give a --port from 1024 up.`,
  EADDRNOTAVAIL: (host) => `${host} is no address of this machine; give another --host.`,
  ENOTFOUND: (host) => `${host} is no name that is known here; give another --host.`,
};

function whyNot(error: unknown, { host, port }: ServeCommandOptions): Error {
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  return new Failure(reason?.(host, port) ?? messageOf(error), error instanceof TypeError ? 2 : 1);
}

async function serveModels(options: ServeCommandOptions, { screen, ending }: Context): Promise<void> {
  const { host, port, tokenFile, origin: origins, trustProxy = false } = options;
  const folders = foldersOf(options.model);
  if (tokenFile === undefined && !isLoopback(host)) {
    throw misused(`anyone who can reach ${host} could use the models; give --token-file, or --host 127.0.0.1.`);
  }
  const tokens = tokenFile === undefined ? [] : readTokens(tokenFile);
  const machine = chooseMachine(options);
  const models = await opened(folders, options);
  const limits: ServerLimits = {
    ...(options.maxSessions !== undefined && { sessions: options.maxSessions }),
    ...(options.maxLength !== undefined && { length: options.maxLength }),
    ...(options.maxRate !== undefined && { requestsPerSecond: options.maxRate }),
  };
  let server: Server;
  try {
    const log = (error: unknown) => screen.note(`oxbow: ${messageOf(error)}`);
    server = await serve({ models: Object.fromEntries(models), host, port, tokens, origins, trustProxy, limits, log });
  } catch (error) {
    await closed(models.values());
    throw whyNot(error, options);
  }
  for (const [name, model] of models) {
    model.ended.catch((error: unknown) => screen.note(`oxbow: ${name} learns no more: ${messageOf(error)}`));
    screen.note(`${name}: ${model.task}, step ${model.step}, kept in ${folders.get(name) ?? 'no folder'}; ${machine}`);
  }
  screen.say(server.url);
  screen.record({ url: server.url, port: server.port, models: [...models.keys()] });
  await firstValueFrom(ending.requested$);
  screen.note('ending: finishes what is being learnt, and saves');
  const unlearnt = await server.close();
  for (const [name, { waiting, windows }] of Object.entries(unlearnt)) {
    if (waiting === 0) continue;
    screen.note(
      `oxbow: ${name} has not learnt ${several(waiting, 'character')} that waited, about ${several(windows, 'window')}; send them again.`,
    );
  }
}
