/**
 * What a client and a server say to each other: each message is a JSON Schema, and its type follows from that. The server holds what
 * comes against these, and so does the client.
 */
import * as Type from 'typebox';

/** The version of the protocol, which `hello` names; a server takes no other. */
export const PROTOCOL = 1;

/** The WebSocket subprotocol that both sides name. */
export const SUBPROTOCOL = 'oxbow.1';

/** A browser cannot set headers of a WebSocket: it gives its token as one more subprotocol, this and the token in base64url. */
export const TOKEN_PREFIX = 'oxbow.token.';

/** Of any message: bytes in UTF-8. */
export const LARGEST_MESSAGE = 65_536;

const LONGEST_NAME = 128;
const MOST_WORDS = 256;

const id = Type.String({
  minLength: 1,
  maxLength: LONGEST_NAME,
  description: 'The client’s own name of the request, which is in all answers to it.',
});
const model = Type.Optional(
  Type.String({ minLength: 1, maxLength: LONGEST_NAME, description: 'Which model; default the first of its kind.' }),
);
const name = Type.String({ maxLength: LONGEST_NAME });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const version = count('That of the weights: how often they have been changed.');

/** How symbols are chosen; alike over WebSocket and HTTP. */
const generation = {
  prompt: Type.String({ maxLength: LARGEST_MESSAGE, description: 'The text to go on from.' }),
  length: Type.Optional(Type.Integer({ minimum: 1, description: 'Symbols to generate; default 256.' })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: '0 is greedy; default 1.' })),
  topK: Type.Optional(Type.Integer({ minimum: 1, description: 'Only the k most probable symbols.' })),
  topP: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'Only the fewest symbols of this probability.' }),
  ),
  minP: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Only symbols of this share of the most probable one’s probability.',
    }),
  ),
  repetitionPenalty: Type.Optional(
    Type.Number({ minimum: 0.01, maximum: 100, description: 'Above 1 the model repeats itself less; default 1.' }),
  ),
  seed: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Of the draws; default one at random.' }),
  ),
  stop: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      maxItems: 16,
      description: 'Texts at which it ends; they are not said.',
    }),
  ),
  surprisal: Type.Optional(
    Type.Boolean({ description: 'Whether each symbol comes with its surprise, in bits; default false.' }),
  ),
  rate: Type.Optional(
    Type.Number({ minimum: 0.1, maximum: 1000, description: 'Symbols a second at most; default as fast as it goes.' }),
  ),
};

const correction = Type.Union(
  [
    Type.Object({ slot: name, words: Type.String({ maxLength: 1024 }) }, { additionalProperties: false }),
    Type.Object(
      { slot: name, start: Type.Integer({ minimum: 0 }), end: Type.Integer({ minimum: 1 }) },
      { additionalProperties: false },
    ),
  ],
  { description: 'A slot by its words, or by its places, `end` left out; the slot `O` is none.' },
);

const learning = {
  text: Type.String({ minLength: 1, maxLength: LARGEST_MESSAGE, description: 'What is to be learnt from.' }),
};
const scoring = { text: Type.String({ maxLength: LARGEST_MESSAGE, description: 'What is to be scored.' }) };
const word = Type.String({ minLength: 1, maxLength: 256 });
const words = Type.Array(word, { maxItems: MOST_WORDS, description: 'Words in their order.' });

const closed = { additionalProperties: false } as const;

function request<K extends string, P extends Record<string, Type.TSchema>>(
  type: K,
  description: string,
  properties: P,
) {
  return Type.Object({ type: Type.Literal(type), ...properties }, { ...closed, description });
}

