/** The options of `serve`, checked before anything listens: one that is impossible is an error there, and not a surprise to a client. */
import { isRecord, requireCount, requireKind } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { type AccessOptions, checkTokens, isLoopback, type Token } from './access.js';
import type { Route } from './exchange.js';
import { type Limits, limitNames, limitsOf, type ServerLimits } from './limits.js';
import type { LiveModel } from './live.js';

/** The options of {@link serve}. */
export interface ServeOptions {
  /** The models by their names; they are closed together with the server. */
  readonly models: Readonly<Record<string, LiveModel>>;
  /** Where it listens. Default `127.0.0.1`, this machine alone; anything beyond needs tokens. */
  readonly host?: string | undefined;
  /** Default 7070; 0 is any that is free. */
  readonly port?: number | undefined;
  /** Who may ask. Where there are some, each request needs one. */
  readonly tokens?: readonly (string | Token)[] | undefined;
  /** Origins whose pages may ask, besides the server's own: `https://example.org`. */
  readonly origins?: readonly string[] | undefined;
  /** Whether the last address of `X-Forwarded-For` is the client's, as behind a proxy of one's own. Default false. */
  readonly trustProxy?: boolean | undefined;
  /** What clients may ask for. */
  readonly limits?: ServerLimits | undefined;
  /** Whether it serves the page, at `/`. Default true. */
  readonly page?: boolean | undefined;
  /** Tried in turn for paths that are not the server's own. */
  readonly routes?: readonly Route[] | undefined;
  /** Hears of faults that are no client's. Default `console.error`. */
  readonly log?: ((error: unknown) => void) | undefined;
}

const names: Names<ServeOptions> = {
  models: true,
  host: true,
  port: true,
  tokens: true,
  origins: true,
  trustProxy: 'boolean',
  page: 'boolean',
  limits: limitNames,
  routes: true,
  log: true,
};

const PORT = 7070;
const LARGEST_PORT = 65_535;

/** The options as a server works by them. */
export interface Checked extends AccessOptions {
  readonly models: Readonly<Record<string, LiveModel>>;
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
  readonly page: boolean;
  readonly routes: readonly Route[];
  readonly log: (error: unknown) => void;
}

function checkModels(models: unknown): void {
  const isGiven = isRecord(models) && Object.keys(models).length > 0;
  requireKind('serve', isGiven, 'models by name', models, 'give one at least');
  for (const [name, model] of Object.entries(models as object)) {
    const isLive = isRecord(model) && (model.task === 'language' || model.task === 'tagger');
    const remedy = 'make one by liveLanguageModel() or liveTagger()';
    requireKind('serve', isLive, `a live model as models.${name}`, model, remedy);
  }
}

/** @throws TypeError, RangeError where an option is unknown or impossible. */
export function checkedServe(options: ServeOptions): Checked {
  const given = checkedOptions('serve', options, names);
  const { models, host = '127.0.0.1', port = PORT, tokens = [], origins = [], trustProxy = false } = given;
  const { page = true, routes = [], log = (error) => console.error('serve:', error) } = given;
  checkModels(models);
  requireKind('serve', typeof host === 'string' && host !== '', 'a name or an address as host', host, 'give a text');
  // A text would be the path of a socket to Node.
  requireCount('serve', 'port', port, 0, LARGEST_PORT);
  requireKind('serve', Array.isArray(origins), 'a list of URLs as origins', origins, 'give a list');
  const isRoutes = Array.isArray(routes) && routes.every((route) => typeof route === 'function');
  requireKind('serve', isRoutes, 'a list of functions as routes', routes, 'give functions such as pageRoute() makes');
  requireKind('serve', typeof log === 'function', 'a function as log', log, 'give one, or leave it out');
  checkTokens(tokens);
  if (!isLoopback(host) && tokens.length === 0) {
    throw new TypeError(`serve: whoever reaches ${host} could use the models; give tokens, or listen on 127.0.0.1.`);
  }
  return { models, host, port, tokens, origins, trustProxy, page, routes, log, limits: limitsOf(given.limits ?? {}) };
}
