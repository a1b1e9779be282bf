import { accuracy, categoricalAccuracy, topKAccuracy } from './accuracy.js';
import { f1, precision, recall } from './classes.js';
import type { Metric } from './metric.js';
import { bitsPerCharacter, perplexity } from './perplexity.js';

const known = { accuracy, categoricalAccuracy, topKAccuracy, perplexity, bitsPerCharacter, precision, recall, f1 };

/** Metrics that need no option go by their names. */
export type MetricName = keyof typeof known;

/** Metrics as they are, and those that were named. @throws TypeError where there is none of a name, or one twice. */
export function metricsOf(operation: string, given: readonly (Metric | MetricName)[]): readonly Metric[] {
  const names = new Set<string>();
  return given.map((each) => {
    const metric = typeof each === 'string' ? (Object.hasOwn(known, each) ? known[each]() : undefined) : each;
    if (typeof metric?.start !== 'function') {
      throw new TypeError(
        `${operation}: there is no metric ${JSON.stringify(each)}; known by name are ${Object.keys(known).join(', ')}.`,
      );
    }
    if (names.has(metric.name)) {
      throw new TypeError(`${operation}: the metric ${metric.name} is there twice; leave one of them out.`);
    }
    names.add(metric.name);
    return metric;
  });
}
