/** What is done, by the mode that the options come to. */
import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';
import type * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { resume, saveRuns } from 'oxbow';
import { identity } from 'rxjs';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { keeping, takeFolder } from '../shared/run.js';
import { readSets, type Sets } from './data.js';
import { tryForgetting } from './forgetting.js';
import { someUtterances, streamOf } from './grammar/index.js';
import { trainOffline } from './offline.js';
import { type Lessons, learnOnline } from './online.js';
import type { Options } from './options.js';
import { forgetting, onFolder, onGrammar } from './recipe.js';
import type { Learner } from './saved.js';
import { openSession, type Session } from './session.js';
import { talk } from './talk.js';

/** Utterances of the grammar, and others to test on. */
const grammarLessons =
  (utterances: number) =>
  (seed: number): Lessons => ({
    utterances: streamOf('flights', seed, utterances),
    test: someUtterances('flights', seed + 1_000_000, forgetting.heldOut),
    recipe: onGrammar,
  });

/** A prompt, where somebody sits at it. */
async function talkInTerminal(session: Session, learner: Learner): Promise<void> {
  const { options, interrupt, screen } = session;
  if (options.json || interrupt.requested() || !stdin.isTTY || !stdout.isTTY) return;
  const prompt = createInterface({ input: stdin, output: stdout, prompt: '> ' });
  // Within a line, Ctrl-C reaches the prompt and not the process.
  prompt.on('SIGINT', () => prompt.close());
  const interrupted = interrupt.requested$.subscribe(() => prompt.close());
  async function* lines(): AsyncGenerator<string> {
    prompt.prompt();
    for await (const line of prompt) {
      yield line;
      prompt.prompt();
    }
    // Ended by a key and not by a word: the prompt's own line is still open.
    stdout.write('\n');
  }
  const { save } = options;
  // What is said here comes after what was learnt, and has what the run says of itself by then.
  const kept = save === undefined ? undefined : await resume(save, { model: learner.model });
  await talk(session, learner, lines(), kept ? keeping(options, screen, learner.model, () => kept.about) : identity);
  interrupted.unsubscribe();
  prompt.close();
  await saveRuns();
}

async function runMode(session: Session, sets: Sets): Promise<void> {
  const { mode, utterances, train } = session.options;
  if (mode === 'offline') await trainOffline(session, sets);
  else if (mode === 'forgetting') await tryForgetting(session);
  else {
    const fromFolder: Lessons = { utterances: sets.train, test: sets.test, recipe: onFolder };
    const learnt = await learnOnline(session, train === undefined ? grammarLessons(utterances) : () => fromFolder);
    if (mode === 'stream' && learnt) await talkInTerminal(session, learnt);
  }
}

export function run(options: Options, interrupt: Interrupt): Promise<E.Either<Failure, void>> {
  return pipe(
    openSession(options, interrupt),
    TE.bindTo('session'),
    TE.bind('sets', ({ session }) => readSets(session.options)),
    TE.chainFirst(() => takeFolder(options)),
    TE.chainTaskK(
      ({ session, sets }) =>
        () =>
          runMode(session, sets),
    ),
  )();
}
