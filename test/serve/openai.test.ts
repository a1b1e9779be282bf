/** What OpenAI's own client makes of the server's answers. */
import OpenAI from 'openai';
import { firstValueFrom, from, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { evaluator } from '../../src/layer.js';
import type { Server } from '../../src/serve/serve.js';
import { surprisal } from '../../src/streams/surprisal.js';
import { bytes } from '../../src/streams/tokenizer/bytes.js';
import { ids } from '../../src/tensor.js';
import { endAll, language, peer, reader, served, until } from './servers.js';

afterEach(async () => {
  expect(await endAll()).toEqual([]);
});

const TOKEN = 'a-token-of-good-length';
async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

const clientOf = (server: Server, apiKey = TOKEN) => new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 });

async function opened(options: Parameters<typeof language>[0] = {}) {
  const alice = await language(options);
  const server = await served({ models: { alice, slots: await reader() } });
  return { alice, server, client: clientOf(server) };
}

const asked = { model: 'alice', prompt: 'ab', max_tokens: 24, seed: 7, temperature: 0.9, top_p: 0.95 } as const;

describe('a completion', () => {
  it('is what a WebSocket hears for the same seed, at once and streamed, with what it cost', async () => {
    const { server, client } = await opened();
    const socket = await peer(server);
    socket.say({ type: 'generate', id: 'a', prompt: 'ab', length: 24, seed: 7, temperature: 0.9, topP: 0.95 });
    await socket.next({ type: 'done' });
    const heard = socket.heard.flatMap((message) => (message.type === 'symbols' ? [message.text] : [])).join('');

    const whole = await client.completions.create(asked);
    expect(whole).toMatchObject({
      object: 'text_completion',
      model: 'alice',
      choices: [{ index: 0, text: heard, finish_reason: 'length', logprobs: null }],
      usage: { prompt_tokens: 2, completion_tokens: 24, total_tokens: 26 },
      system_fingerprint: expect.stringMatching(/weights-0$/),
    });
    expect(whole.id).toMatch(/^cmpl-./);

    const stream = await client.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } });
    const chunks = await all(stream);
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(heard);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('of a model of bytes that has learnt nothing is whole characters, at once, streamed and by a WebSocket', async () => {
    const { server, client } = await opened({ vocab: bytes() });
    const socket = await peer(server);
    for (const max_tokens of [1, 2, 3, 50, 400]) {
      const request = { ...asked, prompt: '水', max_tokens, temperature: 1.5 };
      const { choices } = await client.completions.create(request);
      const { text, finish_reason } = choices[0] as (typeof choices)[0];
      expect(text).not.toContain('\uFFFD');
      const said = new TextEncoder().encode(text).length;
      expect(said).toBeGreaterThanOrEqual(max_tokens);
      expect(said - max_tokens).toBeLessThanOrEqual(3);
      expect(finish_reason).toBe('length');
      const chunks = await all(await client.completions.create({ ...request, stream: true }));
      expect(chunks.map(({ choices: [choice] }) => choice?.text ?? '').join('')).toBe(text);

      const own = { temperature: 1.5, topP: 0.95, seed: 7 };
      socket.say({ type: 'generate', id: `${max_tokens}`, prompt: '水', length: max_tokens, ...own });
      const done = await socket.next({ type: 'done', id: `${max_tokens}` });
      expect(done).toMatchObject({ reason: 'length', symbols: said });
      const heard = socket.heard.flatMap((one) =>
        one.type === 'symbols' && one.id === `${max_tokens}` ? [one.text] : [],
      );
      expect(heard.join('')).toBe(text);
    }
  });

  it('with echo and no tokens scores a text as surprisal does, with the most probable symbols of each place', async () => {
    const { alice, client } = await opened();
    const prompt = 'the river bends and bends again';
    const { choices, usage } = await client.completions.create({
      model: 'alice',
      prompt,
      echo: true,
      max_tokens: 0,
      logprobs: 5,
    });
    expect(usage).toMatchObject({ prompt_tokens: prompt.length, completion_tokens: 0 });
    const { text, logprobs } = choices[0] as (typeof choices)[0];
    expect(text).toBe(prompt);
    expect(logprobs?.tokens).toEqual([...prompt]);
    expect(logprobs?.text_offset).toEqual([...prompt].map((_, k) => k));
    const encoded = alice.vocab.encode(prompt);
    const parts = await firstValueFrom(
      from([ids([encoded.length, 1], encoded)]).pipe(surprisal(alice.model), toArray()),
    );
    const bits = parts.flatMap(({ data }) => [...data]);
    const given = logprobs?.token_logprobs as (number | null)[];
    // Nothing precedes the first.
    expect(given[0]).toBeNull();
    expect(given.slice(1).map((own) => Math.fround(-(own as number) / Math.LN2))).toEqual(bits.slice(1));
    const tops = logprobs?.top_logprobs as unknown as (Record<string, number> | null)[];
    expect(tops[0]).toBeNull();
    const { data, shape } = evaluator(alice.model)(ids([encoded.length, 1], encoded)).output;
    const width = shape[2] as number;
    for (const [k, top] of tops.slice(1).entries()) {
      const row = [...data.subarray(k * width, (k + 1) * width)];
      const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      const best = row.map((logit, id) => [alice.vocab.decode([id]), logit - total] as const);
      best.sort(([, a], [, b]) => b - a);
      const own = prompt[k + 1] as string;
      expect(new Set(Object.keys(top ?? {}))).toEqual(new Set([...best.slice(0, 5).map(([text]) => text), own]));
      for (const [text, value] of best.slice(0, 5)) expect(top?.[text as string]).toBeCloseTo(value, 4);
      expect(Math.fround(top?.[own] as number)).toBe(Math.fround(given[k + 1] as number));
    }
  });

  it('has probabilities of what was said that are those of a score of it', async () => {
    const { client } = await opened();
    const said = await client.completions.create({ ...asked, echo: true, logprobs: 1 });
    const text = said.choices[0]?.text as string;
    expect(text).toHaveLength(26);
    const scored = await client.completions.create({
      model: 'alice',
      prompt: text,
      echo: true,
      max_tokens: 0,
      logprobs: 1,
    });
    const of = ({ choices }: OpenAI.Completion) => choices[0]?.logprobs?.token_logprobs as number[];
    expect(of(said)).toHaveLength(26);
    for (const [k, own] of of(said).slice(1).entries()) expect(own).toBeCloseTo(of(scored)[k + 1] as number, 4);
    const chunks = await all(await client.completions.create({ ...asked, echo: true, logprobs: 1, stream: true }));
    const streamed = chunks.flatMap(({ choices }) => choices[0]?.logprobs?.token_logprobs ?? []);
    expect(streamed).toEqual(of(said));
    expect(chunks.flatMap(({ choices }) => choices[0]?.logprobs?.text_offset ?? [])).toEqual(
      said.choices[0]?.logprobs?.text_offset,
    );
  });

  it('of several has for each what it has alone', async () => {
    const { client } = await opened();
    const texts = ({ choices }: OpenAI.Completion) => choices.map(({ text }) => text);
    const [alone] = texts(await client.completions.create(asked));
    const three = texts(await client.completions.create({ ...asked, n: 3, best_of: 3 }));
    expect(three[0]).toBe(alone);
    expect(new Set(three).size).toBe(3);
    const both = await client.completions.create({ ...asked, prompt: ['ba', 'ab'], n: 3 });
    expect(texts(both).slice(3)).toEqual(three);
    expect(both.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    const streamed = ['', '', ''];
    for await (const { choices } of await client.completions.create({ ...asked, n: 3, stream: true })) {
      for (const { index, text } of choices) streamed[index] += text;
    }
    expect(streamed).toEqual(three);
  });

  it.each([true, false])(
    'ends before a text at which it is to stop, wherever that is cut: stream %j',
    async (stream) => {
      const { client } = await opened();
      const full = (await client.completions.create(asked)).choices[0]?.text as string;
      const stop = full.slice(9, 12);
      const end = full.indexOf(stop);
      const request = { ...asked, stop: [stop, 'never said'] };
      if (!stream) {
        expect((await client.completions.create(request)).choices[0]).toMatchObject({
          text: full.slice(0, end),
          finish_reason: 'stop',
        });
        return;
      }
      const chunks = await all(await client.completions.create({ ...request, stream }));
      expect(chunks.map(({ choices }) => choices[0]?.text).join('')).toBe(full.slice(0, end));
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    },
  );

  it.each([true, false])('ends at the next symbol when its client goes: stream %j', async (stream) => {
    const { alice, client } = await opened();
    const controller = new AbortController();
    const request = { ...asked, max_tokens: 10_000, n: 2 };
    if (stream) {
      for await (const _ of await client.completions.create({ ...request, stream })) break;
    } else {
      const answer = client.completions.create(request, { signal: controller.signal });
      await until(() => alice.metrics().said > 0);
      controller.abort();
      await expect(answer).rejects.toThrow(OpenAI.APIUserAbortError);
    }
    await until(() => alice.metrics().active === 0);
    expect(alice.metrics().said).toBeLessThan(20_000);
  });
});

