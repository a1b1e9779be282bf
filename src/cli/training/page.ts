/** The live page of a training: a server on this machine alone, as long as the training goes on. */
import type { Server } from '../../serve/serve.js';
import { serve } from '../../serve/serve.js';
import { type TrainedModel, type TrainedModelOptions, trainedModel } from '../../serve/trained-model.js';
import type { Context } from '../shared/command.js';
import { messageOf } from '../shared/failure.js';

export interface TrainingPage extends TrainedModel {
  readonly url: string;
  close(): Promise<void>;
}

/** Shows a training; at any port that is free where the wanted one is taken. */
export async function trainingPage(
  options: TrainedModelOptions,
  port: number,
  { screen }: Context,
): Promise<TrainingPage> {
  const trained = trainedModel(options);
  const log = (error: unknown) => screen.note(`oxbow: ${messageOf(error)}`);
  const listen = (at: number) => serve({ models: { training: trained.live }, port: at, log });
  let server: Server;
  try {
    server = await listen(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    server = await listen(0);
  }
  return Object.assign(trained, { url: server.url, close: async () => void (await server.close()) });
}
