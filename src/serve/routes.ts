/** The server's own paths over plain HTTP. */
import { catchError, concat, defer, firstValueFrom, fromEvent, map, of, reduce, takeUntil } from 'rxjs';
import { bodies } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';
import type { Answers, ServerMessage } from '../protocol/types.js';
import { bodyOf, type Exchange, requireMethod } from './exchange.js';

/** The id of answers that belong to the only request there is. */
const ID = 'http';

const own: Readonly<Record<string, { readonly method: string; run(exchange: Exchange): Promise<void> | void }>> = {
  '/generate': { method: 'POST', run: generate },
  '/learn': { method: 'POST', run: learn },
  '/score': { method: 'POST', run: score },
  '/tag': { method: 'POST', run: tag },
  '/model': { method: 'GET', run: model },
};

/** Whether a path is the server's own; then it is answered. */
export async function ownRoute(exchange: Exchange): Promise<boolean> {
  const { pathname } = exchange.url;
  const route = Object.hasOwn(own, pathname) ? own[pathname] : undefined;
  if (route === undefined) return false;
  requireMethod(exchange, route.method);
  await route.run(exchange);
  return true;
}

async function generate(exchange: Exchange): Promise<void> {
  const { service } = exchange;
  exchange.client();
  const { model: name, stream = true, ...request } = await bodyOf(exchange, bodies.generate);
  const { name: model, model: live } = service.named(name, 'language');
  service.requireLength(request);
  const { length = 256 } = request;
  const said$ = live.generate({ ...request, length });
  if (!stream) {
    const answer$ = said$.pipe(
      takeUntil(fromEvent(exchange.response, 'close')),
      reduce(
        (all, { text, surprisal }) => {
          all.text.push(text);
          if (surprisal !== undefined) all.surprisals.push(surprisal);
          return all;
        },
        { text: [] as string[], surprisals: [] as number[] },
      ),
    );
    const answer = await firstValueFrom(answer$);
    if (exchange.response.destroyed) return;
    exchange.answer(200, {
      model,
      text: answer.text.join(''),
      ...(request.surprisal && { surprisals: answer.surprisals }),
      reason: answer.text.length < length ? 'stop' : 'length',
      version: live.version,
    });
    return;
  }
  let symbols = 0;
  const messages$ = concat(
    said$.pipe(
      map(({ text, surprisal, version }): ServerMessage => {
        symbols += 1;
        return { type: 'symbols', id: ID, text, ...(surprisal !== undefined && { surprisals: [surprisal] }), version };
      }),
    ),
    defer(() => {
      const reason = symbols < length ? 'stop' : 'length';
      return of<ServerMessage>({ type: 'done', id: ID, model, reason, symbols, version: live.version });
    }),
  ).pipe(
    catchError((error: unknown) => {
      if (symbols === 0) throw error;
      const said = error instanceof ServeError ? error : new ServeError('failed', 'the server could not go on.');
      return of<ServerMessage>(said.toMessage(ID));
    }),
  );
  await exchange.events(messages$.pipe(map((message) => JSON.stringify(message))));
}

async function learn(exchange: Exchange): Promise<void> {
  const { service } = exchange;
  const client = exchange.client();
  const { model: name, text } = await bodyOf(exchange, bodies.learn);
  const { name: model, model: live } = service.named(name, 'language');
  const source = live.source();
  const symbols = service.learn(client, source, text);
  source.end();
  exchange.answer(202, {
    type: 'accepted',
    id: ID,
    model,
    symbols,
    version: live.version,
  } satisfies Answers['accepted']);
}

async function score(exchange: Exchange): Promise<void> {
  exchange.client();
  const { model: name, text } = await bodyOf(exchange, bodies.score);
  const { name: model, model: live } = exchange.service.named(name, 'language');
  const { bits, version } = await firstValueFrom(live.score(text));
  const total = bits.reduce<number>((sum, own) => sum + (own ?? 0), 0);
  exchange.answer(200, { type: 'scored', id: ID, model, bits, total, version } satisfies Answers['scored']);
}

async function tag(exchange: Exchange): Promise<void> {
  exchange.client();
  const { model: name, words } = await bodyOf(exchange, bodies.tag);
  const of = exchange.service.named(name, 'tagger');
  exchange.answer(200, exchange.service.tagged(ID, of, of.model.tag(words)));
}

function model(exchange: Exchange): void {
  const client = exchange.client();
  const name = exchange.url.searchParams.get('name');
  const { service } = exchange;
  exchange.answer(200, name === null ? service.infos(client) : service.info(service.named(name), client));
}
