import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../examples/slot-filling/options.js';
import { forgetting, offline, stream } from '../../../examples/slot-filling/recipe.js';

describe('the slots example’s options', () => {
  it.each([
    [[], { mode: 'stream', utterances: stream.utterances, seed: 1, seeds: 1, json: undefined }],
    [['--online', '--utterances', '50'], { mode: 'online', utterances: 50, train: undefined }],
    [['--train', 'a', '--test', 'b'], { mode: 'offline', train: 'a', test: 'b', epochs: offline.epochs }],
    [['--train', 'a', '--valid', 'c', '--epochs', '3', '--seeds', '3'], { mode: 'offline', epochs: 3, seeds: 3 }],
    [['--train', 'a', '--test', 'b', '--online'], { mode: 'online', train: 'a', test: 'b' }],
    [['--forwards'], { mode: 'stream', forwards: true }],
    [['--forgetting'], { forwards: false, mode: 'forgetting', utterances: forgetting.utterances }],
  ] as const)('%j', (args, wanted) => {
    expect(parseOptions(args)).toMatchObject(E.right(wanted));
  });

  it.each([
    [['--test', 'b'], /--test goes with a folder to learn from; give --train/],
    [['--epochs', '2'], /--epochs goes with a folder/],
    [['--train', 'a', '--utterances', '5'], /--utterances counts those of the grammar/],
    [['--train', 'a', '--online', '--valid', 'c'], /--online reads everything once .* leave --valid out/],
    [['--forgetting', '--train', 'a'], /--forgetting is about the grammar's own domains; leave --train out/],
    [['--forgetting', '--online'], /leave --online out/],
    [['--forgetting', '--load', 'a'], /leave --load out/],
    [['--load', 'a', '--units', '5'], /--load begins with one tagger and its net; leave --units out/],
    [['--load', 'a', '--forwards'], /leave --forwards out/],
    [['--load', 'a', '--seeds', '2'], /leave --seeds out/],
    [['--utterances', '0'], /whole number of at least 1.* Try --help/],
    [['--seed', 'x'], /whole number of at least 0/],
    [['atis'], /too many arguments/],
    [['--replay'], /unknown option '--replay'/],
  ] as const)('%j is refused', (args, message) => {
    expect(parseOptions(args)).toMatchObject(E.left({ message: expect.stringMatching(message) }));
  });
});
