import { learnTags, sgd, type TagOutcome, tagger } from 'oxbow';
import { firstValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';

const sizes = { words: ['to', 'taipei'], features: 2, units: 2, characters: false, seed: 1 } as const;

describe('a bare label, of which no slot is made', () => {
  it.each(['city', 'NOUN', 'S', 'U', 'OO', 'b', '船'])('is refused by name: %s', (tag) => {
    const why = `the tag ${JSON.stringify(tag)} marks no slot, and F1 would be 0 for it; write B-${tag}`;
    expect(() => tagger({ ...sizes, tags: ['O', 'B-to', tag] })).toThrow(`tagger: ${why}`);
    const model = tagger({ ...sizes, tags: ['O'] });
    const example = { words: ['to', 'osaka'], tags: ['O', tag] };
    expect(() => model.grow([example])).toThrow(`tagger: ${why}`);
    expect([model.tags.names, model.words.size]).toEqual([['O'], 3]);
  });

  it('is a rejected lesson where it is learnt in use, and nothing grows', async () => {
    const model = tagger({ ...sizes, tags: ['O'] });
    const lesson = { id: '7', words: ['to', 'osaka'], tags: ['O', 'city'] };
    const outcome: TagOutcome = await firstValueFrom(of(lesson).pipe(learnTags(model, { optimizer: sgd(0.1) })));
    expect(outcome).toMatchObject({
      outcome: 'rejected',
      id: '7',
      message: expect.stringMatching(/"city" marks no slot/),
    });
    expect(model.tags.names).toEqual(['O']);
  });

  it('is a class of words like any other where the model is told so', () => {
    const model = tagger({ ...sizes, tags: ['NOUN'], constrained: false });
    model.grow([{ words: ['to'], tags: ['PREP'] }]);
    expect(model.tags.names).toEqual(['NOUN', 'PREP']);
  });
});

it('any other prefix is taken', () => {
  const tags = ['O', '.', 'B', 'I', 'E', '[', ']', 'B-a', 'I-a', 'S-a', 'E-a', 'L-a', 'U-a', 'M-a', 'BB-a', '-a', 'x-'];
  expect(tagger({ ...sizes, tags }).tags.names).toEqual(tags);
});

it('an empty list of intents is refused, with what to do', () => {
  expect(() => tagger({ ...sizes, tags: ['O'], intents: [] })).toThrow(
    'tagger: intents is an empty list; give one at least, or leave intents out',
  );
});
