/** A model that its program trains: it shows and answers, and learns from nobody else. */
import { afterEach, expect, it } from 'vitest';
import { vocabulary } from '../../src/index.js';
import { languageModel } from '../../src/models/language-model.js';
import { trainedModel } from '../../src/serve/trained-model.js';
import { endAll, peer, served } from './servers.js';

afterEach(async () => {
  expect(await endAll()).toEqual([]);
});

async function training() {
  const vocab = vocabulary('abc ');
  let saves = 0;
  const trained = trainedModel({
    model: languageModel({ symbols: vocab.size, units: 4, embed: 0 }),
    vocab,
    step: 0,
    rate: () => 0.1,
    async save() {
      saves += 1;
    },
  });
  const server = await served({ models: { training: trained.live } });
  return { trained, server, a: await peer(server), saves: () => saves };
}

it('says that it learns from no client, and refuses what is pushed by what is wrong and what to do', async () => {
  const { server, a } = await training();
  expect((await a.next({ type: 'hello' })).models).toMatchObject([{ learnsFor: false, learning: true }]);
  expect(await (await fetch(`${server.url}/model?name=training`)).json()).toMatchObject({ learnsFor: false });
  const refused = { code: 'learning-off', message: expect.stringMatching(/trained on.*oxbow serve/) };
  a.say({ type: 'learn', id: 'l', text: 'abc' });
  expect(await a.next({ id: 'l' })).toMatchObject(refused);
  const over = await fetch(`${server.url}/learn`, { method: 'POST', body: '{"text":"abc"}' });
  expect([over.status, await over.json()]).toMatchObject([403, refused]);
  a.say({ type: 'lines', id: 's' });
  expect(await a.next({ id: 's' })).toMatchObject({ type: 'error', code: 'learning-off' });
});

it('generates, scores, shows its units, and its updates as they are made', async () => {
  const { trained, a } = await training();
  trained.updated({ step: 3, loss: Math.LN2, symbols: 7 });
  a.say({ type: 'metrics', id: 'm' });
  expect(await a.next({ id: 'm' })).toMatchObject({ step: 3, bitsPerSymbol: 1, learnt: 7, learning: true });
  a.say({ type: 'generate', id: 'g', prompt: 'ab', length: 5 });
  expect(await a.next({ type: 'done' })).toMatchObject({ symbols: 5 });
  a.say({ type: 'score', id: 'p', text: 'abc' });
  expect((await a.next({ id: 'p' })).bits).toHaveLength(3);
  a.say({ type: 'units', id: 'u', text: 'ab' });
  expect(await a.next({ id: 'u' })).toMatchObject({ type: 'units' });
});

it('has its rate changed, and is saved where something was learnt', async () => {
  const { trained, a, saves } = await training();
  a.say({ type: 'control', id: 'r', learningRate: 0.05, save: true });
  expect(await a.next({ id: 'r' })).toMatchObject({ learningRate: 0.05, saved: false });
  expect(trained.factor).toBe(0.5);
  trained.updated({ step: 1, loss: 1, symbols: 1 });
  a.say({ type: 'control', id: 's', save: true });
  expect(await a.next({ id: 's' })).toMatchObject({ saved: true });
  expect(saves()).toBe(2);
});
