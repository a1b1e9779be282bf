/** `/v1/completions` and `/v1/models`: what programs that speak to OpenAI's API can be pointed at. */
import { randomUUID } from 'node:crypto';
import {
  catchError,
  concat,
  defer,
  EMPTY,
  fromEvent,
  lastValueFrom,
  map,
  merge,
  mergeAll,
  type Observable,
  of,
  takeUntil,
  tap,
  toArray,
} from 'rxjs';
import { ServeError } from '../protocol/problem.js';
import { hashText } from '../random.js';
import { version as packageVersion } from '../version.js';
import { type Exchange, requireMethod } from './exchange.js';
import type { AlternativeText, LiveLanguageModel } from './live.js';
import { type CompletionRequest, completionRequest, openAIProblem } from './openai-protocol.js';
import type { Named } from './service.js';

const PREFIX = '/v1/';
const startedAt = Math.floor(Date.now() / 1000);

/** Whether a path is one of OpenAI's, whose clients read errors of another form. */
export const isOpenAI = (path: string): boolean => path.startsWith(PREFIX);

/** One symbol of an answer, or the whole echo of a prompt that nobody asked the probabilities of. */
interface Piece {
  readonly text: string;
  readonly version: number;
  /** In bits; null where nothing was predicted. */
  readonly surprisal?: number | null | undefined;
  readonly alternatives?: readonly AlternativeText[] | null | undefined;
}

/** A piece of one of the answers; without one the answer ends. */
interface Part {
  readonly index: number;
  readonly piece?: Piece;
  readonly reason?: 'stop' | 'length';
}

/** Choice 0 of a seed is what the seed says elsewhere; the others have seeds of their own, wherever the request has company. */
const seedOf = (seed: number | undefined, choice: number): number | undefined =>
  seed === undefined || choice === 0 ? seed : hashText(`${seed} choice ${choice}`);

const symbolsIn = (text: string): number => [...text].length;

/** −0 is no JSON. */
const logprob = (bits: number): number => (bits === 0 ? 0 : -bits * Math.LN2);

function probabilities(pieces: readonly Piece[], offset: number) {
  let at = offset;
  const offsets = pieces.map(({ text }) => {
    at += symbolsIn(text);
    return at - symbolsIn(text);
  });
  const isUnknown = ({ surprisal }: Piece) => surprisal === null || surprisal === undefined;
  return {
    tokens: pieces.map(({ text }) => text),
    token_logprobs: pieces.map((piece) => (isUnknown(piece) ? null : logprob(piece.surprisal as number))),
    top_logprobs: pieces.map((piece) => {
      if (isUnknown(piece)) return null;
      const { alternatives, text, surprisal } = piece;
      const all = [...(alternatives ?? []), { text, surprisal: surprisal as number }];
      return Object.fromEntries(all.map((one) => [one.text, logprob(one.surprisal)]));
    }),
    text_offset: offsets,
  };
}

function echoed(live: LiveLanguageModel, prompt: string, logprobs: number | undefined): Observable<Piece> {
  if (logprobs === undefined) return of({ text: prompt, version: live.version });
  return live.score(prompt, { alternatives: logprobs }).pipe(
    map(({ bits, alternatives, version }) =>
      [...prompt].map((text, k): Piece => {
        // Nothing precedes the first, which has no probability in this form.
        const surprisal = k === 0 ? null : bits[k];
        return { text, version, surprisal, alternatives: alternatives?.[k] };
      }),
    ),
    mergeAll(),
  );
}

/** All answers to a request, side by side. */
function parts(live: LiveLanguageModel, request: CompletionRequest): Observable<Part> {
  const { prompts, n, length, logprobs, echo, temperature, topP, stop, seed } = request;
  const answers = prompts.flatMap((prompt, k) =>
    Array.from({ length: n }, (_, choice): Observable<Part> => {
      const index = k * n + choice;
      let said = 0;
      const said$ =
        length === 0
          ? EMPTY
          : live.generate({
              prompt,
              length,
              ...(temperature !== undefined && { temperature }),
              ...(topP !== undefined && { topP }),
              ...(seed !== undefined && { seed: seedOf(seed, choice) as number }),
              ...(stop.length > 0 && { stop: [...stop] }),
              ...(logprobs !== undefined && { surprisal: true, alternatives: logprobs }),
            });
      return concat(
        echo ? echoed(live, prompt, logprobs).pipe(map((piece) => ({ index, piece }))) : EMPTY,
        said$.pipe(
          tap(() => {
            said += 1;
          }),
          map((piece) => ({ index, piece })),
        ),
        defer(() => of<Part>({ index, reason: said < length ? 'stop' : 'length' })),
      );
    }),
  );
  return merge(...answers);
}

