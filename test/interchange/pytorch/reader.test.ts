/** Files that real PyTorch wrote, read where there is none; golden/make_pytorch.py made them. And what is refused, by its name and place. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  bidirectional,
  type Core,
  dense,
  encodeCheckpoint,
  evaluate,
  gru,
  type Ids,
  ids,
  loadWeights,
  lstm,
  OxbowError,
  sequential,
  stack,
  stacked,
  tensor,
  weightsOf,
} from 'oxbow';
import { encodeModel, importModel } from 'oxbow/interchange';
import { describe, expect, it } from 'vitest';

const pathOf = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(pathOf(name)));
const facts = JSON.parse(readFileSync(pathOf('char-rnn.json'), 'utf8'));

async function refusal(run: () => Promise<unknown>): Promise<string> {
  const error = await run().then(
    () => expect.unreachable('it was taken'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(OxbowError);
  return (error as Error).message;
}

describe('a file of torch.save', () => {
  it.each(['char-rnn.pt', 'prefixed.pth', 'training.pt', 'parameters.pt', 'deflated.pt'])(
    '%s is the model that PyTorch ran',
    async (name) => {
      const model = await importModel<Core<unknown, Ids>>(pathOf(name));
      const [y] = evaluate(model, model.initial(2), ids([4, 2], facts.ids.flat()));
      expect(y.shape).toEqual(facts.outputs.shape);
      for (const [k, value] of facts.outputs.data.entries()) expect(y.data[k]).toBeCloseTo(value, 5);
    },
  );

  it('says by its modules what it is', async () => {
    const model = await importModel<Core<unknown, Ids>>(bytesOf('char-rnn.pt'));
    expect(Object.keys(model.params)).toEqual(['encoder', 'rnn', 'decoder']);
  });

  it.each([
    ['half.pt', [1.5, 0, -2, 65504, 0.25, -0.125], [2 ** -24, -1]],
    ['half.safetensors', [1.5, 0, -2, 65504, 0.25, -0.125], [2 ** -24, -1]],
    ['bfloat16.pt', [1.5, 0, -2, 65536, 0.25, -0.125], [2 ** -24, -1]],
    ['double.pt', [1.5, 0, -2, 65504, 0.25, -0.125], [2 ** -24, -1]],
  ])('%s becomes float32', async (name, w, b) => {
    const model = await importModel<Core<unknown>>(bytesOf(name));
    const { w: weight, b: bias } = weightsOf(model.params);
    expect([[...(weight?.data ?? [])], [...(bias?.data ?? [])]]).toEqual([w, b]);
  });

  it.each([
    ['long.pt', /^importModel: PyTorch: the bytes: weight: it is of int64, and weights are of float32/],
    [
      'whole-module.pt',
      /data\.pkl: it asks for the global torch\.nn\.modules\.linear\.Linear.*at byte \d+; .*state_dict/,
    ],
    ['old.pt', /no zip file, as PyTorch wrote before 1\.6/],
    ['a-list.pt', /it has no state_dict; torch\.save/],
    ['expanded.pt', /weight: \[2, 3\] with strides \[0, 0\] does not lie within its storage of 1 numbers/],
  ])('%s is refused by name', async (name, message) => {
    expect(await refusal(() => importModel(bytesOf(name)))).toMatch(message);
  });

  it('that was damaged anywhere is refused, or is what it was', async () => {
    const whole = bytesOf('half.pt');
    const sound = weightsOf((await importModel<Core<unknown>>(whole)).params);
    for (let at = 0; at < whole.length; at += 3) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ 0x15;
      await importModel<Core<unknown>>(bytes).then(
        ({ params }) => expect(weightsOf(params)).toEqual(sound),
        (error) => expect(error).toBeInstanceOf(OxbowError),
      );
    }
  });
});

const fileOf = (shapes: Readonly<Record<string, readonly number[]>>) =>
  encodeCheckpoint({
    tensors: Object.fromEntries(
      Object.entries(shapes).map(([name, shape], seed) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [
          name,
          tensor(
            shape,
            Float32Array.from({ length: size }, (_, k) => Math.sin(k + seed)),
          ),
        ];
      }),
    ),
    metadata: {},
  });

describe('what the tensors are of', () => {
  it.each([
    [
      'two linear maps',
      { 'a.weight': [3, 2], 'a.bias': [3], 'b.weight': [2, 3], 'b.bias': [2] },
      /could be a\.dense\(2, 3\) → b\.dense\(3, 2\) or b\.dense/,
    ],
    [
      'a matrix alone',
      { weight: [3, 2] },
      /could be embedding\(3, 2\) or dense\(2, 3, \{"bias":false\}\); say by `as`/,
    ],
    [
      'an RNN',
      { weight_ih_l0: [3, 2], weight_hh_l0: [3, 3] },
      /simpleRnn\(2, 3\) or simpleRnn\(2, 3, \{"activation":"relu"\}\)/,
    ],
    ['attention', { in_proj_weight: [12, 4], 'out_proj.weight': [4, 4] }, /heads.*say by `as`/],
    [
      'a map to nothing',
      { weight: [0, 3], bias: [0] },
      /^importModel: PyTorch: the bytes: .*units is a whole number of at least 1/,
    ],
    ['no chain', { 'a.weight': [5, 2], 'a.bias': [5], 'b.weight': [7, 3], 'b.bias': [7] }, /are no chain/],
    [
      'a projected LSTM',
      { weight_ih_l0: [12, 2], weight_hh_l0: [12, 3], weight_hr_l0: [3, 3] },
      /projections \(proj_size\)/,
    ],
  ] as const)('is not guessed: %s', async (_, shapes, message) => {
    expect(await refusal(() => importModel(fileOf(shapes)))).toMatch(message);
  });

  it('is found by shapes where names are other ones', async () => {
    const shapes = {
      'x.y.weight_ih_l0': [12, 2],
      'x.y.weight_hh_l0': [12, 3],
      'out.0.weight': [5, 3],
      'out.0.bias': [5],
    };
    const model = await importModel<Core<unknown>>(fileOf(shapes), {
      as: stack({ rnn: lstm(2, 3), head: dense(3, 5) }),
    });
    expect(weightsOf(model.params)['head.w']?.shape).toEqual([3, 5]);
  });

  it('goes by the numbers of nn.Sequential', async () => {
    const shapes = {
      '0.weight': [3, 3],
      '0.bias': [3],
      '2.weight': [3, 3],
      '2.bias': [3],
      '10.weight': [3, 3],
      '10.bias': [3],
    };
    const bytes = fileOf(shapes);
    const as = sequential([dense(3, 3, { activation: 'tanh' }), dense(3, 3), dense(3, 3)]);
    const weights = weightsOf((await importModel<Core<unknown>>(bytes, { as })).params);
    const biasOf = (seed: number) => [0, 1, 2].map((k) => Math.fround(Math.sin(k + seed)));
    expect(['dense1.b', 'dense2.b', 'dense3.b'].map((path) => [...(weights[path]?.data ?? [])])).toEqual(
      [1, 3, 5].map(biasOf),
    );
  });

  it('has two candidates where two layers are alike', async () => {
    const bytes = fileOf({ 'a.weight': [3, 3], 'a.bias': [3], 'b.weight': [3, 3], 'b.bias': [3] });
    const as = stack({ one: dense(3, 3), two: dense(3, 3) });
    expect(await refusal(() => importModel(bytes, { as }))).toMatch(
      /a could be one and b two, or b one and a two, .*name the layers of `as` as the file does/,
    );
  });

  it.each([
    ['too few tensors', { 'rnn.weight_ih_l0': [12, 2] }, /lacks .*rnn\.weight_hh_l0/],
    [
      'one of another shape',
      { 'rnn.weight_ih_l0': [12, 2], 'rnn.weight_hh_l0': [12, 3], 'head.weight': [4, 3], 'head.bias': [5] },
      /head\.weight: it is \[4, 3\], and head takes \[5, 3\]/,
    ],
    [
      'one bias of two',
      {
        'rnn.weight_ih_l0': [12, 2],
        'rnn.weight_hh_l0': [12, 3],
        'rnn.bias_ih_l0': [12],
        'head.weight': [5, 3],
        'head.bias': [5],
      },
      /rnn\.bias_hh_l0: it is missing beside rnn\.bias_ih_l0/,
    ],
    [
      'one too many',
      { 'rnn.weight_ih_l0': [12, 2], 'rnn.weight_hh_l0': [12, 3], 'head.weight': [5, 3], 'head.bias': [5], extra: [1] },
      /it has extra, for which the model has no place/,
    ],
  ] as const)('is refused with %s', async (_, shapes, message) => {
    const as = stack({ rnn: lstm(2, 3), head: dense(3, 5) });
    expect(await refusal(() => importModel(fileOf(shapes), { as }))).toMatch(message);
  });
});

describe('what PyTorch has no module for', () => {
  it.each([
    ['peepholes', () => stack({ rnn: lstm(2, 3, { peepholes: true }) }), /rnn: peepholes: PyTorch's LSTM has none/],
    ['layer normalisation', () => lstm(2, 3, { layerNorm: true }), /layerNorm: PyTorch's LSTM normalises nothing/],
    ['a reset before', () => gru(2, 3, { reset: 'before' }), /reset: PyTorch's GRU resets after/],
    ['coupled gates', () => lstm(2, 3, { forget: 'coupled' }), /forget: .*'coupled'/],
    ['residual links', () => stacked([gru(3, 3), gru(3, 3)], { residual: true }), /residual/],
    ['directions of two kinds', () => bidirectional(gru(2, 3), lstm(2, 3)), /both directions/],
    ['a name that modules have', () => stack({ train: dense(2, 2) }), /no part named "train"/],
    ['padding', () => sequential([dense(2, 2)], { padding: 0 }), /padding/],
  ] as const)('is refused by name: %s', async (_, make, message) => {
    expect(await refusal(() => encodeModel(make() as never, { format: 'pytorch' }))).toMatch(/^exportModel: PyTorch: /);
    expect(await refusal(() => encodeModel(make() as never, { format: 'pytorch' }))).toMatch(message);
  });
});

describe('tied weights', () => {
  it('are refused where they are two', async () => {
    const { gpt } = await import('oxbow');
    const model = gpt({ symbols: 5, context: 4, features: 4, heads: 2, blocks: 1, tied: true, seed: 1 });
    const [file] = await encodeModel(model, { format: 'pytorch' });
    const { decodeCheckpoint } = await import('oxbow');
    const { tensors } = decodeCheckpoint(file?.bytes as Uint8Array);
    const as = model;
    const without = Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== 'head.weight'));
    const again = await importModel<typeof model>(encodeCheckpoint({ tensors: without, metadata: {} }), { as });
    expect(weightsOf(again.params)).toEqual(weightsOf(model.params));
    const other = { ...tensors, 'head.weight': tensor([5, 4], new Float32Array(20)) };
    expect(await refusal(() => importModel(encodeCheckpoint({ tensors: other, metadata: {} }), { as }))).toMatch(
      /tied to embed\.table/,
    );
    loadWeights(model.params, weightsOf(again.params));
  });
});
