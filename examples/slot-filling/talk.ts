/** Talking to a tagger: it says what it understood, and learns from being corrected. */
import { adam, learnTags, pending, type SlotCorrection, type TagLesson, type TagOutcome } from 'oxbow';
import { identity, type MonoTypeOperatorFunction, Subject } from 'rxjs';
import { labelledOf } from './prequential.js';
import { onGrammar, talking } from './recipe.js';
import type { Learner } from './saved.js';
import type { Session } from './session.js';
import { showUtterance } from './show.js';

const help = `Say something, such as "leave Taipei on November 2nd". Then put right what is wrong:
  Taipei=toloc           words and their slot; several with commas; =O for none
  =airfare               what the utterance is for
  ok                     it was all right
  quit, Ctrl-C, Ctrl-D   the end`;

interface Correction {
  readonly corrections: readonly SlotCorrection[];
  readonly intent: string | undefined;
}

/** `Taipei=toloc, November 2nd=depart_date, =flight`; undefined where a line is no correction. */
export function parseCorrection(line: string): Correction | undefined {
  const parts = line.split(',').map((part) => {
    const at = part.lastIndexOf('=');
    return { words: part.slice(0, Math.max(0, at)).trim(), slot: at < 0 ? '' : part.slice(at + 1).trim() };
  });
  if (parts.some(({ slot }) => slot === '' || /\s/.test(slot))) return undefined;
  const intent = parts.find(({ words }) => words === '')?.slot;
  return { corrections: parts.filter(({ words }) => words !== ''), intent };
}

/** What is needed of a session. */
export type Room = Pick<Session, 'screen' | 'paint' | 'options'>;

/** Goes on where learning stands, until the lines end or one is `quit`; `keep` is what keeps the run meanwhile. */
export async function talk(
  room: Room,
  { model, state }: Learner,
  lines: AsyncIterable<string>,
  keep: MonoTypeOperatorFunction<TagOutcome> = identity,
): Promise<Learner> {
  const { screen, paint, options } = room;
  const lessons = new Subject<TagLesson>();
  let outcome: TagOutcome | undefined;
  let reached = state;
  let failed: unknown;
  const learning = lessons
    .pipe(
      learnTags(model, {
        optimizer: adam(talking.learningRate),
        clipNorm: onGrammar.clipNorm,
        pending: pending({ capacity: 100 }),
        replay: { ...onGrammar.replay, seed: options.seed },
        from: state,
      }),
      keep,
    )
    .subscribe({
      next: (event) => {
        outcome = event;
      },
      error: (error: unknown) => {
        failed = error;
      },
    });
  /** The operator answers within the call. */
  function ask(lesson: TagLesson): TagOutcome {
    lessons.next(lesson);
    if (failed !== undefined) throw failed;
    return outcome as TagOutcome;
  }
  const known = () => new Set(model.tags.names.filter((name) => name !== 'O').map((name) => name.slice(2)));
  let current: { readonly id: string; readonly words: readonly string[] } | undefined;

  function answer(words: readonly string[]): void {
    const event = ask({ words });
    if (event.outcome !== 'predicted') return;
    current = { id: event.id, words };
    const { tags, intent } = labelledOf(event);
    screen.say(`  ${showUtterance(words, tags, paint)}${intent === undefined ? '' : screen.dim(`  ${intent}`)}`);
  }

  /** Learns what is right until the model says so itself. */
  function learn({ corrections, intent }: Correction): void {
    if (current === undefined) {
      screen.say('  there is nothing to correct yet; say something first');
      return;
    }
    const { id, words } = current;
    const before = known();
    let event = ask({ id, corrections, ...(intent !== undefined && { intent }) });
    if (event.outcome !== 'learned') {
      screen.say(`  ${'message' in event ? event.message.replace(/^learnTags: /, '') : 'not learnt'}`);
      return;
    }
    const { tags, intent: meant } = event;
    for (const { slot } of corrections) {
      if (slot !== 'O' && !before.has(slot)) screen.say(screen.dim(`  ${slot} is a new slot`));
    }
    const isRight = () => {
      const said = labelledOf(model.tag([words])[0] as Parameters<typeof labelledOf>[0]);
      return said.tags.every((tag, k) => tag === tags[k]) && (meant === undefined || said.intent === meant);
    };
    let updates = 1;
    for (; !isRight() && updates < talking.most; updates += 1)
      event = ask({ id, tags, ...(meant !== undefined && { intent: meant }) });
    const again = isRight()
      ? `learnt with ${updates} ${updates === 1 ? 'update' : 'updates'}`
      : `not yet, after ${updates} updates`;
    screen.say(screen.dim(`  ${again}`));
    if (event.outcome === 'learned') reached = event.snapshot();
    answer(words);
  }

  screen.say(`\n${help}\nslots: ${[...known()].join(', ')}`);
  try {
    for await (const line of lines) {
      const text = line.trim();
      if (text === 'quit' || text === 'exit') break;
      const correction = text === 'ok' ? { corrections: [], intent: undefined } : parseCorrection(text);
      if (text === 'help' || text === '?') screen.say(help);
      else if (correction) learn(correction);
      else if (text.includes('=')) screen.say('  a correction is words=slot, the slot without spaces, or =intent');
      else if (text !== '') answer(text.split(/\s+/));
    }
  } finally {
    learning.unsubscribe();
  }
  return { model, state: reached };
}