async function completions(exchange: Exchange): Promise<void> {
  const { response, service } = exchange;
  exchange.client();
  const request = completionRequest(await exchange.json());
  const { name: model, model: live } = service.named(request.model, 'language');
  const { prompts, n, length, logprobs, stream, usage: withUsage, echo } = request;
  const { length: longest, session: most } = service.limits;
  if (length > longest) {
    throw new ServeError('invalid', `max_tokens: ${longest} at most, not ${length}.`, { field: 'max_tokens' });
  }
  if (prompts.length * n > most) {
    const field = prompts.length > 1 ? 'prompt' : 'n';
    throw new ServeError('invalid', `${field}: ${most} answers at a time, not ${prompts.length * n}.`, { field });
  }
  const head = { id: `cmpl-${randomUUID()}`, object: 'text_completion', created: Math.floor(Date.now() / 1000), model };
  const fingerprint = (version: number) => `oxbow-${packageVersion}-weights-${version}`;
  // Counted once, since each is looked at for every symbol.
  const asked = prompts.map(symbolsIn);
  const usage = (said: number) => {
    const read = asked.reduce((sum, symbols) => sum + symbols, 0);
    return { prompt_tokens: read, completion_tokens: said, total_tokens: read + said };
  };
  const places = Array.from({ length: prompts.length * n }, () => 0);
  let said = 0;
  /** Where a piece stands in its answer; those beyond the echo are counted. */
  function placed({ index, piece }: Part): number {
    const at = places[index] as number;
    const { text } = piece as Piece;
    const isEcho = echo && at < (asked[Math.floor(index / n)] as number);
    if (!isEcho) said += symbolsIn(text);
    places[index] = at + symbolsIn(text);
    return at;
  }

  if (!stream) {
    const all = await lastValueFrom(
      parts(live, request).pipe(
        tap((part) => part.piece && placed(part)),
        toArray(),
        takeUntil(fromEvent(response, 'close')),
      ),
      { defaultValue: [] },
    );
    if (response.destroyed) return;
    const choices = places.map((_, index) => {
      const own = all.filter((part) => part.index === index);
      const pieces = own.flatMap(({ piece }) => piece ?? []);
      const text = pieces.map((piece) => piece.text).join('');
      const reason = own.at(-1)?.reason;
      return {
        index,
        text,
        logprobs: logprobs === undefined ? null : probabilities(pieces, 0),
        finish_reason: reason,
      };
    });
    const version = all.reduce((latest, { piece }) => Math.max(latest, piece?.version ?? 0), 0);
    exchange.answer(200, { ...head, choices, usage: usage(said), system_fingerprint: fingerprint(version) });
    return;
  }

  const none = withUsage ? { usage: null } : {};
  const chunks$ = parts(live, request).pipe(
    map((part) => {
      const { index, piece, reason = null } = part;
      const choice = {
        index,
        text: piece?.text ?? '',
        logprobs:
          logprobs === undefined || piece === undefined ? null : probabilities([piece], places[index] as number),
        finish_reason: reason,
      };
      if (piece) placed(part);
      const system_fingerprint = fingerprint(piece?.version ?? live.version);
      return JSON.stringify({ ...head, choices: [choice], ...none, system_fingerprint });
    }),
  );
  const end$ = defer(() => {
    const last = { ...head, choices: [], usage: usage(said), system_fingerprint: fingerprint(live.version) };
    return withUsage ? of(JSON.stringify(last), '[DONE]') : of('[DONE]');
  });
  const answer$ = concat(chunks$, end$).pipe(
    catchError((error: unknown) => {
      if (!response.headersSent) throw error;
      const problem = error instanceof ServeError ? error : new ServeError('failed', 'the server could not go on.');
      return of(JSON.stringify(openAIProblem(problem)));
    }),
  );
  await exchange.events(answer$);
}

const modelEntry = ({ name }: Named<LiveLanguageModel>) => ({
  id: name,
  object: 'model',
  created: startedAt,
  owned_by: 'oxbow',
});

/** Whether a path is one of OpenAI's; then it is answered. */
export async function openAIRoute(exchange: Exchange): Promise<boolean> {
  const { service, url } = exchange;
  const path = url.pathname.replace(/\/$/, '');
  const isModels = path === '/v1/models' || path.startsWith('/v1/models/');
  if (!isModels && path !== '/v1/completions') return false;
  requireMethod(exchange, isModels ? 'GET' : 'POST');
  if (!isModels) {
    await completions(exchange);
    return true;
  }
  const client = exchange.client();
  if (path === '/v1/models') {
    const names = service.infos(client).filter(({ task }) => task === 'language');
    exchange.answer(200, {
      object: 'list',
      data: names.map(({ name }) => modelEntry(service.named(name, 'language'))),
    });
    return true;
  }
  const name = decoded(path.slice('/v1/models/'.length));
  exchange.answer(200, modelEntry(service.named(name, 'language')));
  return true;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ServeError('malformed', 'the path is none.');
  }
}
