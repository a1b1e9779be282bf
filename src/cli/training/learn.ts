/** Training that speaks, is validated, is kept and is reported meanwhile: the same for a text and for lines as they arrive. */
import {
  connect,
  identity,
  last,
  lastValueFrom,
  merge,
  NEVER,
  type Observable,
  take,
  takeUntil,
  tap,
  timer,
} from 'rxjs';
import { LONGEST_TIMER_MS } from '../../checks.js';
import { checkpointed } from '../../runs/checkpointed.js';
import { charactersIn } from '../../streams/coder.js';
import { holdSource } from '../../streams/demand.js';
import { natsOf } from '../../streams/symbol-growth.js';
import { tbptt } from '../../streams/tbptt.js';
import type { SymbolWindow } from '../../streams/window.js';
import { messageOf } from '../shared/failure.js';
import { count } from '../shared/numbers.js';
import { bitsOf, type Course } from './course.js';
import { type Scored, score } from './evaluate.js';
import { habits } from './habits.js';
import type { History } from './history.js';
import { learningOf } from './language.js';
import type { TrainingPage } from './page.js';
import type { Report } from './report/report.js';
import type { LanguageAbout, LanguageRun } from './run.js';
import { samples } from './speech.js';

/** What goes on together with a training, and is kept with it. */
export interface Beside {
  readonly done: Course;
  readonly page?: TrainingPage | undefined;
  /** The learning rate of now. */
  rate(): number;
  readonly history: History;
  readonly report: Report;
}

/** Who runs the kernels: a window of one lane is over before another thread has heard of it. */
const threadOf = ({ recipe }: LanguageRun) => (recipe.stdin ? 'caller' : 'learner');

/** Learns from windows until they end, the training is over or Ctrl-C is pressed, always at the end of a window. */
export async function learn(run: LanguageRun, windows$: Observable<SymbolWindow>, beside: Beside): Promise<void> {
  const { model, recipe, goingOn, screen, ending } = run;
  const { done, page, rate, history, report } = beside;
  const due = validating(run, beside);
  const begun = goingOn === undefined ? {} : goingOn.from ? { from: goingOn.from } : { state: goingOn.state };
  const left = done.left();
  const steps$ = windows$.pipe(
    left === Number.POSITIVE_INFINITY ? identity : take(left),
    takeUntil(merge(ending.requested$, deadline(done))),
    tap(() => page?.hold()),
    tbptt(model, {
      ...learningOf(recipe, () => (page?.factor ?? 1) * rate()),
      thread: threadOf(run),
      vocab: run.vocab,
      ...begun,
    }),
    tap((learned) => {
      const { step, window } = learned;
      const symbols = charactersIn(run.vocab, window.target.data);
      const loss = natsOf(learned) / symbols;
      done.seen(loss, symbols);
      history.seen({ steps: done.steps(), seconds: done.seconds(), nats: done.recent() });
      page?.updated({ step, loss, symbols });
      screen.live(done.line);
      due();
    }),
    run.keep === undefined ? identity : keeping(run, run.keep, beside),
  );
  const speaking$ = (shared$: Observable<unknown>) =>
    samples(run, history.data().spoken).pipe(
      tap((text) => {
        screen.say(`» ${text}`);
        screen.record({ characters: done.symbols(), bitsPerCharacter: bitsOf(done.recent()), said: text });
        history.said({ steps: done.steps(), seconds: done.seconds(), text });
      }),
      takeUntil(merge(shared$.pipe(last(null, null)), ending.requested$)),
    );
  await lastValueFrom(steps$.pipe(connect((shared$) => merge(speaking$(shared$), shared$))), {
    defaultValue: undefined,
  });
  if (done.learnt() === 0) return;
  screen.live(done.line, true);
  await report.written();
}

const deadline = (done: Course): Observable<unknown> =>
  done.secondsLeft() === Number.POSITIVE_INFINITY
    ? NEVER
    : timer(Math.min(1000 * Math.max(0, done.secondsLeft()), LONGEST_TIMER_MS));

function keeping(run: LanguageRun, folder: string, { done, history, report }: Beside) {
  const about = (): LanguageAbout => ({
    ...run.about,
    task: 'language',
    vocab: run.vocab.toJSON(),
    recipe: run.recipe,
    course: done.data(),
    history: history.data(),
  });
  return checkpointed<unknown>(folder, {
    model: run.model,
    everyMs: 1000 * run.saveEvery,
    about,
    // What ends the program ends its source first.
    signals: false,
    saved: {
      next({ step }) {
        run.screen.note(`saved ${folder} after update ${count(step)}`);
        report.update();
      },
    },
  });
}

/** Scores the validation part by the weights of now, for the curve and the passage of the report. */
export async function validate(run: LanguageRun, { done, history, report }: Beside): Promise<Scored | undefined> {
  const text = run.split?.validation;
  if (text === undefined || text.length < 2) return undefined;
  const bounds = { symbols: habits.validated, what: 'the validation part' };
  const scored = await score(run.model, text, run, bounds);
  if (scored === undefined) return undefined;
  const { natsPerCharacter: nats, bits } = scored;
  history.validated({ steps: done.steps(), seconds: done.seconds(), nats });
  run.screen.record({
    characters: done.symbols(),
    validation: { bitsPerCharacter: bitsOf(nats), natsPerCharacter: nats },
  });
  report.passage('validation', text, bits);
  return scored;
}

/** Scoring may take this share of the time. */
const SHARE = 1 / 20;

/** Has the validation part scored every so many seconds; windows wait meanwhile, so that it is scored by one model. */
function validating(run: LanguageRun, beside: Beside): () => void {
  let next = performance.now() + 1000 * run.saveEvery;
  return () => {
    const since = performance.now();
    if (since < next) return;
    next = Number.POSITIVE_INFINITY;
    const release = holdSource();
    validate(run, beside)
      .catch((error: unknown) => run.screen.note(`the validation part was not scored: ${messageOf(error)}`))
      .finally(() => {
        const now = performance.now();
        next = now + Math.max(1000 * run.saveEvery, (now - since) / SHARE);
        release?.();
      });
  };
}
