/** Values of another kind than a function or an operator takes: refused by the name of what was called, and never by a stumble of JavaScript's own. */
import * as oxbow from 'oxbow';
import { connect } from 'oxbow/client';
import { encodeModel, exportModel, importModel } from 'oxbow/interchange';
import { serve } from 'oxbow/serve';
import { lastValueFrom, type OperatorFunction, of } from 'rxjs';
import { describe, expect, it } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: given what it does not take.
type Any = any;

const wrongs = { null: null, undefined, 'a number': 7, 'a text': 'what', 'a list': ['a', 'b'], 'a record': {} };

const net = () => oxbow.stack({ embed: oxbow.embedding(3, 2), head: oxbow.dense(2, 3) }, { seed: 1 });
const tagger = () => oxbow.tagger({ words: ['a'], tags: ['O'], units: 2, bidirectional: false, seed: 1 });
const options = () => ({ loss: oxbow.crossEntropy(), optimizer: oxbow.sgd(0.1) });
const vocab = oxbow.vocabulary('ab');
const x = oxbow.ids([1, 1], [0]);

/** Of each function an argument, and which of the wrong kinds it takes nevertheless. */
const functions: Readonly<Record<string, readonly [call: (wrong: Any) => unknown, takes?: readonly string[]]>> = {
  'evaluate, a model': [(wrong) => oxbow.evaluate(wrong, {}, x)],
  'scanCarry, a model': [(wrong) => oxbow.scanCarry(wrong)],
  'layer, a core': [(wrong) => oxbow.layer(wrong)],
  'stack, layers': [(wrong) => oxbow.stack({ a: wrong })],
  'stacked, layers': [(wrong) => oxbow.stacked(wrong)],
  'stepper, a model': [(wrong) => oxbow.stepper(wrong)],
  'masked, a layer': [(wrong) => oxbow.masked(wrong)],
  'residual, a layer': [(wrong) => oxbow.residual(wrong)],
  'highway, a layer': [(wrong) => oxbow.highway(wrong)],
  'tied, an embedding': [(wrong) => oxbow.tied(wrong)],
  'mogrifier, a cell': [(wrong) => oxbow.mogrifier(wrong)],
  'unroll, a cell': [(wrong) => oxbow.unroll(wrong)],
  'bidirectional, a layer': [(wrong) => oxbow.bidirectional(oxbow.lstm(2, 2), wrong)],
  'trainer, a model': [(wrong) => oxbow.trainer(wrong, options())],
  'trainer, a window': [(wrong) => oxbow.trainer(net(), options()).learn(wrong), ['a record']],
  'gradientNorms, a model': [
    (wrong) => oxbow.gradientNorms(wrong, { ...options(), input: x, target: x, carry: {} } as Any),
  ],
  'generate, a model': [(wrong) => oxbow.generate(wrong, { length: 1 })],
  'generateFrom, a model': [(wrong) => oxbow.generateFrom(wrong, x, { length: 1 })],
  'generateIterable, a model': [(wrong) => oxbow.generateIterable(wrong, x, { length: 1 })],
  'surprisal, a model': [(wrong) => oxbow.surprisal(wrong)],
  'dynamicEvaluation, a model': [(wrong) => oxbow.dynamicEvaluation(wrong, { learningRate: 1 })],
  'gradientSquares, a model': [(wrong) => oxbow.gradientSquares(wrong)],
  'tokenizerFrom, a file': [(wrong) => oxbow.tokenizerFrom(wrong), ['a text']],
  'decodeGreedy, a model': [(wrong) => oxbow.decodeGreedy(wrong, x, { start: 0, steps: 1 })],
  'decodeBeam, a model': [(wrong) => oxbow.decodeBeam(wrong, x, { start: 0, steps: 1, end: 1, width: 1 })],
  'resetLanes, flags': [(wrong) => oxbow.resetLanes(net(), net().initial(1), wrong), ['a list']],
  'distribution, logits': [(wrong) => oxbow.distribution(wrong), ['a list']],
  'encodeCheckpoint, a checkpoint': [(wrong) => oxbow.encodeCheckpoint(wrong)],
  'saveCheckpoint, a checkpoint': [(wrong) => oxbow.saveCheckpoint('none/a', wrong)],
  'decodeCheckpoint, bytes': [(wrong) => oxbow.decodeCheckpoint(wrong)],
  'loadWeights, tensors': [(wrong) => oxbow.loadWeights(net().params, wrong), ['a record']],
  'taggerCheckpoint, a model': [(wrong) => oxbow.taggerCheckpoint(wrong)],
  'saveTagger, a model': [(wrong) => oxbow.saveTagger(wrong, 'none/a')],
  'restoreTagger, a model': [(wrong) => oxbow.restoreTagger(wrong, oxbow.taggerCheckpoint(tagger()))],
  'taggerTrainer, a model': [(wrong) => oxbow.taggerTrainer(wrong, { optimizer: oxbow.sgd(0.1) })],
  'predictTags, a model': [(wrong) => oxbow.predictTags(wrong, oxbow.pending({ capacity: 1 }))],
  'tagger, utterances': [(wrong) => tagger().tag([wrong]), ['a list']],
  'tagger, examples': [(wrong) => tagger().grow([{ words: wrong, tags: ['O', 'O'] }]), ['a list']],
  'chunksOf, tags': [(wrong) => oxbow.chunksOf(wrong), ['a list']],
  'slotsOf, words': [(wrong) => oxbow.slotsOf(wrong)],
  'scoreSlots, predictions': [(wrong) => oxbow.scoreSlots(wrong, [])],
  'correctTags, words': [(wrong) => oxbow.correctTags(wrong, ['O', 'O'], []), ['a list']],
  'correctTags, corrections': [(wrong) => oxbow.correctTags(['a'], ['O'], wrong)],
  'vocabulary, symbols': [(wrong) => oxbow.vocabulary(wrong), ['a text', 'a list']],
  'importModel, a file': [(wrong) => importModel(wrong), ['a text']],
  'encodeModel, a model': [(wrong) => encodeModel(wrong, { format: 'pytorch' })],
  'exportModel, a model': [(wrong) => exportModel(wrong, 'none/a.safetensors')],
  'exportModel, a path': [(wrong) => exportModel(net(), wrong), ['a text']],
  'connect, a URL': [(wrong) => connect(wrong), ['a text']],
  'serve, models': [(wrong) => serve({ models: wrong, port: 0 })],
  'serve, a model': [(wrong) => serve({ models: { alice: wrong }, port: 0 })],
  'fromText, a text': [(wrong) => oxbow.fromText(wrong), ['a text']],
  'fromReadable, a stream': [(wrong) => oxbow.fromReadable(wrong), ['a text', 'a list']],
  'fromWebStream, a stream': [(wrong) => oxbow.fromWebStream(wrong), ['a text', 'a list']],
  'padded, sequences': [(wrong) => oxbow.padded(wrong)],
  'finish, a task': [(wrong) => oxbow.finish(wrong)],
  'inTurns, a task': [(wrong) => oxbow.inTurns(wrong, oxbow.timeSlice(1))],
};

