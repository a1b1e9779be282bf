/**
 * What a client says to a server: each message is a JSON Schema, and its type follows from that. The server holds what comes against
 * these, as the client does with what a server says (`answers.ts`).
 */
import * as Type from 'typebox';
import { id, LONGEST_NAME, name } from './parts.js';

/** The version of the protocol, which `hello` names; a server takes no other. */
export const PROTOCOL = 1;

/** The WebSocket subprotocol that both sides name. */
export const SUBPROTOCOL = 'oxbow.1';

/** A browser cannot set headers of a WebSocket: it gives its token as one more subprotocol, this and the token in base64url. */
export const TOKEN_PREFIX = 'oxbow.token.';

/** Of any message: bytes in UTF-8. */
export const LARGEST_MESSAGE = 65_536;

const MOST_WORDS = 256;
/** Code units of a text whose hidden units are looked at. */
const LONGEST_PROBE = 4096;

/** What hidden units are held against. */
export const featureNames = [
  'quotes',
  'brackets',
  'line length',
  'indentation',
  'word length',
  'word gaps',
  'capitals',
  'digits',
  'line ends',
] as const;

/** One of {@link featureNames}. */
export type FeatureName = (typeof featureNames)[number];

const model = Type.Optional(
  Type.String({ minLength: 1, maxLength: LONGEST_NAME, description: 'Which model; default the first of its kind.' }),
);
/** How symbols are chosen; alike over WebSocket and HTTP. */
const generation = {
  prompt: Type.String({ maxLength: LARGEST_MESSAGE, description: 'The text to go on from.' }),
  length: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: 'Symbols to generate; default 256. Of bytes up to three more, which finish the last character.',
    }),
  ),
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
  units: request('units', 'Asks what the hidden units do over a text, and which of them follow what is in it.', {
    id,
    model,
    text: Type.String({ minLength: 1, maxLength: LONGEST_PROBE, description: 'The text to look at.' }),
    unit: Type.Optional(
      Type.Object(
        { part: name, unit: Type.Integer({ minimum: 0 }) },
        { ...closed, description: 'The one to show: a part of the carry, and its place there; default the first.' },
      ),
    ),
    feature: Type.Optional(
      Type.Union(
        featureNames.map((feature) => Type.Literal(feature)),
        {
          description: 'Instead of a unit: the one that follows this best.',
        },
      ) as unknown as Type.TUnsafe<FeatureName>,
    ),
  }),
  lines: request(
    'lines',
    'Subscribes to the lines that surprised a model most of those learnt lately, for those who may `control`; until `cancel`.',
    {
      id,
      model,
      most: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Lines at most; default 20.' })),
      everyMs: Type.Optional(
        Type.Integer({
          minimum: 100,
          maximum: 60_000,
          description: 'Milliseconds between two at least; default 1000.',
        }),
      ),
    },
  ),
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
