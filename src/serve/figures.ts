/** The figures of a server as text for Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { LiveModel } from './live.js';

interface Told {
  readonly models: Readonly<Record<string, LiveModel>>;
  clients(): number;
  loopDelayMs(): number;
}

/** What counts up, and what goes up and down, by its name in the metrics of a model. */
const counted = {
  learnt: 'Symbols or words learnt from',
  said: 'Symbols said, or words tagged',
  dropped: 'Refused since something was full',
};
const measured = {
  step: 'Updates of the weights',
  version: 'Version of the weights',
  loss: 'Loss of the latest window, nats',
  bitsPerSymbol: 'Bits per symbol over the latest windows',
  learntPerSecond: 'Symbols or words learnt from a second',
  saidPerSecond: 'Symbols said, or words tagged, a second',
  waiting: 'Characters or corrections that wait to be learnt from',
  sources: 'Texts that are listened to',
  active: 'Generations and scores under way',
  queued: 'Generations and scores that wait',
  learningRate: 'Learning rate',
};

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export function serverFigures({ models, clients, loopDelayMs }: Told) {
  const registry = new Registry();
  const registers = [registry];
  const live = Object.entries(models);
  for (const [key, help] of Object.entries(counted) as [keyof typeof counted, string][]) {
    new Counter({
      name: `oxbow_${snake(key)}_total`,
      help,
      labelNames: ['model'],
      registers,
      collect() {
        this.reset();
        for (const [model, one] of live) this.inc({ model }, one.metrics()[key]);
      },
    });
  }
  for (const [key, help] of Object.entries(measured) as [keyof typeof measured, string][]) {
    new Gauge({
      name: `oxbow_${snake(key)}`,
      help,
      labelNames: ['model'],
      registers,
      collect() {
        for (const [model, one] of live) this.set({ model }, one.metrics()[key] ?? Number.NaN);
      },
    });
  }
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('oxbow_sessions', 'WebSockets that are open', clients);
  gauge(
    'oxbow_loop_delay_seconds',
    'How late the event loop is, 99th percentile of the last seconds',
    () => loopDelayMs() / 1000,
  );
  gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  const refused = new Counter({
    name: 'oxbow_refused_total',
    help: 'Requests that were refused',
    labelNames: ['code'],
    registers,
  });
  return {
    refused: (code: string) => refused.inc({ code }),
    type: registry.contentType,
    text: () => registry.metrics(),
  };
}