/** Each operator, and which of the wrong kinds it takes nevertheless. */
const operators: Readonly<
  Record<string, readonly [make: () => OperatorFunction<Any, unknown>, takes?: readonly string[]]>
> = {
  tbptt: [() => oxbow.tbptt(net(), options())],
  gradientSquares: [() => oxbow.gradientSquares(net())],
  generate: [() => oxbow.generate(net(), { length: 1 })],
  // A number is one step of one id.
  windows: [() => oxbow.windows({ length: 1 }), ['a number']],
  argmax: [() => oxbow.argmax()],
  text: [() => oxbow.text(vocab)],
  tokens: [() => oxbow.tokens(oxbow.vocabulary('what')), ['a text']],
  wellFormed: [() => oxbow.wellFormed(), ['a text']],
  predictTags: [() => oxbow.predictTags(tagger(), oxbow.pending({ capacity: 1 }))],
  slots: [() => oxbow.slots(), ['a record']],
};

async function refusal(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return 'it was taken';
}

const cases = (takes: readonly string[] = []) => Object.entries(wrongs).filter(([kind]) => !takes.includes(kind));

describe.each(Object.entries(functions))('%s', (name, [call, takes]) => {
  it.each(cases(takes))('is not %s', async (_, wrong) => {
    const error = await refusal(() => call(wrong));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(
      new RegExp(`^${name.replace(/,.*/, '')}: takes .*, (?:but got|not) .*; .*\\.$`),
    );
  });
});

describe.each(Object.entries(operators))('%s', (name, [make, takes]) => {
  it.each(cases(takes))('takes no %s', async (_, wrong) => {
    const error = await refusal(() => lastValueFrom(of(wrong).pipe(make())));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(new RegExp(`^${name}: .*, but got .*; .*\\.$`));
  });
});

const wide = { shape: [1], type: 'float64', data: new Float64Array(1) } as const;
it.each<readonly [name: string, call: () => unknown]>([
  ['encodeCheckpoint', () => oxbow.encodeCheckpoint({ tensors: { wide }, metadata: {} })],
  ['saveCheckpoint', () => oxbow.saveCheckpoint('none/a', { tensors: { wide }, metadata: {} })],
  ['saveCheckpoint', () => oxbow.saveCheckpoint('none/a', { tensors: {}, metadata: { a: 1 as Any } })],
  ['saveCheckpoint', () => oxbow.saveCheckpoint('none/a', { tensors: { __metadata__: x }, metadata: {} })],
  ['saveTagger', () => oxbow.saveTagger(tagger(), 'none/a', { trainer: { step: 1, slots: { wide } } } as Any)],
  ['distribution', () => oxbow.distribution([Number.NaN])],
  ['resetLanes', () => oxbow.resetLanes(oxbow.lstm(2, 2), oxbow.lstm(2, 2).initial(1), [true, false])],
])('what %s writes or works on is refused by its name', async (name, call) => {
  expect(((await refusal(call)) as Error).message).toMatch(new RegExp(`^${name}: `));
});
