import * as E from 'fp-ts/lib/Either.js';
import { fromAsync, tokens, vocabularyFrom, windows } from 'oxbow';
import { finalize } from 'rxjs';
import { type Failure, failure } from '../shared/failure.js';
import { learn } from './learn.js';
import { bitsOf, progress } from './progress.js';
import { finish, introduce, reportStream } from './report.js';
import type { Session } from './session.js';

/**
 * A stream's chunks in pieces of a window's size, so that a chunk of many windows leaves Ctrl-C and samples their turn
 * in between.
 */
async function* pieces(input: NodeJS.ReadStream, size: number): AsyncGenerator<string> {
  for await (const chunk of input.setEncoding('utf8') as AsyncIterable<string>) {
    for (let at = 0; at < chunk.length; at += size) yield chunk.slice(at, at + size);
  }
}

/** Learns online from stdin, each window once, as it arrives; at the end of the input it reports, saves, speaks. */
export async function listen(session: Session): Promise<E.Either<Failure, void>> {
  const { options, speaker, interrupt, screen } = session;
  const { length, learningRate, seconds } = options;
  const { unknown, ...data } = speaker.vocab.toJSON();
  // A live stream does not end because of one symbol.
  const vocab = vocabularyFrom({ ...data, unknown: unknown === 'error' ? 'skip' : unknown });
  const windows$ = fromAsync(pieces(process.stdin, length)).pipe(
    finalize(() => process.stdin.destroy()),
    tokens(vocab),
    windows({ length }),
  );
  const done = progress(screen, { seconds, epochs: Number.POSITIVE_INFINITY });
  introduce(session);
  await learn(session, windows$, () => learningRate, done);

  if (done.symbols() < length) {
    if (!interrupt.requested()) {
      return E.left(
        failure(`the input has less than one window of ${length} symbols and its targets; nothing was saved.`),
      );
    }
    screen.say('nothing learnt, nothing saved');
    screen.record({ characters: 0, interrupted: true });
    return E.right(undefined);
  }
  reportStream(session, done.overall(), done.symbols());
  return finish(session, { characters: done.symbols(), bitsPerCharacter: bitsOf(done.overall()) });
}
