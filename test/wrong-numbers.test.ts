/** Options that are numbers, given what is none or what none can be: refused by name where they are given, not when they are first used. */
import {
  activationRegularization,
  averaged,
  constant,
  cosine,
  crossEntropy,
  dynamicEvaluation,
  embedding,
  gatedDeltaNet,
  generate,
  inTurn,
  inverseSqrt,
  languageModel,
  nonMonotonic,
  oneCycle,
  outerNesterov,
  randomWindows,
  rgLru,
  type Schedule,
  sgd,
  stepDecay,
  warmup,
} from 'oxbow';
import { describe, expect, it } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: callers without types give options what their types forbid, which only any lets through.
type Any = any;

const wrongs = {
  null: null,
  'a text': '0.5',
  'a list': [0.5],
  true: true,
  'a big integer': 3n,
  NaN: Number.NaN,
  'below 0': -1,
};

const model = languageModel({ symbols: 3, units: 2, embed: 2 });
const corpus = new Int32Array(40);

/** Of each option the call, and what stands before the option in the message. */
const calls: Readonly<Record<string, readonly [operation: string, call: (wrong: Any) => unknown]>> = {
  'crossEntropy, smoothing': ['crossEntropy', (smoothing) => crossEntropy({ smoothing })],
  'averaged, decay': ['averaged', (decay) => averaged(sgd(1), { decay })],
  'averaged, from': ['averaged', (from) => averaged(sgd(1), { from })],
  'outerNesterov, every': ['outerNesterov', (every) => outerNesterov(sgd(1), { every })],
  'outerNesterov, learningRate': ['outerNesterov', (learningRate) => outerNesterov(sgd(1), { learningRate })],
  'outerNesterov, momentum': ['outerNesterov', (momentum) => outerNesterov(sgd(1), { momentum })],
  'nonMonotonic, patience': ['nonMonotonic', (patience) => nonMonotonic([3, 2], { patience })],
  constant: ['constant', (rate) => constant(rate)],
  inverseSqrt: ['inverseSqrt', (rate) => inverseSqrt(rate)],
  'stepDecay, rate': ['stepDecay', (rate) => stepDecay({ rate, factor: 0.5, every: 2 })],
  'stepDecay, factor': ['stepDecay', (factor) => stepDecay({ rate: 1, factor, every: 2 })],
  'cosine, rate': ['cosine', (rate) => cosine({ rate, steps: 10 })],
  'cosine, floor': ['cosine', (floor) => cosine({ rate: 1, steps: 10, floor })],
  'oneCycle, rate': ['oneCycle', (rate) => oneCycle({ rate, steps: 10 })],
  'oneCycle, rising': ['oneCycle', (rising) => oneCycle({ rate: 1, steps: 10, rising })],
  'oneCycle, from': ['oneCycle', (from) => oneCycle({ rate: 1, steps: 10, from })],
  'oneCycle, to': ['oneCycle', (to) => oneCycle({ rate: 1, steps: 10, to })],
  'warmup, a schedule': ['warmup', (inner: Schedule) => warmup(3, inner)],
  'inTurn, the parts': ['inTurn', (parts) => inTurn(parts, constant(1))],
  'inTurn, a schedule': ['inTurn', (schedule: Schedule) => inTurn([[3, schedule]], constant(1))],
  'inTurn, the last': ['inTurn', (last: Schedule) => inTurn([], last)],
  'activationRegularization, alpha': ['activationRegularization', (alpha) => activationRegularization({ alpha })],
  'activationRegularization, beta': ['activationRegularization', (beta) => activationRegularization({ beta })],
  'embedding, dropout': ['embedding', (dropout) => embedding(3, 2, { dropout })],
  'rgLru, decays': ['rgLru', (decays) => rgLru(2, { decays })],
  'rgLru, a decay': ['rgLru', (decay) => rgLru(2, { decays: [decay, 0.99] })],
  'gatedDeltaNet, decays': ['gatedDeltaNet', (decays) => gatedDeltaNet(2, 2, { decays })],
  'randomWindows, from': ['randomWindows', (from) => randomWindows(corpus, { length: 4, batch: 2, count: 3, from })],
  'dynamicEvaluation, learningRate': ['dynamicEvaluation', (rate) => dynamicEvaluation(model, { learningRate: rate })],
  'dynamicEvaluation, decay': ['dynamicEvaluation', (decay) => dynamicEvaluation(model, { learningRate: 1, decay })],
  'dynamicEvaluation, clipNorm': [
    'dynamicEvaluation',
    (clipNorm) => dynamicEvaluation(model, { learningRate: 1, clipNorm }),
  ],
  'generate, temperature': ['generate', (temperature) => generate(model, { length: 1, temperature })],
  'generate, topP': ['generate', (topP) => generate(model, { length: 1, topP })],
  'generate, minP': ['generate', (minP) => generate(model, { length: 1, minP })],
};

describe.each(Object.entries(calls))('%s', (_, [operation, call]) => {
  it.each(Object.entries(wrongs))('refuses %s', (_, wrong) => {
    let thrown: unknown;
    try {
      call(wrong);
    } catch (error) {
      thrown = error;
    }
    expect([RangeError, TypeError].some((kind) => thrown instanceof kind)).toBe(true);
    expect((thrown as Error).message).toMatch(new RegExp(`^${operation}: .+[.]$`));
  });
});
