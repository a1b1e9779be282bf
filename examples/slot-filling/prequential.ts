/** Test, then train: each utterance is tagged by what the model knows by then, and learnt from at once. */
import {
  adam,
  conlleval,
  endOfUtterance,
  type Labelled,
  type LearnedTags,
  type LearnTagsSnapshot,
  learnTags,
  pending,
  type SlotScores,
  type Spoken,
  type TaggedUtterance,
  type Tagger,
  type TaggerOptions,
  type Tagging,
  type TagLesson,
  tag,
  tagger,
} from 'oxbow';
import { concatMap, filter, map, type Observable, Subject, tap } from 'rxjs';
import { namesOf } from './data.js';
import { type Quantiles, type Stopwatch, stopwatch } from './quantiles.js';
import { type OnlineRecipe, stream } from './recipe.js';
import type { PassState } from './saved.js';

/**
 * A tagger that knows the names of one utterance and nothing else; a net has to have something that it could say. All
 * others come to it while it learns.
 */
/** All that it takes to make the net again, besides its names and its seed. */
export type Net = Pick<TaggerOptions, 'features' | 'units' | 'dropout' | 'hashed' | 'bidirectional'>;

export const beginner = (first: TaggedUtterance, { model }: OnlineRecipe, net: Net, seed: number): Tagger =>
  tagger({ ...namesOf([first]), ...model, ...net, seed });

export const labelledOf = ({ words, intent }: Tagging): Labelled => ({
  tags: words.map(({ tag }) => tag),
  ...(intent && { intent: intent.name }),
});

/** Each is pulled when the one before has been learnt from, and the event loop gets its turns; the first so many are left out. */
export async function* oneByOne<T>(values: Iterable<T>, left = 0): AsyncGenerator<T> {
  let place = 0;
  for (const value of values) {
    if (place >= left) yield value;
    place += 1;
  }
}

/** How it went so far. */
export interface Course {
  readonly utterances: number;
  /** Of all utterances, each tagged before it was learnt from. */
  readonly scores: SlotScores;
  /** Of the last block, as far as it goes. */
  readonly recent: SlotScores;
  /** F1 of each block. */
  readonly blocks: readonly number[];
  /** For an utterance's slots, once it is whole. */
  readonly answer: Quantiles;
  /** From a word to its tag where the model reads forwards; else an utterance's time shared out among its words. */
  readonly word: Quantiles;
  /** Of the words that had a tag as they came, the share whose tag was another one in the end; NaN where none had. */
  readonly revised: number;
  /** An update. */
  readonly update: Quantiles;
}

export interface Learnt {
  readonly event: LearnedTags;
  readonly step: number;
  /** What goes on from here, besides the model; to be called while this is handled. */
  snapshot(): LearnTagsSnapshot;
  /** What was counted, to go on with. */
  counted(): PassState;
  /** Whether a block ends with it. */
  readonly endsBlock: boolean;
  course(): Course;
}

export interface PrequentialOptions {
  readonly seed: number;
  /** Whether former utterances are learnt again with each new one. */
  readonly replay: boolean;
  /** Where the run was, and what it had counted; default the start. */
  readonly from?: LearnTagsSnapshot | undefined;
  readonly counted?: PassState | undefined;
}

/** Words that are tagged one by one, as if somebody spoke: how long each takes, and how often it was too early to tell. */
function wordByWord(model: Tagger, watch: Stopwatch, before: PassState['spoken'] = [0, 0]) {
  const spoken = new Subject<Spoken>();
  let [words, wrong] = before;
  let first: string[] = [];
  spoken.pipe(tag(model)).subscribe((event) => {
    if (!event.final) {
      first[event.position] ??= event.tag;
      return;
    }
    words += event.words.length;
    wrong += event.words.filter((word, k) => word.tag !== first[k]).length;
    first = [];
  });
  return {
    say(utterance: readonly string[]): void {
      for (const word of utterance) {
        const started = performance.now();
        spoken.next(word);
        watch.add(performance.now() - started);
      }
      spoken.next(endOfUtterance);
    },
    revised: () => wrong / words,
    counted: (): PassState['spoken'] => [words, wrong],
  };
}

/** Utterances go out as they have been learnt; those that cannot be (they have no words) are passed over. */
export function prequential(
  model: Tagger,
  { learningRate, clipNorm, replay: kept }: OnlineRecipe,
  { seed, replay, from, counted }: PrequentialOptions,
): (utterances$: Observable<TaggedUtterance>) => Observable<Learnt> {
  const all = conlleval().start(counted?.all);
  let block = conlleval().start(counted?.block);
  const blocks = [...(counted?.blocks ?? [])];
  const watches = { answer: stopwatch(), word: stopwatch(), update: stopwatch() };
  let utterances = counted?.utterances ?? 0;
  let began = 0;
  const provisional = model.streams ? wordByWord(model, watches.word, counted?.spoken) : undefined;

  /** What is asked first and answered afterwards, as two lessons: the answer's time is the first one's. */
  const lessonsOf = (utterance: TaggedUtterance): readonly TagLesson[] => {
    const { words, tags, intent } = utterance;
    const id = `${utterances}`;
    provisional?.say(words);
    return words.length === 0
      ? []
      : [
          { id, words },
          { id, tags, intent },
        ];
  };

  function count(event: LearnedTags): Learnt {
    const { prediction, tags, intent } = event;
    const target = { tags, ...(intent !== undefined && { intent }) };
    all.update(labelledOf(prediction), target);
    block.update(labelledOf(prediction), target);
    utterances += 1;
    const endsBlock = utterances % stream.block === 0;
    const recent = block;
    if (endsBlock) {
      blocks.push(block.result().f1);
      block = conlleval().start();
    }
    const course = (): Course => ({
      utterances,
      scores: all.result(),
      recent: recent.result(),
      blocks,
      answer: watches.answer.result(),
      word: watches.word.result(),
      revised: provisional?.revised() ?? Number.NaN,
      update: watches.update.result(),
    });
    return {
      event,
      step: event.step,
      snapshot: event.snapshot,
      endsBlock,
      course,
      counted: () => ({
        utterances,
        all: all.state?.(),
        block: block.state?.(),
        blocks,
        spoken: provisional?.counted() ?? [0, 0],
      }),
    };
  }

  return (utterances$) =>
    utterances$.pipe(
      concatMap(lessonsOf),
      tap(() => {
        began = performance.now();
      }),
      learnTags(model, {
        optimizer: adam(learningRate),
        clipNorm,
        pending: pending({ capacity: 1 }),
        ...(replay && { replay: { ...kept, seed } }),
        from,
      }),
      tap((event) => {
        const took = performance.now() - began;
        if (event.outcome === 'learned') watches.update.add(took);
        if (event.outcome !== 'predicted') return;
        watches.answer.add(took);
        if (!provisional) watches.word.add(took / event.words.length, event.words.length);
      }),
      filter((event) => event.outcome === 'learned'),
      map(count),
    );
}
