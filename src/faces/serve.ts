/** `oxbow/serve`: models that learn while they answer, and a server for them; for Node. */

export { type ErrorCode, errorCodes } from '../protocol/messages.js';
export { type ProblemFacts, ServeError } from '../protocol/problem.js';
export type {
  Answers,
  Bodies,
  ClientMessage,
  GenerationRequest,
  ModelInfo,
  ModelMetrics,
  Requests,
  ServerMessage,
} from '../protocol/types.js';
export type { Client, Token } from '../serve/access.js';
export { bodyOf, type Exchange, type Route } from '../serve/exchange.js';
export type { ServerLimits } from '../serve/limits.js';
export type {
  Alternatives,
  AlternativeText,
  HeardSymbols,
  LearntCorrection,
  LiveBase,
  LiveLanguageModel,
  LiveMetrics,
  LiveModel,
  LiveTagger,
  LiveUpdate,
  LiveUtterance,
  SaidSymbol,
  ScoredText,
  TextSource,
  Unlearnt,
} from '../serve/live.js';
export type { KeepingOptions } from '../serve/live-base.js';
export { type LiveLanguageModelOptions, liveLanguageModel } from '../serve/live-language-model.js';
export { type LiveTaggerOptions, liveTagger } from '../serve/live-tagger.js';
export { type OpenLiveOptions, openLive } from '../serve/open-live.js';
export { type Server, serve } from '../serve/serve.js';
export type { ServeOptions } from '../serve/serve-options.js';
export type { Named, Service } from '../serve/service.js';
