import * as E from 'fp-ts/lib/Either.js';
import { fromAsync, tokens, vocabularyFrom, windows } from 'oxbow';
import { finalize } from 'rxjs';
import { type Failure, failure } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { learn } from './learn.js';
import { bitsOf, progress } from './progress.js';
import { endedAtOnce, finish, introduce, reportStream } from './report.js';
import type { Session } from './session.js';

/**
 * A stream's chunks in pieces of a window's size, so that a chunk of many windows leaves Ctrl-C and samples their turn
 * in between. A mark of byte order is no part of the text; what is not UTF-8 is reported once, and learnt as U+FFFD.
 */
async function* pieces(input: NodeJS.ReadStream, size: number, odd: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let reported = false;
  const cut = function* (text: string) {
    if (!reported && /[\0\uFFFD]/.test(text)) {
      reported = true;
      odd();
    }
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  };
  for await (const chunk of input as AsyncIterable<Uint8Array>) yield* cut(decoder.decode(chunk, { stream: true }));
  yield* cut(decoder.decode());
}

const oddInput =
  'stdin: what is piped in is not all text in UTF-8 (it has NULs, or bytes that are no character); it is learnt as it is. ' +
  'Convert it first: iconv -f UTF-16 -t UTF-8 text.txt | npm run example:char-rnn -- --stdin';

/** Learns online from stdin, each window once, as it arrives; at the end of the input it reports, saves, speaks. */
export async function listen(session: Session): Promise<E.Either<Failure, void>> {
  const { options, speaker, plan, kept, interrupt, screen } = session;
  const { length, learningRate } = speaker.recipe;
  const { unknown, ...data } = speaker.vocab.toJSON();
  // A live stream does not end because of one symbol.
  const vocab = vocabularyFrom({ ...data, unknown: unknown === 'error' ? 'skip' : unknown });
  const again = options.pipedAgain ? kept?.position : undefined;
  const windows$ = fromAsync(pieces(process.stdin, length, () => screen.note(oddInput))).pipe(
    finalize(() => process.stdin.destroy()),
    tokens(vocab),
    windows({ length, from: again }),
  );
  const done = progress(screen, plan, kept?.about.reached);
  const known = done.symbols();
  introduce(session);
  const where = again
    ? `passing over the first ${count(again.skip)} characters of what is piped in`
    : 'with whatever is piped in now: a pipe has no places, only a count, and --piped-again is for one that begins anew';
  await learn(session, windows$, () => learningRate, done, `${count(known)} characters`, where);

  if (done.symbols() === 0) {
    if (!interrupt.requested()) {
      return E.left(failure('the input has no two characters to learn from; nothing was saved.'));
    }
    return endedAtOnce(session);
  }
  reportStream(session, done.overall(), done.symbols());
  return finish(session, { characters: done.symbols(), bitsPerCharacter: bitsOf(done.overall()) });
}
