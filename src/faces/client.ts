/** `oxbow/client`: a typed client of a server, for browsers and Node; without the kernels. */

export {
  type Client,
  type ConnectOptions,
  connect,
  type GenerateRequest,
  type OfModel,
  type SaidSymbols,
} from '../client/client.js';
export {
  ConnectionError,
  type ConnectionState,
  type WebSocketClass,
  type WebSocketLike,
} from '../client/connection.js';
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
