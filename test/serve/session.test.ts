import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { asAnswer } from '../../src/protocol/check.js';
import { requests } from '../../src/protocol/messages.js';
import { endAll, language, peer, reader, served, until } from './servers.js';

afterEach(async () => {
  expect(await endAll()).toEqual([]);
});

const text = (messages: readonly { readonly text?: string; readonly type: string }[]) =>
  messages
    .filter(({ type }) => type === 'symbols')
    .map((message) => message.text)
    .join('');

describe('a session', () => {
  it('says what a server serves, learns, generates, scores and cancels, each under its id', async () => {
    const server = await served();
    const a = await peer(server);
    expect(await a.next({ type: 'hello' })).toMatchObject({
      protocol: 1,
      models: [{ name: 'alice', task: 'language', learnsFor: true }],
    });
    a.say({ type: 'learn', id: 'l', text: 'the river bends and bends' });
    expect(await a.next({ id: 'l' })).toMatchObject({ type: 'accepted', symbols: 25, model: 'alice' });
    a.say({ type: 'generate', id: 'g', prompt: 'the ', length: 12, seed: 1, surprisal: true });
    expect(await a.next({ type: 'done', id: 'g' })).toMatchObject({ reason: 'length', symbols: 12 });
    expect(text(a.heard.filter((one) => 'id' in one && one.id === 'g'))).toHaveLength(12);
    a.say({ type: 'score', id: 's', text: 'river' });
    expect((await a.next({ id: 's' })).bits).toHaveLength(5);
    a.say({ type: 'generate', id: 'long', prompt: '', length: 10_000, rate: 1000 });
    await a.next({ type: 'symbols', id: 'long' });
    a.say({ type: 'cancel', id: 'long' });
    expect(await a.next({ type: 'done', id: 'long' })).toMatchObject({ reason: 'cancelled' });
    a.say({ type: 'metrics', id: 'm', everyMs: 100 });
    await a.next({ type: 'metrics', id: 'm' });
    expect(await a.next({ type: 'metrics', id: 'm' })).toMatchObject({ clients: 1, active: 0, queued: 0 });
    a.say({ type: 'cancel', id: 'm' });
    await a.next({ type: 'cancelled', id: 'm' });
    for (const message of a.heard) expect(() => asAnswer(message)).not.toThrow();
  });

  it('ends at a stop', async () => {
    const a = await peer(await served());
    const all = [...' abcdefghijklmnopqrstuvwxyz'].concat([...'ABCDEFGHIJKLM']);
    a.say({ type: 'generate', id: 'g', prompt: 'x', length: 5000, seed: 2, stop: all.slice(0, 16) });
    expect(await a.next({ type: 'done' })).toMatchObject({ reason: 'stop' });
    expect(text(a.heard)).not.toMatch(/[ a-o]/);
  });

  it('tags words as they arrive, and learns corrections at once', async () => {
    const a = await peer(await served({ models: { slots: await reader(), alice: await language() } }));
    a.say({ type: 'tag', id: 't', words: ['go'] });
    expect(await a.next({ id: 't' })).toMatchObject({ final: false, words: [{ word: 'go', position: 0 }] });
    a.say({ type: 'tag', id: 't', words: ['to', 'taipei'], end: true });
    const { utterance } = await a.next({ id: 't', final: true });
    a.say({ type: 'correct', id: 'c', utterance, corrections: [{ slot: 'toloc', words: 'taipei' }] });
    expect(await a.next({ id: 'c' })).toMatchObject({
      type: 'corrected',
      step: 1,
      tags: [expect.any(String), expect.any(String), 'B-toloc'],
    });
    a.say({ type: 'correct', id: 'd', utterance: 'none' });
    expect(await a.next({ id: 'd' })).toMatchObject({ type: 'error', code: 'not-found', field: 'utterance' });
  });

  it('changes how a model learns', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'serve-'));
    const alice = await language({ folder });
    const a = await peer(await served({ models: { alice } }));
    a.say({ type: 'learn', id: 'l', text: 'something to be learnt and kept' });
    await until(() => alice.step > 0);
    a.say({ type: 'control', id: 'c', learning: false, learningRate: 0.5, save: true });
    expect(await a.next({ id: 'c' })).toMatchObject({ learning: false, learningRate: 0.5, saved: true });
    a.say({ type: 'learn', id: 'n', text: 'x' });
    expect(await a.next({ id: 'n' })).toMatchObject({ code: 'learning-off' });
    await endAll();
    rmSync(folder, { recursive: true });
  });

  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  it.each<[string, object | string | Buffer, object]>([
    ['no JSON', 'not json', { code: 'malformed' }],
    ['nothing', '', { code: 'malformed' }],
    ['a list', '[]', { code: 'malformed' }],
    ['null', 'null', { code: 'malformed' }],
    ['lists in lists', deep, { code: 'malformed' }],
    ['a binary frame', Buffer.from('{}'), { code: 'malformed' }],
    ['no type', '{}', { code: 'invalid', field: 'type' }],
    ['a type that there is not', { type: 'constructor' }, { code: 'invalid', field: 'type' }],
    ['an answer', { type: 'hello' }, { code: 'invalid', field: 'type' }],
    ['no id', { type: 'generate', prompt: 'a' }, { code: 'invalid', field: 'id' }],
    ['an id that is a number', { type: 'generate', id: 3, prompt: 'a' }, { code: 'invalid', field: 'id' }],
    ['no prompt', { type: 'generate', id: 'a' }, { id: 'a', code: 'invalid', field: 'prompt' }],
    [
      'a temperature below 0',
      { type: 'generate', id: 'a', prompt: '', temperature: -1 },
      { id: 'a', field: 'temperature' },
    ],
    ['a length of a half', { type: 'generate', id: 'a', prompt: '', length: 0.5 }, { id: 'a', field: 'length' }],
    [
      'a length beyond',
      { type: 'generate', id: 'a', prompt: '', length: 1e9 },
      { id: 'a', code: 'invalid', field: 'length' },
    ],
    ['an empty stop', { type: 'generate', id: 'a', prompt: '', stop: ['b', ''] }, { id: 'a', field: 'stop[1]' }],
    [
      'a field that there is not',
      { type: 'score', id: 'a', text: '', __proto__x: 1 },
      { id: 'a', field: '__proto__x' },
    ],
    [
      'a model that there is not',
      { type: 'score', id: 'a', text: '', model: 'bob' },
      { id: 'a', code: 'not-found', field: 'model' },
    ],
    [
      'a model of another task',
      { type: 'tag', id: 'a', words: [], model: 'alice' },
      { id: 'a', code: 'wrong-task', field: 'model' },
    ],
    ['a word that is none', { type: 'tag', id: 'a', words: ['b', 3] }, { id: 'a', field: 'words[1]' }],
    [
      'a correction that is none',
      { type: 'correct', id: 'a', utterance: '#0', corrections: [{ slot: 'b' }] },
      { id: 'a', code: 'invalid' },
    ],
    ['an id to cancel that is not under way', { type: 'cancel', id: 'a' }, { id: 'a', code: 'not-found', field: 'id' }],
    ['figures too often', { type: 'metrics', id: 'a', everyMs: 1 }, { id: 'a', field: 'everyMs' }],
    ['a rate that is none', { type: 'control', id: 'a', learningRate: 'fast' }, { id: 'a', field: 'learningRate' }],
    ['no text to learn', { type: 'learn', text: '' }, { code: 'invalid', field: 'text' }],
  ])('answers %s by an error, and goes on', async (_, message, error) => {
    const a = await peer(await served({ models: { alice: await language(), slots: await reader() } }));
    a.say(message);
    expect(await a.next({ type: 'error' })).toMatchObject(error);
    a.say({ type: 'score', id: 'after', text: 'ab' });
    expect(await a.next({ id: 'after' })).toMatchObject({ type: 'scored' });
  });

  it.each<[string, (a: Awaited<ReturnType<typeof peer>>) => void, number]>([
    ['a frame larger than a message may be', (a) => a.say('x'.repeat(65_537)), 1009],
    ['a text frame that is no UTF-8', (a) => a.socket.send(Buffer.from([0xff, 0xfe]), { binary: false }), 1007],
  ])('is closed by %s, and the server goes on', async (_, run, code) => {
    const server = await served();
    const a = await peer(server);
    run(a);
    expect(await a.closed).toBe(code);
    const b = await peer(server);
    await b.next({ type: 'hello' });
  });

  it.each<[string, object, (a: Awaited<ReturnType<typeof peer>>) => void, object]>([
    [
      'requests at a time',
      { perSession: 2 },
      (a) => {
        for (const id of ['a', 'b', 'c']) a.say({ type: 'metrics', id });
      },
      { id: 'c', code: 'overloaded', retryAfter: 1 },
    ],
    [
      'sources',
      { perSession: 2 },
      (a) => {
        for (const source of ['a', 'b', 'c']) a.say({ type: 'learn', id: source, source, text: 'x' });
      },
      { id: 'c', code: 'overloaded' },
    ],
    [
      'an id under way',
      {},
      (a) => {
        for (let k = 0; k < 2; k += 1) a.say({ type: 'metrics', id: 'a' });
      },
      { id: 'a', code: 'in-use', field: 'id' },
    ],
    [
      'requests a second',
      { requestsPerSecond: 0.001, burst: 3 },
      (a) => {
        for (let k = 0; k < 3; k += 1) a.say({ type: 'score', id: `${k}`, text: 'a' });
      },
      { code: 'rate-limited', retryAfter: expect.any(Number) },
    ],
    [
      'what is learnt a minute',
      { learnPerMinute: 10 },
      (a) => {
        for (let k = 0; k < 2; k += 1) a.say({ type: 'learn', id: `${k}`, text: 'abcdefgh' });
      },
      { id: '1', code: 'quota', retryAfter: expect.any(Number) },
    ],
    [
      'words of an utterance',
      {},
      (a) => {
        for (let k = 0; k < 2; k += 1) a.say({ type: 'tag', id: 'a', words: Array(200).fill('to') });
      },
      { id: 'a', code: 'too-large', field: 'words' },
    ],
  ])('has a limit of %s', async (_, limits, run, error) => {
    const a = await peer(await served({ limits, models: { alice: await language(), slots: await reader() } }));
    run(a);
    expect(await a.next({ type: 'error' })).toMatchObject(error);
    expect(a.socket.readyState).toBe(a.socket.OPEN);
  });

  it('lets generations wait in a line, and refuses what is beyond', async () => {
    const a = await peer(await served({ models: { alice: await language({ atOnce: 1, queue: 1 }) } }));
    for (const id of ['a', 'b', 'c']) a.say({ type: 'generate', id, prompt: '', length: 5000, rate: 1000 });
    expect(await a.next({ type: 'error' })).toMatchObject({ id: 'c', code: 'overloaded', retryAfter: 1 });
    a.say({ type: 'cancel', id: 'a' });
    await a.next({ type: 'symbols', id: 'b' });
  });

  it('ends what a client asked for when it goes, what was queued too', async () => {
    const alice = await language({ atOnce: 1 });
    const server = await served({ models: { alice } });
    const a = await peer(server);
    for (const id of ['a', 'b', 'c']) a.say({ type: 'generate', id, prompt: '', length: 10_000, rate: 100 });
    a.say({ type: 'learn', text: 'something' });
    await until(() => alice.metrics().queued === 2);
    a.socket.terminate();
    await until(() => server.sessions === 0);
    expect(alice.metrics()).toMatchObject({ active: 0, queued: 0 });
  });

  it('has a generation wait for a client that does not read, keeps others going, and lets it go in the end', async () => {
    const alice = await language();
    const server = await served({ models: { alice }, limits: { buffer: 2000, stallMs: 300, length: 1e7 } });
    const [slow, other] = [await peer(server), await peer(server)];
    await slow.next({ type: 'hello' });
    slow.socket.pause();
    slow.say({ type: 'generate', id: 'a', prompt: '', length: 1e7 });
    other.say({ type: 'generate', id: 'b', prompt: '', length: 20, seed: 1 });
    await other.next({ type: 'done', id: 'b' });
    // The generation stands still, long before its length.
    await until(() => server.sessions === 1);
    expect(alice.metrics().said).toBeLessThan(1e6);
    slow.socket.resume();
    expect([4000, 1006]).toContain(await slow.closed);
    other.say({ type: 'score', id: 's', text: 'a' });
    await other.next({ id: 's' });
  });

  it('lets go of a client that answers no ping', async () => {
    const server = await served({ limits: { pingMs: 20 } });
    const a = await peer(server);
    // Answers pings no more.
    (a.socket as unknown as { pong(): void }).pong = () => {};
    expect(await a.closed).toBe(4001);
    const b = await peer(server);
    await b.next({ type: 'hello' });
    await until(() => server.sessions === 1);
  });

  it('survives whatever is said', async () => {
    const server = await served({
      models: { alice: await language(), slots: await reader() },
      limits: { requestsPerSecond: 1e6, burst: 1e6 },
    });
    const a = await peer(server);
    const value = fc.oneof(
      fc.constant('a'),
      fc.constant('alice'),
      fc.constant('slots'),
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string()),
      fc.object(),
    );
    const fields = [...new Set(Object.values(requests).flatMap(({ properties }) => Object.keys(properties)))];
    const message = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record(
          {
            type: fc.constantFrom(...Object.keys(requests)),
            ...Object.fromEntries(fields.filter((name) => name !== 'type').map((name) => [name, value])),
          },
          { requiredKeys: ['type'] },
        )
        .map((one) => JSON.stringify(one)),
    );
    let k = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
        for (const one of messages) a.say(one);
        k += 1;
        a.say({ type: 'cancel', id: `end ${k}` });
        await a.next({ type: 'error', id: `end ${k}` });
      }),
      { numRuns: 60 },
    );
    for (const one of a.heard) {
      asAnswer(one);
      if (one.type === 'error') expect(one.code).not.toBe('failed');
    }
  });
});
