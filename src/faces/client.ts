/** `oxbow/client`: a typed client of a server, for browsers and Node; without the kernels. */

export { type ErrorCode, errorCodes } from '../protocol/messages.js';
export { type ProblemFacts, ServeError } from '../protocol/problem.js';
export type {
  Answers,
  ClientMessage,
  GenerationRequest,
  ModelInfo,
  ModelMetrics,
  Requests,
  ServerMessage,
} from '../protocol/types.js';
