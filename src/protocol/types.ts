/** The messages as types, which follow from their schemas. */
import type { Static } from 'typebox';
import type { answers } from './answers.js';
import type { bodies, requests } from './messages.js';

/** Each message of a client by its type. */
export type Requests = { readonly [K in keyof typeof requests]: Static<(typeof requests)[K]> };

/** A message of a client. */
export type ClientMessage = Requests[keyof Requests];

/** Each message of a server by its type. */
export type Answers = { readonly [K in keyof typeof answers]: Static<(typeof answers)[K]> };

/** A message of a server. */
export type ServerMessage = Answers[keyof Answers];

/** Each body of a request over HTTP by its path. */
export type Bodies = { readonly [K in keyof typeof bodies]: Static<(typeof bodies)[K]> };

/** How a text is asked for; the fields of `generate`. */
export type GenerationRequest = Omit<Requests['generate'], 'type' | 'id' | 'model'>;

/** A model that is served, as `hello` and `GET /model` show it. */
export type ModelInfo = Answers['hello']['models'][number];

/** The figures of a model. */
export type ModelMetrics = Omit<Answers['metrics'], 'type' | 'id' | 'model'>;
