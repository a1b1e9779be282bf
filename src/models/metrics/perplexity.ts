import { described } from '../../description.js';
import { natsOf } from '../../streams/logits.js';
import type { Numbers } from '../../tensor.js';
import { type Metric, meanOver } from './metric.js';

const nats = (name: string) => (data: Numbers, start: number, width: number, id: number) =>
  natsOf(name, data, id, start, width);

/**
 * Perplexity: among how many equally likely symbols the model would be as uncertain.
 *
 * Equation: `exp(−1/n Σ log softmax(logits)[target])`.
 * Source: Jelinek et al., Perplexity – a measure of the difficulty of speech recognition tasks (1977).
 *
 * Shapes: logits `[…, V]`, targets ids `[…]` or one-hot `[…, V]`.
 *
 * @returns a metric from 1 up, of which lower is better.
 * @example
 * const counted = perplexity().start();
 * counted.update(tensor([1, 4], [0, 0, 0, 0]), ids([1], [2]));
 * counted.result(); // 4
 */
export function perplexity(): Metric {
  return described(meanOver('perplexity', 'lower', nats('perplexity'), Math.exp), 'perplexity', []);
}

/**
 * Bits per character: the cross-entropy of the logits in bits.
 *
 * Equation: `−1/n Σ log₂ softmax(logits)[target]`.
 * Source: Shannon, Prediction and entropy of printed English (1951).
 *
 * Shapes: logits `[…, V]`, targets ids `[…]` or one-hot `[…, V]`.
 *
 * @returns a metric from 0 up, of which lower is better.
 * @example
 * classifier.compile({ loss: crossEntropy(), optimizer: rmsprop(1e-3), metrics: [bitsPerCharacter()] })
 */
export function bitsPerCharacter(): Metric {
  return described(
    meanOver('bitsPerCharacter', 'lower', nats('bitsPerCharacter'), (mean) => mean / Math.LN2),
    'bitsPerCharacter',
    [],
  );
}
