import { type OpenTagging, pending } from 'oxbow';
import { describe, expect, it } from 'vitest';

const open = (word: string): OpenTagging => ({
  words: [word],
  prediction: { words: [{ word, tag: 'O', probability: 1 }] },
});

describe('predictions that wait', () => {
  it('are found by the ids they are given, or by their own', () => {
    const waiting = pending({ capacity: 3 });
    expect([waiting.add(open('a')), waiting.add(open('b'), 'mine'), waiting.add(open('c'))]).toEqual([
      '#0',
      'mine',
      '#1',
    ]);
    expect(waiting.get('mine')).toEqual(open('b'));
    expect(waiting.get('#1')).toEqual(open('c'));
    expect(waiting.get('#2')).toBe('unknown');
    expect(waiting.get('yours')).toBe('unknown');
    expect([waiting.depth, waiting.dropped]).toEqual([3, 0]);
  });

  it('drop the oldest, and remember that it has expired', () => {
    const waiting = pending({ capacity: 2 });
    for (const word of ['a', 'b', 'c']) waiting.add(open(word), word);
    expect(waiting.get('a')).toBe('expired');
    expect(waiting.get('c')).toEqual(open('c'));
    expect([waiting.depth, waiting.dropped]).toEqual([2, 1]);
    for (const word of ['d', 'e']) waiting.add(open(word), word);
    // Of own ids as many as may wait are remembered, of given ones all.
    expect([waiting.get('a'), waiting.get('b')]).toEqual(['unknown', 'expired']);
    for (let k = 0; k < 10; k += 1) waiting.add(open('x'));
    expect(waiting.get('#0')).toBe('expired');
    expect(waiting.get('#007')).toBe('unknown');
  });

  it('drop the newest, or fail, where that is the policy', () => {
    const newest = pending({ capacity: 1, policy: 'drop-newest' });
    newest.add(open('a'), 'a');
    newest.add(open('b'), 'b');
    expect([newest.get('a'), newest.get('b')]).toEqual([open('a'), 'expired']);
    const strict = pending({ capacity: 1, policy: 'error' });
    strict.add(open('a'));
    expect(() => strict.add(open('b'))).toThrow('1 predictions wait for their corrections; raise the capacity');
  });

  it('have one place for an id that comes again', () => {
    const waiting = pending({ capacity: 2 });
    for (const word of ['a', 'b', 'c']) waiting.add(open(word), 'same');
    expect(waiting.get('same')).toEqual(open('c'));
    expect([waiting.depth, waiting.dropped]).toEqual([1, 0]);
  });

  it('go on from a state', () => {
    const before = pending({ capacity: 2 });
    for (const word of ['a', 'b', 'c']) before.add(open(word));
    const after = pending({ capacity: 2 });
    after.restore(JSON.parse(JSON.stringify(before.state())));
    for (const each of [before, after]) each.add(open('d'));
    expect(after.state()).toEqual(before.state());
    expect(() => pending({ capacity: 1 }).restore(before.state())).toThrow('2 predictions were written down, but 1');
  });

  it('say what is impossible', () => {
    expect(() => pending({ capacity: 0 })).toThrow('pending: capacity is a whole number of at least 1');
    expect(() => pending({ capacity: 1, policy: 'block' as never })).toThrow("policy is 'drop-oldest' or");
  });
});
