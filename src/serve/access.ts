/** Who may ask: by token, by where a page comes from, by the name under which the server was found. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { shown } from '../checks.js';
import { checkedOptions, type Names } from '../options.js';
import { TOKEN_PREFIX } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';

/** A token, and what its bearer may do. */
export interface Token {
  /** At least 16 characters of ASCII, no blank at its ends; each token once. */
  readonly token: string;
  /** Whether models learn from what the bearer says. Default true. */
  readonly learn?: boolean | undefined;
  /** Whether the bearer may switch learning, change its rate, and have it saved. Default true. */
  readonly control?: boolean | undefined;
}

/** Who asks. */
export interface Client {
  /** By which requests are counted: its address, and its token. */
  readonly key: string;
  /** By which what is learnt is counted: the page's origin, or else the same. */
  readonly origin: string;
  readonly learns: boolean;
  readonly controls: boolean;
}

export interface AccessOptions {
  readonly tokens: readonly (string | Token)[];
  readonly origins: readonly string[];
  readonly trustProxy: boolean;
}

const tokenNames: Names<Token> = { token: true, learn: 'boolean', control: 'boolean' };

const SHORTEST_TOKEN = 16;
/** What the value of a header can begin with, have and end with. */
const CARRIED = /^[!-~]([ -~]*[!-~])?$/;
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(host);

/** The name in a `Host` header, without the port. */
const nameIn = (host: string): string => host.replace(/:\d+$/, '').toLowerCase();

/** What is wrong with a token, if anything. Messages do not show it: they end up in logs. */
export function tokenProblem(token: unknown): string | undefined {
  if (typeof token !== 'string' || token.length < SHORTEST_TOKEN) {
    return `a token has at least ${SHORTEST_TOKEN} characters, so that nobody guesses it`;
  }
  if (CARRIED.test(token)) return undefined;
  return 'a token has letters, digits and signs of ASCII, which a header can carry, and no blank at its ends';
}

/** @throws TypeError, RangeError where tokens are no list of them, or one says two things. */
export function checkTokens(tokens: unknown): void {
  if (!Array.isArray(tokens))
    throw new TypeError('serve: tokens are a list, and what was given is none; give [TOKEN].');
  const known = new Map<string, number>();
  for (const [k, one] of (tokens as readonly (string | Token)[]).entries()) {
    const { token } =
      typeof one === 'string' ? { token: one } : checkedOptions('serve', one, tokenNames, `tokens[${k}].`);
    const problem = tokenProblem(token);
    if (problem !== undefined) throw new RangeError(`serve: tokens[${k}]: ${problem}.`);
    const former = known.get(token);
    if (former !== undefined) {
      throw new RangeError(`serve: tokens[${k}] is tokens[${former}] again; give each bearer a token of its own.`);
    }
    known.set(token, k);
  }
}

/** @throws TypeError where an origin is none. */
export function access({ tokens, origins, trustProxy }: AccessOptions) {
  const known = tokens.map((one) => {
    const { token, learn = true, control = true } = typeof one === 'string' ? { token: one } : one;
    return { digest: digest(token), learn, control };
  });
  const pages = origins.map((origin) => {
    // `localhost:3000` is a URL too, whose origin is that of any page from a file.
    const page = URL.canParse(origin) ? new URL(origin) : undefined;
    if (page !== undefined && /^https?:$/.test(page.protocol)) return page;
    throw new TypeError(`serve: an origin is a URL such as https://example.org, not ${shown(origin)}.`);
  });
  const allowed = new Set(pages.map(({ origin }) => origin));
  const hosts = new Set(pages.map(({ hostname }) => hostname));

  function tokenOf({ headers }: IncomingMessage): string | undefined {
    const [, bearer] = /^Bearer +(\S.*)$/i.exec(headers.authorization ?? '') ?? [];
    if (bearer !== undefined) return bearer.trimEnd();
    const protocols = String(headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
    const own = protocols.find((protocol) => protocol.startsWith(TOKEN_PREFIX));
    return own && Buffer.from(own.slice(TOKEN_PREFIX.length), 'base64url').toString();
  }

  function addressOf({ headers, socket }: IncomingMessage): string {
    const forwarded = trustProxy ? String(headers['x-forwarded-for'] ?? '') : '';
    return forwarded.split(',').at(-1)?.trim() || (socket.remoteAddress ?? '');
  }

  return {
    /** Whether a page of an origin may read the answer. */
    allows: (origin: string | undefined): boolean => origin !== undefined && allowed.has(origin),
    /** Who asks. @throws ServeError where they may not. */
    client(request: IncomingMessage): Client {
      const { host = '', origin } = request.headers;
      if (origin !== undefined && !allowed.has(origin) && !/^https?:$/.test(origin.replace(`//${host}`, ''))) {
        throw new ServeError(
          'forbidden',
          `pages of ${origin.slice(0, 200)} may not ask here; the server is to be given their origin.`,
        );
      }
      const address = addressOf(request);
      if (known.length === 0) {
        // A name that leads here by a trick of the name service is not one of the machine's own.
        if (!isLoopback(nameIn(host)) && !hosts.has(nameIn(host))) {
          throw new ServeError('forbidden', 'without a token the server answers this machine alone; give it one.');
        }
        return { key: address, origin: origin ?? address, learns: true, controls: true };
      }
      const given = digest(tokenOf(request) ?? '');
      // All of them are compared, each in constant time.
      const found = known.map((one, k) => (timingSafeEqual(one.digest, given) ? k : -1)).filter((k) => k >= 0)[0];
      const own = found === undefined ? undefined : known[found];
      if (own === undefined) throw new ServeError('unauthorized', 'a token is needed: Authorization: Bearer TOKEN.');
      const key = `${found} ${address}`;
      return { key, origin: origin ?? key, learns: own.learn, controls: own.control };
    },
  };
}
