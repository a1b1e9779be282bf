import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { dense, languageModel, layer, oneHot, scanCarry, stack, vocabulary } from '../../src/index.js';
import type { Core } from '../../src/layer.js';
import { ServeError } from '../../src/protocol/problem.js';
import { hiddenUnits, type UnitChoice, type UnitsOverText } from '../../src/serve/hidden-units.js';
import { type Ids, ids, type Tensor, tensor } from '../../src/tensor.js';

const vocab = vocabulary('ab "\n', { unknown: 'skip' });
const model = languageModel({ symbols: vocab.size, cell: 'lstm', units: 6, embed: 0, seed: 3 });

function look(of: Core<unknown, Ids, Tensor>, text: string, choice: UnitChoice = {}): UnitsOverText {
  const steps = hiddenUnits(of, vocab, text, choice);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** A model one of whose units is inside quotes: it counts them, as a textbook would have it. */
const quoting = stack({
  count: layer({
    kind: 'quoting',
    params: {},
    initial: (batch) => ({
      other: tensor([batch, 1], new Float32Array(batch)),
      state: tensor([batch, 2], new Float32Array(2 * batch)),
    }),
    apply(ops, carry: { other: Tensor; state: Tensor }, x: Ids) {
      const isQuote = x.data[0] === vocab.encode('"')[0];
      const [inside, steps] = carry.state.data as Float32Array;
      const state = tensor([1, 2], [isQuote ? 1 - (inside as number) : (inside as number), (steps as number) + 1]);
      return [ops.reshape(ops.affine(tensor([1, 1, 2], state.data), 1, 0), [1, 1, 2]), { other: carry.other, state }];
    },
  }),
  head: dense(2, vocab.size),
});

describe('hiddenUnits', () => {
  it('gives what the carry is after each symbol, and null where the model passes one over', () => {
    const text = 'ab Zba';
    const found = look(model, text, { unit: { part: 'rnn.layer1.c', unit: 4 } });
    expect(found.parts).toEqual([
      { part: 'rnn.layer1.h', units: 6 },
      { part: 'rnn.layer1.c', units: 6 },
    ]);
    const carries: number[] = [];
    from(Array.from(vocab.encode(text), (id) => ids([1, 1], [id])))
      .pipe(scanCarry(model))
      .subscribe(({ carry }) => {
        carries.push((carry as { rnn: { layer1: { c: Tensor } } }).rnn.layer1.c.data[4] as number);
      });
    const { activations } = found.shown;
    expect(activations[3]).toBeNull();
    const known = activations.filter((value) => value !== null);
    expect(known).toHaveLength(5);
    for (const [k, value] of known.entries()) expect(value).toBeCloseTo(carries[k] as number, 3);
  });

  it('finds the unit that tracks quotes', () => {
    const { features, shown } = look(quoting, 'a "ba" b "a" b\n', { feature: 'quotes' });
    const best = features.find(({ feature }) => feature === 'quotes')?.best[0];
    expect(best).toEqual({ part: 'count.state', unit: 0, correlation: 1 });
    expect(shown).toMatchObject({ part: 'count.state', unit: 0 });
    expect(shown.activations.slice(0, 7)).toEqual([0, 0, 1, 1, 1, 0, 0]);
  });

  it('names no feature that does not vary', () => {
    expect(look(model, 'abab').features.map(({ feature }) => feature)).toEqual(['line length', 'word length']);
  });

  it.each<[string, Core<unknown, Ids, Tensor>, string, UnitChoice, object]>([
    ['a part that is not there', model, 'ab', { unit: { part: 'rnn.h', unit: 0 } }, { code: 'invalid', field: 'unit' }],
    [
      'a unit that is not there',
      model,
      'ab',
      { unit: { part: 'rnn.layer1.h', unit: 6 } },
      { code: 'invalid', field: 'unit' },
    ],
    ['a text of unknown symbols', model, 'XYZ', {}, { code: 'invalid', field: 'text' }],
    [
      'a model without a carry',
      stack({ symbols: oneHot(vocab.size), head: dense(vocab.size, vocab.size) }),
      'ab',
      {},
      { code: 'wrong-task' },
    ],
  ])('refuses %s', (_, of, text, choice, error) => {
    expect(() => look(of, text, choice)).toThrow(expect.objectContaining(error));
    expect(() => look(of, text, choice)).toThrow(ServeError);
  });
});
