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
export type {
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
} from '../serve/live.js';
