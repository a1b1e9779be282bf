/** What clients of OpenAI's completions say and hear: the legacy endpoint, which is of texts and not of chats. */
import * as Type from 'typebox';
import { isRecord } from '../checks.js';
import { checked } from '../protocol/check.js';
import { ServeError } from '../protocol/problem.js';

const MOST_STOPS = 4;
const MOST_ALTERNATIVES = 5;
const stopText = Type.String({ minLength: 1, maxLength: 256 });

const schema = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 128 }),
    prompt: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })]),
    max_tokens: Type.Optional(Type.Integer({ minimum: 0 })),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
    top_p: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    n: Type.Optional(Type.Integer({ minimum: 1 })),
    best_of: Type.Optional(Type.Integer({ minimum: 1 })),
    stop: Type.Optional(Type.Union([stopText, Type.Array(stopText, { maxItems: MOST_STOPS })])),
    stream: Type.Optional(Type.Boolean()),
    stream_options: Type.Optional(
      Type.Object(
        { include_usage: Type.Optional(Type.Boolean()), include_obfuscation: Type.Optional(Type.Literal(false)) },
        { additionalProperties: false },
      ),
    ),
    logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: MOST_ALTERNATIVES })),
    echo: Type.Optional(Type.Boolean()),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    user: Type.Optional(Type.String()),
    suffix: Type.Optional(Type.String()),
    logit_bias: Type.Optional(Type.Record(Type.String(), Type.Number())),
    presence_penalty: Type.Optional(Type.Number()),
    frequency_penalty: Type.Optional(Type.Number()),
  },
  { additionalProperties: false },
);

/** A request, with everything that was left out. */
export interface CompletionRequest {
  readonly model: string;
  readonly prompts: readonly string[];
  readonly length: number;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly n: number;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly usage: boolean;
  /** How many alternatives each symbol comes with; undefined where no probabilities are asked for. */
  readonly logprobs: number | undefined;
  readonly echo: boolean;
  readonly seed: number | undefined;
}

const invalid = (field: string, message: string): ServeError => new ServeError('invalid', message, { field });

/** @throws ServeError that names the field. */
export function completionRequest(body: unknown): CompletionRequest {
  // Clients say null for what they leave out.
  const given = isRecord(body) ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) : body;
  if (isRecord(given) && Array.isArray(given.prompt) && given.prompt.some((one) => typeof one !== 'string')) {
    throw invalid('prompt', 'prompt: ids of tokens are another model’s; give the text, or a list of texts.');
  }
  const request = checked(schema, given, '/v1/completions');
  const { max_tokens: length = 16, n = 1, best_of = n, stop = [], echo = false, stream = false } = request;
  if (best_of !== n) throw invalid('best_of', `best_of: all that is generated is sent; leave it out, or give n, ${n}.`);
  if (length === 0 && !echo) throw invalid('max_tokens', 'max_tokens: 0 is for echo, which scores the prompt.');
  if (request.stream_options && !stream) throw invalid('stream_options', 'stream_options: it is for stream.');
  const neutral = {
    suffix: request.suffix === undefined || request.suffix === '',
    logit_bias: Object.keys(request.logit_bias ?? {}).length === 0,
    presence_penalty: (request.presence_penalty ?? 0) === 0,
    frequency_penalty: (request.frequency_penalty ?? 0) === 0,
  };
  for (const [field, isNeutral] of Object.entries(neutral)) {
    if (!isNeutral) throw invalid(field, `${field}: it is not supported here; leave it out.`);
  }
  return {
    model: request.model,
    prompts: typeof request.prompt === 'string' ? [request.prompt] : request.prompt,
    length,
    temperature: request.temperature,
    topP: request.top_p,
    n,
    stop: typeof stop === 'string' ? [stop] : stop,
    stream,
    usage: request.stream_options?.include_usage === true,
    logprobs: request.logprobs,
    echo,
    seed: request.seed,
  };
}

const kindOf: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'server_error',
};

/** A problem as OpenAI's clients read it. */
export function openAIProblem({ code, field, message, status }: ServeError) {
  const codes: Partial<Record<typeof code, string>> = {
    unauthorized: 'invalid_api_key',
    'rate-limited': 'rate_limit_exceeded',
    ...(field === 'model' && { 'not-found': 'model_not_found' }),
  };
  const type = kindOf[status] ?? 'invalid_request_error';
  return { error: { message, type, param: field ?? null, code: codes[code] ?? code } };
}
