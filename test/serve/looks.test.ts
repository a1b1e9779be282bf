import { firstValueFrom, lastValueFrom, skipWhile, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { LiveLanguageModel } from '../../src/serve/live.js';
import { liveLanguageModel } from '../../src/serve/live-language-model.js';
import { looks } from '../../src/serve/looks.js';

const open: LiveLanguageModel[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((live) => live.close()));
});
async function live(): Promise<LiveLanguageModel> {
  const made = await liveLanguageModel({ model: { units: 8, embed: 4 }, batch: 2, length: 8, maxDelayMs: 1 });
  open.push(made);
  return made;
}

describe('looks at a live model', () => {
  it('show units while it learns, several looks one after the other', async () => {
    const model = await live();
    const { units } = looks();
    const source = model.source();
    source.push('the river bends. '.repeat(20));
    const found = await Promise.all(
      [0, 1, 2, 3].map((unit) =>
        lastValueFrom(units(model, 'a "b" c', { unit: { part: 'rnn.layer1.h', unit } }).pipe(toArray())),
      ),
    );
    found.forEach(([one, ...more], unit) => {
      expect(more).toEqual([]);
      expect(one?.shown).toMatchObject({ part: 'rnn.layer1.h', unit });
      expect(one?.shown.activations).toHaveLength(7);
    });
    await source.learnt();
  });

  it('end with what is wrong', async () => {
    const { units } = looks();
    await expect(lastValueFrom(units(await live(), 'a', { unit: { part: 'none', unit: 0 } }))).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it('gather lines for all who watch, and for those who come again', async () => {
    const model = await live();
    const { lines } = looks();
    const two = (count: number) => firstValueFrom(lines(model).pipe(skipWhile(({ heard }) => heard < count)));
    const first = two(2);
    const also = two(2);
    const source = model.source();
    source.push('an ordinary line\nan ordinary line\nan ordinary line\n');
    expect((await first).top(5).map(({ text }) => text)).toContain('an ordinary line');
    expect(await also).toBe(await first);
    expect(await two(1)).toBe(await first);
  });
});
