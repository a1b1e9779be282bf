/** What a server says: each message is a JSON Schema, as those of a client are (`messages.ts`). */
import * as Type from 'typebox';
import { type ErrorCode, errorCodes, PROTOCOL } from './messages.js';
import { count, id, name, version } from './parts.js';

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
  units: answer('units', 'What the hidden units did over a text.', {
    id,
    model: modelName,
    parts: Type.Array(Type.Object({ part: Type.String(), units: count('How many it has.') })),
    features: Type.Array(
      Type.Object({
        feature: Type.String({ description: 'One that varies in the text.' }),
        best: Type.Array(
          Type.Object({
            part: Type.String(),
            unit: Type.Integer({ minimum: 0 }),
            correlation: Type.Number({ description: 'Pearson’s, −1 to 1.' }),
          }),
        ),
      }),
    ),
    shown: Type.Object({
      part: Type.String(),
      unit: Type.Integer({ minimum: 0 }),
      activations: Type.Array(Type.Union([Type.Number(), Type.Null()]), {
        description: 'After each symbol (code point) of the text; null for one that the model passes over.',
      }),
    }),
    version,
  }),
  lines: answer('lines', 'The lines that surprised most.', {
    id,
    model: modelName,
    heard: count('Lines that were heard.'),
    lines: Type.Array(
      Type.Object({
        text: Type.String({ description: 'Its beginning, where it is long.' }),
        bitsPerSymbol: Type.Number(),
        at: count('Lines that were heard before it.'),
      }),
    ),
    version,
  }),
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
