/** What those who watch a model see of it, over real sockets: its units, its strange lines, the page. */
import { firstValueFrom, lastValueFrom, skipWhile } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, type ConnectOptions, connect } from '../../src/client/client.js';
import { asAnswer } from '../../src/protocol/check.js';
import { endAll, language, peer, reader, served } from './servers.js';

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  expect(await endAll()).toEqual([]);
});
function client(url: string, options: ConnectOptions = {}): Client {
  const made = connect(url, options);
  clients.push(made);
  return made;
}

describe('who watches', () => {
  it('sees what a unit does over a text, chosen by its place or by what it follows', async () => {
    const one = client((await served()).url);
    const request = { text: 'a "bc" d\n', unit: { part: 'rnn.layer1.c', unit: 3 } };
    const seen = await lastValueFrom(one.units(request));
    expect(seen.parts).toEqual([
      { part: 'rnn.layer1.h', units: 8 },
      { part: 'rnn.layer1.c', units: 8 },
    ]);
    expect(seen.shown).toMatchObject({ part: 'rnn.layer1.c', unit: 3 });
    expect(seen.shown.activations).toHaveLength(9);
    const best = seen.features.find(({ feature }) => feature === 'quotes')?.best[0];
    const again = await lastValueFrom(one.units({ text: request.text, feature: 'quotes' }));
    expect(again.shown).toMatchObject({ part: best?.part, unit: best?.unit });
  });

  it.each<[string, object, object]>([
    ['a unit that is not there', { unit: { part: 'none', unit: 0 } }, { code: 'invalid', field: 'unit' }],
    ['a feature that is not there', { feature: 'colours' }, { code: 'invalid', field: 'feature' }],
    ['a text that is too long', { text: 'a'.repeat(5000) }, { code: 'invalid', field: 'text' }],
    ['a tagger', { model: 'slots' }, { code: 'wrong-task', field: 'model' }],
  ])('is refused %s, and the session goes on', async (_, wrong, error) => {
    const a = await peer(await served({ models: { alice: await language(), slots: await reader() } }));
    a.say({ type: 'units', id: 'u', text: 'a b', ...wrong });
    expect(await a.next({ id: 'u' })).toMatchObject({ type: 'error', ...error });
    a.say({ type: 'units', id: 'v', text: 'a b' });
    const seen = await a.next({ id: 'v' });
    expect(seen).toMatchObject({ type: 'units' });
    expect(() => asAnswer(seen)).not.toThrow();
  });

  it('sees the strange lines of what all clients say, until it has seen enough', async () => {
    const server = await served();
    const a = await peer(server);
    a.say({ type: 'lines', id: 'w', everyMs: 100, most: 1 });
    expect(await a.next({ id: 'w' })).toMatchObject({ type: 'lines', heard: 0, lines: [] });
    const other = client(server.url);
    await lastValueFrom(other.learn('a line of another one\na line of another one\n', { end: true }));
    const seen = await firstValueFrom(other.lines({ everyMs: 100 }).pipe(skipWhile(({ heard }) => heard < 1)));
    expect(seen.lines[0]).toMatchObject({ text: expect.stringContaining('line of another one') });
    const told = await a.next({ id: 'w', type: 'lines' });
    expect(told.lines).toHaveLength(1);
    expect(() => asAnswer(told)).not.toThrow();
    a.say({ type: 'cancel', id: 'w' });
    await a.next({ type: 'cancelled', id: 'w' });
  });

  it('sees nobody else’s lines without the right to control', async () => {
    const token = 'a token of good length';
    const server = await served({ tokens: [{ token, control: false }] });
    const one = client(server.url, { token });
    await expect(firstValueFrom(one.lines())).rejects.toMatchObject({ code: 'forbidden' });
    expect(await lastValueFrom(one.units({ text: 'a b' }))).toMatchObject({ type: 'units' });
  });

  it.each([
    [undefined, 200, 'text/html; charset=utf-8'],
    [false, 404, 'application/json'],
  ])('gets the page, where there is to be one (%s), without a token', async (page, status, type) => {
    const { url } = await served({ page, tokens: ['a token of good length'] });
    const response = await fetch(url);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
    await response.arrayBuffer();
  });
});
