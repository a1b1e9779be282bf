import * as E from 'fp-ts/lib/Either.js';
import { defer, finalize, type OperatorFunction } from 'rxjs';
import { isListOf, requireCount, shown } from '../../../checks.js';
import { checkedOptions, type Names } from '../../../options.js';
import type { PiecewiseTask } from '../../../piecewise-task.js';
import {
  type BadWindow,
  type BadWindowOptions,
  badWindowNames,
  badWindows,
  checkBadWindowOptions,
} from '../../../streams/bad-windows.js';
import { positionNow } from '../../../streams/demand.js';
import {
  checkUpdatesOptions,
  eachUpdated,
  type UpdatesOptions,
  updatesAtOnce,
  updatesNames,
  withThread,
} from '../../../streams/updates.js';
import { checksBecause } from '../../../training/bad-reason.js';
import type { TrainerOptions } from '../../../training/trainer.js';
import { conlleval, type SlotMetric } from '../../metrics/conlleval.js';
import { startedAgain } from '../../metrics/metric.js';
import type { Tagger } from '../tagger.js';
import type { Tagging } from '../tagging.js';
import { observedTrainer, type TaggerLearned } from '../trainer.js';
import { sizesBefore, ungrow } from '../ungrow.js';
import { tagsAfter } from './corrections.js';
import { lessonProblem } from './lesson-problem.js';
import {
  type BegunLesson,
  type Corrected,
  checkLearnTagsState,
  cutUtterance,
  isLesson,
  type LearnTagsSnapshot,
  type LearnTagsState,
  type RefusedTags,
  sameWords,
  type TagLesson,
  type TagOutcome,
  type Taught,
} from './lessons.js';
import { idProblem, type OpenTagging, type Pending } from './pending.js';
import { type Asked, predictOne } from './predict-tags.js';
import { type ReservoirState, reservoir } from './reservoir.js';

/** The options of {@link learnTags}; the loss is the model's own. */
export interface LearnTagsOptions
  extends Omit<TrainerOptions, 'loss' | 'each' | 'state' | 'thread'>,
    UpdatesOptions,
    BadWindowOptions {
  /** Utterances kept, and how many of them are learnt again with each new one; by default none. */
  readonly replay?: { readonly size: number; readonly per: number; readonly seed?: number } | undefined;
  /** Where predictions wait for corrections; without it each utterance comes with its tags. */
  readonly pending?: Pending | undefined;
  /** What is counted of predictions; default `conlleval()`. */
  readonly metric?: SlotMetric;
  /** Utterances of more words are learnt in pieces; default 100. */
  readonly longest?: number;
  /** How far the model may grow; default 100 000 words, 1 000 tags and 1 000 intents. */
  readonly most?: { readonly words?: number; readonly tags?: number; readonly intents?: number };
  /** Where an earlier run was, from `state()`. */
  readonly state?: LearnTagsState | undefined;
  /** Where a run goes on that was stopped, as `snapshot()` of its last outcome gave it; it has the state, and counts on. */
  readonly from?: LearnTagsSnapshot | undefined;
}

const names: Names<LearnTagsOptions> = {
  replay: { size: true, per: true, seed: true },
  pending: true,
  metric: true,
  longest: true,
  most: { words: true, tags: true, intents: true },
  ...updatesNames,
  ...badWindowNames,
  state: true,
  from: true,
  optimizer: true,
  clipNorm: true,
};