/** What a client says, by type. */
export const requests = {
  learn: request('learn', 'Text to learn from. Texts of one source follow each other, wherever they are cut.', {
    id: Type.Optional(id),
    model,
    source: Type.Optional(
      Type.String({
        maxLength: LONGEST_NAME,
        description: 'Which of the session’s texts; default the one without a name.',
      }),
    ),
    ...learning,
    end: Type.Optional(Type.Boolean({ description: 'Whether the source ends with it; default false.' })),
  }),
  generate: request('generate', 'Asks for symbols that go on from a prompt.', { id, model, ...generation }),
  cancel: request('cancel', 'Ends a generation, at once, or a subscription to metrics, or leaves an utterance.', {
    id,
  }),
  score: request('score', 'Asks for the surprise of each symbol of a text.', { id, model, ...scoring }),
  metrics: request('metrics', 'Subscribes to the figures of a model, until `cancel`.', {
    id,
    model,
    everyMs: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 60_000, description: 'Milliseconds between two at least; default 1000.' }),
    ),
  }),
  tag: request('tag', 'Words of an utterance as they arrive; those of one id follow each other until `end`.', {
    id,
    model,
    words,
    end: Type.Optional(Type.Boolean({ description: 'Whether the utterance ends with them; default false.' })),
  }),
  correct: request(
    'correct',
    'Says what the tags of an utterance are; learnt at once. Without tags and corrections it is confirmed.',
    {
      id,
      model,
      utterance: Type.String({
        minLength: 1,
        maxLength: LONGEST_NAME,
        description: 'As the last `tagged` of it names it.',
      }),
      tags: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: LONGEST_NAME }), {
          maxItems: MOST_WORDS,
          description: 'One for each word.',
        }),
      ),
      corrections: Type.Optional(Type.Array(correction, { maxItems: MOST_WORDS, description: 'Single slots.' })),
      intent: Type.Optional(name),
    },
  ),
  control: request('control', 'Changes how a model learns, for those who may. What is left out stays.', {
    id,
    model,
    learning: Type.Optional(Type.Boolean({ description: 'Whether it learns from what it hears.' })),
    learningRate: Type.Optional(Type.Number({ minimum: 0, maximum: 10, description: 'Of the updates from now on.' })),
    save: Type.Optional(Type.Boolean({ description: 'Whether a checkpoint is to be written now.' })),
  }),
};

/** What the requests over HTTP have in their bodies; `stream: false` asks `/generate` for one JSON answer. */
export const bodies = {
  generate: Type.Object(
    { model, ...generation, stream: Type.Optional(Type.Boolean({ description: 'Default true: server-sent events.' })) },
    { ...closed, description: 'POST /generate' },
  ),
  learn: Type.Object({ model, ...learning }, { ...closed, description: 'POST /learn' }),
  score: Type.Object({ model, ...scoring }, { ...closed, description: 'POST /score' }),
  tag: Type.Object({ model, words }, { ...closed, description: 'POST /tag' }),
};

/**
 * Why something was not done.
 *
 * @example
 * ```ts
 * import { errorCodes } from 'oxbow/client';
 *
 * console.log(errorCodes.includes('rate-limited')); // true
 * ```
 */
