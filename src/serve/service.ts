/** What is asked of models, whichever way it comes: over a WebSocket, over HTTP, or by a route of the user's own. */
import { slotsOf } from '../models/tagger/online/slots.js';
import type { Tagging } from '../models/tagger/tagging.js';
import { LARGEST_MESSAGE } from '../protocol/messages.js';
import { ServeError } from '../protocol/problem.js';
import type { Answers, GenerationRequest, ModelInfo, ModelMetrics } from '../protocol/types.js';
import type { Client } from './access.js';
import type { Limits } from './limits.js';
import type { LiveLanguageModel, LiveModel, LiveTagger, TextSource } from './live.js';
import { allowance } from './meters.js';

interface Tasks {
  readonly language: LiveLanguageModel;
  readonly tagger: LiveTagger;
}

/** A model that is served, and its name. */
export interface Named<M = LiveModel> {
  readonly name: string;
  readonly model: M;
}

/** What a server does for its clients; each may be refused by a {@link ServeError}. */
export interface Service {
  readonly limits: Answers['hello']['limits'];
  /** Counts a request of a client. @throws ServeError `rate-limited`. */
  count(client: Client): void;
  /** A model by its name, or the first of its task. @throws ServeError `not-found`, `wrong-task`. */
  named<T extends keyof Tasks>(name: string | undefined, task: T): Named<Tasks[T]>;
  named(name: string | undefined): Named;
  infos(client: Client): ModelInfo[];
  info(of: Named, client: Client): ModelInfo;
  /** Has a text learnt; how many of its symbols are known. */
  learn(client: Client, source: TextSource, text: string): number;
  /** Whether a client may have a model learn. @throws ServeError `forbidden`. */
  requireLearner(client: Client): void;
  /** Whether a generation is not longer than may be. @throws ServeError `invalid`. */
  requireLength(request: GenerationRequest): void;
  /** Whether a client may see what others do, and change how models learn. @throws ServeError `forbidden`. */
  requireControl(client: Client): void;
  metrics(model: LiveModel): ModelMetrics;
  /** An utterance as `tagged` says it. */
  tagged(id: string, of: Named<LiveTagger>, tagging: Tagging & { readonly id: string }): Answers['tagged'];
}

export interface ServiceOptions {
  readonly models: Readonly<Record<string, LiveModel>>;
  readonly limits: Limits;
  /** How many sessions there are, and how late the event loop is. */
  process(): Pick<ModelMetrics, 'clients' | 'loopDelayMs'>;
}

export function service({ models, limits, process }: ServiceOptions): Service {
  const { requestsPerSecond, burst, learnPerMinute, length, perSession } = limits;
  const requests = allowance(requestsPerSecond, burst);
  const learning = allowance(learnPerMinute / 60, learnPerMinute);
  const all = Object.entries(models).map(([name, model]): Named => ({ name, model }));

  function named(name: string | undefined, task?: keyof Tasks): Named<never> {
    const field = { field: 'model' };
    const found = all.find((one) =>
      name === undefined ? task === undefined || one.model.task === task : one.name === name,
    );
    if (found === undefined) {
      const what = name === undefined ? `${task ?? 'model'}` : `model ${JSON.stringify(name)}`;
      throw new ServeError(
        'not-found',
        `there is no ${what} here; there is ${all.map((one) => one.name).join(', ')}.`,
        field,
      );
    }
    if (task !== undefined && found.model.task !== task) {
      throw new ServeError('wrong-task', `${found.name} is a ${found.model.task} model; name a ${task} model.`, field);
    }
    return found as Named<never>;
  }

  function info({ name, model }: Named, { learns }: Client): ModelInfo {
    return {
      name,
      task: model.task,
      parameters: model.parameters,
      ...(model.task === 'language'
        ? 'symbols' in model.vocab && { symbols: model.vocab.symbols.join('') }
        : { tags: [...model.model.tags.names] }),
      step: model.step,
      version: model.version,
      learning: model.learning,
      learningRate: model.learningRate,
      learnsFor: learns && model.hears,
    };
  }

  function requireLearner({ learns }: Client): void {
    if (!learns) throw new ServeError('forbidden', 'models do not learn from what this token’s bearer says.');
  }

  return {
    limits: { message: LARGEST_MESSAGE, length, session: perSession, requestsPerSecond },
    count({ key }) {
      const wait = requests.spend(key, 1);
      if (wait > 0) {
        const message = `more than ${requestsPerSecond} requests a second; wait.`;
        throw new ServeError('rate-limited', message, { retryAfter: wait });
      }
    },
    named,
    infos: (client) => all.map((one) => info(one, client)),
    info,
    requireLearner,
    learn(client, source, text) {
      requireLearner(client);
      const wait = learning.spend(client.origin, text.length);
      if (wait > 0) {
        const message = `more than ${learnPerMinute} characters a minute are not learnt from one origin; wait.`;
        throw new ServeError('quota', message, { retryAfter: wait });
      }
      return source.push(text);
    },
    requireLength({ length: asked = 0 }) {
      if (asked > length) {
        throw new ServeError('invalid', `a generation is of ${length} symbols at most, not ${asked}.`, {
          field: 'length',
        });
      }
    },
    requireControl({ controls }) {
      if (!controls)
        throw new ServeError(
          'forbidden',
          'this token’s bearer may neither see what others say nor change how models learn.',
        );
    },
    metrics: (model) => ({ ...model.metrics(), ...process() }),
    tagged: (id, { name, model }, { id: utterance, words, intent }) => ({
      type: 'tagged',
      id,
      model: name,
      words: words.map((word, position) => ({ position, ...word })),
      final: true,
      utterance,
      slots: [...slotsOf(words)],
      ...(intent && { intent }),
      version: model.version,
    }),
  };
}