/**
 * Learns tags from utterances as they come: each is tagged by the model as it is (test), then learnt at once (train).
 *
 * Words, tags and intents that the model does not know are added to it. With each utterance so many of a reservoir of
 * former ones are learnt again, in the same update, so that what is new does not drive out what is old. Labels may come later:
 * an utterance without tags is tagged and waits under its id, until a correction names all of its tags, or single slots, or
 * nothing, which confirms it. A further correction of the same utterance is learnt too, and replaces it in the reservoir; it
 * is scored once. A correction that nothing waits for is an outcome, `unknown` or `expired`, and so is one that cannot be
 * (`rejected`): no utterance ends the stream.
 *
 * Words beyond the most that the model may know stay unknown ones, known by their spelling; an utterance with a tag or an
 * intent beyond is rejected, and so is one without words, of which there is nothing to learn.
 *
 * Source: Vitter (1985) for the reservoir; Dawid, Present position and potential developments: the prequential approach
 * (1984); Robins, Catastrophic forgetting, rehearsal and pseudorehearsal (1995).
 *
 * Each subscription has an optimizer state and a reservoir of its own; the weights are the model's, so that `tag` and
 * `predictTags` work on the same model meanwhile.
 *
 * A lesson whose loss is not finite leaves no trace; option `badWindow`, by default `'rollback'`, says what becomes of the run.
 *
 * With `slice`, or on a learner's threads, an update is done in pieces, and outcomes come later than their lessons, which
 * wait for one another in their order, in a buffer of bounded capacity. They are the same, bit for bit, where nothing else
 * uses the weights or what is pending meanwhile.
 *
 * Law: a run that was cut after any lesson and goes on with the model and `snapshot()` of then gives bit for bit what the
 * uninterrupted run gives; `state()` leaves out what was counted.
 *
 * @param model learns, and keeps what it has learnt.
 * @param given the optimizer, what is learnt again, and where predictions wait.
 * @returns an operator that gives an outcome for each lesson, in their order.
 * @throws TypeError where an option is not known.
 * @throws RangeError where an option is impossible.
 * @throws TypeError, RangeError (as error notifications) where `state` is not one of this model and these options.
 * @throws RangeError (as an error notification) where more lessons wait than may.
 * @throws OxbowError `BadWindow` (as an error notification) where a lesson cannot be learnt and the run is to stop, or to go back is no help.
 * @example
 * utterance$.pipe(learnTags(reader, { optimizer: adam(1e-3), clipNorm: 5, replay: { size: 1000, per: 8, seed: 1 } }))
 *   .subscribe((event) => event.outcome === 'learned' && console.log(event.scores().f1, event.grown.words));
 */
export function learnTags(model: Tagger, given: LearnTagsOptions): OperatorFunction<TagLesson, TagOutcome> {
  const options = withThread(checkedOptions('learnTags', given, names));
  const { replay, longest = 100 } = options;
  requireCount('learnTags', 'longest', longest);
  if (replay !== undefined) {
    requireCount('learnTags', 'replay.size', replay.size);
    requireCount('learnTags', 'replay.per', replay.per, 0);
  }
  checkUpdatesOptions('learnTags', options);
  checkBadWindowOptions('learnTags', options);
  if (options.from !== undefined && options.state !== undefined) {
    throw new TypeError('learnTags: from has the state in it; leave state out, or leave from out.');
  }
  return (source) =>
    defer(() => {
      const { take, release } = learning(model, options, longest);
      return source.pipe(eachUpdated('learnTags', options, take), finalize(release));
    });
}

/** An outcome without where learning stands after it. */
type Said = TagOutcome extends infer O ? (O extends TagOutcome ? Omit<O, 'step' | 'snapshot'> : never) : never;

