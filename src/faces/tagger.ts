/** `oxbow/tagger`: slot filling, with the utterances it learns from. All of it is in `oxbow` too. */

export { type ConllOptions, fromConll, toConll } from '../formats/utterances/conll.js';
export { fromJsonLines, toJsonLine } from '../formats/utterances/json-lines.js';
export type { TextSource } from '../formats/utterances/lines.js';
export type { Utterance } from '../formats/utterances/utterance.js';
export { type Chunk, chunksOf } from '../models/metrics/chunks.js';
export {
  conlleval,
  type Labelled,
  type SlotAccumulator,
  type SlotConfusion,
  type SlotCounts,
  type SlotMetric,
  type SlotScores,
  scoreSlots,
} from '../models/metrics/conlleval.js';
export type { TaggedUtterance, TaggerInput, TaggerTarget, Words } from '../models/tagger/encoding.js';
export { type FitTaggerOptions, fitTagger, type TaggerEpoch } from '../models/tagger/fit.js';
export type { FitTaggerSnapshot } from '../models/tagger/fit-snapshot.js';
export type { Grown } from '../models/tagger/growth.js';
export { type Lexicon, type LexiconData, lexicon } from '../models/tagger/lexicon.js';
export type { NetOptions, TaggerCarry, TaggerOutput } from '../models/tagger/net.js';
export {
  loadTagger,
  loadTaggerEither,
  restoreTagger,
  restoreTaggerEither,
  saveTagger,
  saveTaggerEither,
  taggerCheckpoint,
} from '../models/tagger/online/checkpoint.js';
export { correctTags, correctTagsEither, type SlotCorrection } from '../models/tagger/online/corrections.js';
export { type LearnTagsOptions, learnTags } from '../models/tagger/online/learn-tags.js';
export type {
  BegunLesson,
  Corrected,
  LearnedTags,
  LearnTagsSnapshot,
  LearnTagsState,
  PredictedTags,
  RefusedTags,
  TagLesson,
  TagOutcome,
  Taught,
} from '../models/tagger/online/lessons.js';
export {
  type Missing,
  type OpenTagging,
  type Pending,
  type PendingOptions,
  type PendingPolicy,
  type PendingState,
  pending,
} from '../models/tagger/online/pending.js';
export { type Asked, type Predicted, predictTags } from '../models/tagger/online/predict-tags.js';
export {
  type Reservoir,
  type ReservoirOptions,
  type ReservoirState,
  reservoir,
} from '../models/tagger/online/reservoir.js';
export { type Slot, type Slots, slots, slotsOf } from '../models/tagger/online/slots.js';
export {
  type EndOfUtterance,
  endOfUtterance,
  type Spoken,
  type TagOptions,
  tag,
  type UtteranceTagged,
  type WordTagged,
} from '../models/tagger/online/tag.js';
export { scoreTagger } from '../models/tagger/score.js';
export type { OpenUtterance, ProvisionalTag } from '../models/tagger/streaming.js';
export {
  type SubstituteSlotsOptions,
  type SubstitutionOptions,
  substituteSlots,
} from '../models/tagger/substitution.js';
export { type Tagger, type TaggerOptions, tagger } from '../models/tagger/tagger.js';
export type { TaggedWord, Tagging } from '../models/tagger/tagging.js';
export {
  type TaggerLearned,
  type TaggerTrainer,
  type TaggerTrainerOptions,
  taggerTrainer,
} from '../models/tagger/trainer.js';
export type { WeightAverageState } from '../models/weight-average.js';
