/** What the page asks of its server, and whether it answers. */
import { type Answers, type Client, connect, type ModelInfo, type ModelMetrics } from 'oxbow/client';
import { catchError, concat, defer, from, map, type Observable, of, switchMap, timer } from 'rxjs';

export type Hello = Answers['hello'];
export type Metrics = ModelMetrics;
export type { Client, ModelInfo };

/** How the connection is. */
export type Link = 'connecting' | 'open' | 'waiting' | 'unauthorized';

/** Milliseconds after which a server that does not answer is said not to, and between two looks at why. */
const [PATIENCE_MS, LOOK_MS] = [500, 3000];

/** The server of the page, and how the connection to it is. */
export interface Live {
  readonly client: Client;
  readonly link$: Observable<Link>;
}

/** Where the page is, which is where the server is: at its root, or at a path behind a proxy. */
const base = new URL('.', location.origin + location.pathname);

/** Why there is no connection: a browser does not say with which status a WebSocket was refused. */
const reason = (token: string | undefined): Observable<Link> =>
  defer(() =>
    from(fetch(new URL('model', base), { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } })),
  ).pipe(
    map(({ status }): Link => (status === 401 ? 'unauthorized' : 'waiting')),
    catchError(() => of<Link>('waiting')),
  );

/** Connects to the server that the page came from. */
export function liveOf(token: string | undefined): Live {
  const client = connect(base.href, { token, backoff: { mostMs: 4000 } });
  const link$ = client.state$.pipe(
    switchMap((state): Observable<Link> => {
      if (state === 'open') return of('open');
      return concat(of<Link>('connecting'), timer(PATIENCE_MS, LOOK_MS).pipe(switchMap(() => reason(token))));
    }),
  );
  return { client, link$ };
}

/** An error as the page shows it. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