function learning(model: Tagger, options: LearnTagsOptions, longest: number) {
  const {
    replay,
    pending: open,
    metric = conlleval(),
    most: mostGiven,
    slice: _,
    waiting: _too,
    longest: _three,
    badWindow: _four,
    rollback: _five,
    bad: _six,
    state,
    from = state as LearnTagsSnapshot | undefined,
    ...training
  } = options;
  if (from !== undefined) checkLearnTagsState(model, from);
  const most = { words: 100_000, tags: 1000, intents: 1000, ...mostGiven };
  const reservoirOf = (state: ReservoirState<Taught> | undefined) =>
    replay && reservoir<Taught>({ size: replay.size, seed: replay.seed ?? 0, state });
  let kept = reservoirOf(from?.replay);
  const learner = observedTrainer(model, { ...training, state: from?.trainer }, () => windows.sound());
  const windows = badWindows('learnTags', options, { params: model.params, learner, keep, snapshot: stateNow });
  /** Has the model, and what is replayed, be as before the lesson that is being learnt. */
  let undo = () => {};
  try {
    if (from?.pending) open?.restore(from.pending);
  } catch (error) {
    learner.release();
    throw error;
  }
  const scored = options.from ? startedAgain('learnTags', metric, options.from.scores) : metric.start();
  let [begun, ended] = [0, 0];
  /** What has been done of the lesson that is under way, and what was replayed from before it. */
  let ahead: { readonly lesson: BegunLesson; readonly replay: ReservoirState<Taught> | undefined } | undefined;
  let expected = from?.begun;

  const refused = (outcome: RefusedTags['outcome'], id: string | undefined, message: string): Said => ({
    outcome,
    id,
    message: `learnTags: ${message}`,
  });

  function* teach(
    id: string | undefined,
    taught: Taught,
    position: unknown,
    predicted: () => Tagging,
    former?: OpenTagging,
  ): PiecewiseTask<Said> {
    const problem = lessonProblem(model, taught, most);
    if (problem !== undefined) return refused('rejected', id, problem);
    let left: BadWindow | undefined;
    const outcome = yield* windows.attempt(() => learn(id, taught, predicted, former), {
      live: true,
      position,
      leftOut: (bad) => {
        left = bad;
      },
    });
    return outcome ?? refused((left as BadWindow).done, id, (left as BadWindow).error.message);
  }

  /** What puts names and what is replayed back, once weights are. */
  function keep(): () => void {
    const names = [model.words, model.tags, model.intents].map((each) => each?.toJSON());
    const [replayed, undoLesson] = [kept?.state(), undo];
    return () => {
      [model.words, model.tags, model.intents].forEach((lexicon, k) => {
        const before = names[k];
        if (before === undefined) return;
        lexicon?.cut(before.names.length);
        lexicon?.restore(before);
      });
      kept = reservoirOf(replayed);
      undoLesson();
    };
  }

  function* learn(
    id: string | undefined,
    taught: Taught,
    predicted: () => Tagging,
    former: OpenTagging | undefined,
  ): PiecewiseTask<Said> {
    const { words, tags, intent } = taught;
    // Weights that are not finite say nothing.
    const before = checksBecause('start', predicted);
    yield;
    const example: Taught = { ...(id !== undefined && { id }), words, tags, ...(intent !== undefined && { intent }) };
    // A lesson that had begun when the run was kept has made the model grow already.
    const done = expected && isLesson(expected, example) ? expected : undefined;
    expected = undefined;
    const [sizes, replayed] = [sizesBefore(model, done?.grown), kept?.state()];
    const { prediction, grown } = done ?? { prediction: before, grown: model.grow([taught], most.words) };
    ahead = { lesson: { taught: example, prediction, grown }, replay: replayed };
    undo = () => {
      ungrow(model, taught, sizes);
      kept = reservoirOf(replayed);
      // What the optimizer keeps follows the weights now, before there are other new names.
      learner.state();
    };
    // A new correction replaces what was learnt before, so that the two are not both replayed.
    if (former?.taught !== undefined) kept?.replace(example, (item) => item.id === id && sameWords(item.words, words));
    const again = kept && replay ? kept.draw(replay.per) : [];
    const pieces = [taught, ...again].flatMap((each) => cutUtterance(each, longest));
    let learned: TaggerLearned;
    try {
      learned = updatesAtOnce(options) ? learner.learn(pieces) : yield* learner.learnInPieces(pieces);
    } catch (error) {
      undo();
      throw error;
    }
    if (former?.taught === undefined) {
      const { words: tagged, intent: named } = prediction;
      scored.update(
        { tags: tagged.map(({ tag }) => tag), ...(named && { intent: named.name }) },
        { tags, ...(intent !== undefined && { intent }) },
      );
    }
    if (former?.taught === undefined) kept?.offer(example);
    // Meanwhile it may have been dropped, or its id may be another utterance's.
    if (former && id !== undefined && open?.get(id) === former) {
      open.replace(id, { ...former, taught: { tags, intent } });
    }
    const lesson = begun;
    return {
      outcome: 'learned',
      id,
      words,
      tags,
      intent,
      prediction,
      grown,
      replayed: again.length,
      loss: learned.loss,
      gradientNorm: learned.gradientNorm,
      learningRate: learned.learningRate,
      bad: windows.counts,
      scores: scored.result,
      state: () => stateAfter(lesson),
    };
  }

  /** Where learning stands, also while the next lesson is under way. */
  function snapshotAfter(lesson: number): LearnTagsSnapshot {
    if (ended !== lesson) {
      throw new Error(
        'learnTags: the snapshot is gone, since another lesson has ended; take it while its outcome is handled.',
      );
    }
    const replay = ahead ? ahead.replay : kept?.state();
    return {
      trainer: learner.state(),
      ...(replay && { replay }),
      ...(open && { pending: open.state() }),
      scores: scored.state?.(),
      begun: ahead?.lesson ?? expected,
    };
  }

  function stateAfter(lesson: number): LearnTagsState {
    if (begun !== lesson) {
      throw new Error(
        'learnTags: the state is gone, since the next lesson has begun; take it while its outcome is handled.',
      );
    }
    return stateNow();
  }

  function stateNow(): LearnTagsState {
    return {
      trainer: learner.state(),
      ...(kept && { replay: kept.state() }),
      ...(open && { pending: open.state() }),
    };
  }

  function predict(waiting: Pending, asked: Asked): Said {
    try {
      return { outcome: 'predicted', ...predictOne(model, waiting, asked) };
    } catch (error) {
      // No more may wait, and the policy is to say so.
      if (error instanceof RangeError) return { outcome: 'rejected', id: asked.id, message: error.message };
      throw error;
    }
  }

  function* correct({ id, tags, corrections = [], intent }: Corrected, position: unknown): PiecewiseTask<Said> {
    const former = open?.get(id) ?? 'unknown';
    if (former === 'unknown') return refused('unknown', id, `nothing was predicted under the id ${shown(id)}.`);
    if (former === 'expired') {
      return refused('expired', id, `what was predicted under ${shown(id)} was dropped; raise the capacity.`);
    }
    const { words, prediction, taught } = former;
    const before = tags ?? taught?.tags ?? prediction.words.map(({ tag }) => tag);
    if (!isListOf('string', before) || !isListOf('object', corrections)) {
      return refused('rejected', id, 'tags are a list of names, and corrections a list of records.');
    }
    if (before.length !== words.length) {
      return refused('rejected', id, `${words.length} words were given ${before.length} tags; give one tag a word.`);
    }
    const corrected = tagsAfter(words, before, corrections);
    if (E.isLeft(corrected)) return refused('rejected', id, corrected.left);
    const meant = intent ?? taught?.intent ?? prediction.intent?.name;
    return yield* teach(id, { words, tags: corrected.right, intent: meant }, position, () => prediction, former);
  }

  function* take(lesson: TagLesson, position: unknown): PiecewiseTask<TagOutcome> {
    begun += 1;
    const said = yield* outcomeOf(lesson, position);
    ahead = undefined;
    ended = begun;
    const own = ended;
    return { ...said, step: learner.steps, snapshot: () => snapshotAfter(own) };
  }

  function* outcomeOf(lesson: TagLesson, position: unknown): PiecewiseTask<Said> {
    // Lessons come from outside: what they are is not known before they have come.
    if (typeof lesson !== 'object' || lesson === null) {
      return refused('rejected', undefined, `a lesson is an utterance or a correction, not ${shown(lesson)}.`);
    }
    const { id } = lesson;
    const problem = idProblem(id);
    if (problem !== undefined) return refused('rejected', undefined, problem);
    if (!('words' in lesson)) {
      if (id !== undefined) return yield* correct(lesson, position);
      return refused('rejected', id, 'a lesson has words, or the id of what was tagged before; give one of them.');
    }
    if (!Array.isArray(lesson.words) || lesson.words.some((word) => typeof word !== 'string')) {
      return refused('rejected', id, "an utterance's words are a list of texts; split texts into words first.");
    }
    if (!('tags' in lesson) || lesson.tags === undefined) {
      return open === undefined
        ? refused('rejected', id, 'an utterance came without tags; give them, or { pending } where they come later.')
        : predict(open, lesson);
    }
    const former = id === undefined ? undefined : open?.get(id);
    if (typeof former === 'object' && sameWords(former.words, lesson.words)) {
      return yield* teach(id, lesson, position, () => former.prediction, former);
    }
    return yield* teach(id, lesson, position, () => model.tag([lesson.words])[0] as Tagging);
  }

  // Pieces run where the source's position is no longer known.
  return { take: (lesson: TagLesson) => take(lesson, positionNow()), release: learner.release };
}
