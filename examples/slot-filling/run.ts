/** What is done, by the mode that the options come to. */
import { resolve } from 'node:path';
import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';
import * as E from 'fp-ts/lib/Either.js';
import type { Failure } from '../shared/failure.js';
import type { Interrupt } from '../shared/interrupt.js';
import { readSets, type Sets } from './data.js';
import { tryForgetting } from './forgetting.js';
import { someUtterances, streamOf } from './grammar/index.js';
import { trainOffline } from './offline.js';
import { type Lessons, learnOnline } from './online.js';
import type { Options } from './options.js';
import { forgetting, onFolder, onGrammar } from './recipe.js';
import type { Saved } from './saved.js';
import { keep, openSession, type Session } from './session.js';
import { talk } from './talk.js';

/** Utterances of the grammar, and others to test on. */
const grammarLessons =
  (utterances: number) =>
  (seed: number): Lessons => ({
    from: `the grammar, seed ${seed}`,
    utterances: streamOf('flights', seed, utterances),
    test: someUtterances('flights', seed + 1_000_000, forgetting.heldOut),
    recipe: onGrammar,
  });

/** A prompt, where somebody sits at it. */
async function talkInTerminal(session: Session, saved: Saved): Promise<E.Either<Failure, void>> {
  const { options, interrupt } = session;
  if (options.json || interrupt.requested() || !stdin.isTTY || !stdout.isTTY) return E.right(undefined);
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
  const { state } = await talk(session, saved, lines());
  interrupted.unsubscribe();
  prompt.close();
  return keep(session, { ...saved, state })();
}

async function runMode(session: Session, sets: Sets): Promise<E.Either<Failure, void>> {
  const { mode, utterances, train } = session.options;
  if (mode === 'offline') return trainOffline(session, sets);
  if (mode === 'forgetting') await tryForgetting(session);
  else {
    const fromFolder: Lessons = {
      from: resolve(train ?? ''),
      utterances: sets.train,
      test: sets.test,
      recipe: onFolder,
    };
    const learnt = await learnOnline(session, train === undefined ? grammarLessons(utterances) : () => fromFolder);
    if (E.isLeft(learnt)) return learnt;
    if (mode === 'stream' && learnt.right) return talkInTerminal(session, learnt.right);
  }
  return E.right(undefined);
}

export async function run(options: Options, interrupt: Interrupt): Promise<E.Either<Failure, void>> {
  const session = await openSession(options, interrupt)();
  if (E.isLeft(session)) return session;
  const sets = await readSets(options)();
  if (E.isLeft(sets)) return sets;
  return runMode(session.right, sets.right);
}