describe('models', () => {
  it('are those that complete, by name', async () => {
    const { client } = await opened();
    const names = (await all(client.models.list())).map(({ id }) => id);
    expect(names).toEqual(['alice']);
    expect(await client.models.retrieve('alice')).toMatchObject({ id: 'alice', object: 'model', owned_by: 'oxbow' });
    await expect(client.models.retrieve('bob')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });
});

describe('what is refused names the field', () => {
  it.each<[object, number, string | null, string]>([
    [{ model: 'bob' }, 404, 'model', 'model_not_found'],
    [{ model: 'slots' }, 400, 'model', 'wrong-task'],
    [{ prompt: [1, 2] }, 400, 'prompt', 'invalid'],
    [{ prompt: [[1, 2]] }, 400, 'prompt', 'invalid'],
    [{ prompt: [] }, 400, 'prompt', 'invalid'],
    [{ prompt: null }, 400, 'prompt', 'invalid'],
    [{ prompt: Array(33).fill('a') }, 400, 'prompt', 'invalid'],
    [{ n: 33 }, 400, 'n', 'invalid'],
    [{ max_tokens: 0 }, 400, 'max_tokens', 'invalid'],
    [{ max_tokens: 1e6 }, 400, 'max_tokens', 'invalid'],
    [{ temperature: -1 }, 400, 'temperature', 'invalid'],
    [{ top_p: 2 }, 400, 'top_p', 'invalid'],
    [{ logprobs: 6 }, 400, 'logprobs', 'invalid'],
    [{ best_of: 2 }, 400, 'best_of', 'invalid'],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 400, 'stop', 'invalid'],
    [{ stream_options: { include_usage: true } }, 400, 'stream_options', 'invalid'],
    [{ suffix: 'end' }, 400, 'suffix', 'invalid'],
    [{ logit_bias: { 1: 2 } }, 400, 'logit_bias', 'invalid'],
    [{ presence_penalty: 1 }, 400, 'presence_penalty', 'invalid'],
    [{ frequency_penalty: 1 }, 400, 'frequency_penalty', 'invalid'],
    [{ messages: [] }, 400, 'messages', 'invalid'],
  ])('%j', async (wrong, status, param, code) => {
    const { client } = await opened();
    const answer = client.completions.create({ ...asked, ...wrong } as never);
    await expect(answer).rejects.toMatchObject({ status, param, code, type: 'invalid_request_error' });
  });

  it('but values that change nothing are taken', async () => {
    const { client } = await opened();
    const { choices } = await client.completions.create({
      ...asked,
      suffix: null,
      logit_bias: {},
      presence_penalty: 0,
      frequency_penalty: null,
      user: 'me',
      best_of: 1,
      stop: null,
      logprobs: null,
    });
    expect(choices).toHaveLength(1);
  });
});

it('a token, too many requests, and a full line are errors that the client knows', async () => {
  const alice = await language({ atOnce: 1, queue: 0 });
  const server = await served({ models: { alice }, tokens: [TOKEN], limits: { requestsPerSecond: 0.001, burst: 3 } });
  const wrong = clientOf(server, 'a-token-that-is-wrong').completions.create(asked);
  await expect(wrong).rejects.toThrow(OpenAI.AuthenticationError);
  await expect(wrong).rejects.toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error' });
  const client = clientOf(server);
  await expect(client.completions.create({ ...asked, n: 2 })).rejects.toMatchObject({
    status: 503,
    code: 'overloaded',
    type: 'server_error',
  });
  await client.completions.create(asked);
  await client.models.list();
  const refused = client.models.list();
  await expect(refused).rejects.toThrow(OpenAI.RateLimitError);
  await expect(refused).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
});