export const errorCodes = [
  'malformed',
  'invalid',
  'too-large',
  'unauthorized',
  'forbidden',
  'not-found',
  'wrong-task',
  'not-allowed',
  'in-use',
  'learning-off',
  'rate-limited',
  'quota',
  'overloaded',
  'closing',
  'failed',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

function answer<K extends string, P extends Record<string, Type.TSchema>>(type: K, description: string, properties: P) {
  return Type.Object({ type: Type.Literal(type), ...properties }, { description });
}

const modelInfo = Type.Object(
  {
    name,
    task: Type.Union([Type.Literal('language'), Type.Literal('tagger')]),
    parameters: count('Numbers that it learns.'),
    symbols: Type.Optional(
      Type.String({ description: 'Of a language model, those that it knows, in the order of their ids.' }),
    ),
    tags: Type.Optional(Type.Array(Type.String(), { description: 'Of a tagger, those that it knows.' })),
    step: count('Updates so far.'),
    version,
    learning: Type.Boolean({ description: 'Whether it learns now.' }),
    learningRate: Type.Number(),
    learnsFor: Type.Boolean({ description: 'Whether it learns from this client.' }),
  },
  { description: 'A model that is served.' },
);

const limits = Type.Object(
  {
    message: count('Bytes of a message.'),
    length: count('Symbols of a generation.'),
    session: count('Requests of a session under way at a time.'),
    requestsPerSecond: Type.Number({ minimum: 0 }),
  },
  { description: 'What a client may ask for.' },
);

const metricsOf = {
  step: count('Updates so far.'),
  loss: Type.Union([Type.Number(), Type.Null()], {
    description: 'Mean of the latest window, in nats; null before the first.',
  }),
  bitsPerSymbol: Type.Union([Type.Number(), Type.Null()], { description: 'Over the latest windows.' }),
  learnt: count('Symbols, or words, learnt from since the start.'),
  said: count('Symbols said, or words tagged, since the start.'),
  learntPerSecond: Type.Number({ minimum: 0 }),
  saidPerSecond: Type.Number({ minimum: 0 }),
  waiting: count('Characters, or corrections, that wait to be learnt from.'),
  sources: count('Texts that are listened to.'),
  dropped: count('Texts and requests that were refused because something was full.'),
  active: count('Generations and scores under way.'),
  queued: count('Generations and scores that wait for their turn.'),
  learning: Type.Boolean(),
  learningRate: Type.Number(),
  clients: count('Sessions that are open.'),
  loopDelayMs: Type.Number({
    minimum: 0,
    description: 'How late the event loop is, the 99th percentile of the last seconds.',
  }),
};

const tagged = Type.Object({
  position: count('Which word of the utterance, from 0.'),
  word: Type.String(),
  tag: Type.String(),
  probability: Type.Number(),
});

const slot = Type.Object({
  slot: Type.String(),
  value: Type.String(),
  start: count('First word.'),
  end: count('Word after the last.'),
  probability: Type.Number(),
});

const modelName = Type.String({ description: 'That of the model.' });

/** What a server says, by type. Fields that are not known here are to be passed over. */
export const answers = {
  hello: answer('hello', 'The first message of a session.', {
    protocol: Type.Literal(PROTOCOL),
    server: Type.String({ description: 'Name and version of the program.' }),
    models: Type.Array(modelInfo),
    limits,
  }),
  accepted: answer('accepted', 'The text waits to be learnt from; only where the request has an id.', {
    id,
    model: modelName,
    symbols: count('How many of its symbols the model knows.'),
    version,
  }),
  symbols: answer('symbols', 'What was said next: one symbol, or several.', {
    id,
    text: Type.String(),
    surprisals: Type.Optional(Type.Array(Type.Number(), { description: 'In bits, one for each symbol.' })),
    version,
  }),
  done: answer('done', 'The generation is over.', {
    id,
    model: modelName,
    reason: Type.Union([Type.Literal('length'), Type.Literal('stop'), Type.Literal('cancelled')]),
    symbols: count('How many were said.'),
    version,
  }),
  scored: answer('scored', 'The surprise of a text.', {
    id,
    model: modelName,
    bits: Type.Array(Type.Union([Type.Number(), Type.Null()]), {
      description: 'Of each symbol (code point) of the text; null for one that the model passes over.',
    }),
    total: Type.Number({ description: 'Their sum.' }),
    version,
  }),
  metrics: answer('metrics', 'The figures of a model now.', { id, model: modelName, ...metricsOf, version }),
  tagged: answer('tagged', 'Words whose tags are new or revised; at the end of the utterance all of them.', {
    id,
    model: modelName,
    words: Type.Array(tagged),
    final: Type.Boolean(),
    utterance: Type.Optional(Type.String({ description: 'At the end: by what a correction names it.' })),
    slots: Type.Optional(Type.Array(slot, { description: 'At the end.' })),
    intent: Type.Optional(Type.Object({ name: Type.String(), probability: Type.Number() })),
    version,
  }),
  corrected: answer('corrected', 'The correction was learnt.', {
    id,
    model: modelName,
    utterance: Type.String(),
    tags: Type.Array(Type.String(), { description: 'What was learnt.' }),
    loss: Type.Number(),
    step: count('Updates so far.'),
    version,
  }),
  controlled: answer('controlled', 'How the model learns from now on; where asked for, a checkpoint is written.', {
    id,
    model: modelName,
    learning: Type.Boolean(),
    learningRate: Type.Number(),
    saved: Type.Boolean(),
    version,
  }),
  cancelled: answer('cancelled', 'What was to end has ended; a generation says `done` instead.', { id }),
  error: answer('error', 'What was asked for is not done; the session goes on.', {
    id: Type.Optional(id),
    code: Type.Union(errorCodes.map((code) => Type.Literal(code))) as unknown as Type.TUnsafe<ErrorCode>,
    field: Type.Optional(Type.String({ description: 'Of the request, the field that is wrong.' })),
    message: Type.String({ description: 'What is wrong, and the remedy.' }),
    retryAfter: Type.Optional(Type.Number({ minimum: 0, description: 'Seconds after which to try again.' })),
  }),
};
