/** What the page asks of its server; the one place that knows the client. */
import type { Answers, GenerationRequest, ModelInfo, ModelMetrics, Requests } from 'oxbow/client';
import type { Observable } from 'rxjs';

export type Hello = Answers['hello'];
export type Metrics = ModelMetrics;
export type Spoken = Answers['symbols'] | Answers['done'];
export type UnitsFound = Answers['units'];
export type UnitsAsked = Omit<Requests['units'], 'type' | 'id' | 'model'>;
export type LinesFound = Answers['lines'];
export type Tagged = Answers['tagged'];
export type { GenerationRequest, ModelInfo };

/** How the connection is. */
export type Link = 'connecting' | 'open' | 'waiting' | 'unauthorized';

/** An utterance whose words are sent as they are typed. */
export interface Utterance {
  readonly tagged$: Observable<Tagged>;
  add(words: readonly string[]): void;
  end(): void;
}

/** A server as the page sees it: subscriptions go on after a reconnect. */
export interface Live {
  readonly link$: Observable<Link>;
  /** What the server said at first; again after each reconnect. */
  readonly hello$: Observable<Hello>;
  metrics(model: string, everyMs: number): Observable<Metrics>;
  generate(model: string, request: GenerationRequest): Observable<Spoken>;
  score(model: string, text: string): Observable<Answers['scored']>;
  learn(model: string, text: string): Observable<Answers['accepted']>;
  units(model: string, request: UnitsAsked): Observable<UnitsFound>;
  lines(model: string): Observable<LinesFound>;
  control(
    model: string,
    change: { learning?: boolean; learningRate?: number; save?: boolean },
  ): Observable<Answers['controlled']>;
  tag(model: string): Utterance;
  correct(
    model: string,
    correction: Omit<Requests['correct'], 'type' | 'id' | 'model'>,
  ): Observable<Answers['corrected']>;
}

/** An error as the page shows it. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
