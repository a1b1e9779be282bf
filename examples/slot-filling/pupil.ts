/** A tagger that is asked first and told afterwards, and grows by what it is told. */
import { adam, type TaggedUtterance, type Tagger, type Tagging, tagger, taggerTrainer } from 'oxbow';
import { reservoir } from '../../src/models/online/reservoir.js';
import { namesOf } from './data.js';
import { online } from './recipe.js';

export interface PupilOptions {
  readonly units: number | undefined;
  readonly seed: number;
  /** Whether it is reminded of what it learnt before. */
  readonly replay: boolean;
}

export interface Pupil {
  readonly model: Tagger;
  /** What it makes of an utterance. */
  ask(words: readonly string[]): Tagging;
  /** Learns from an utterance at once, whatever words, tags and intent it has. */
  tell(utterance: TaggedUtterance): void;
  release(): void;
}

/** It knows nothing but the names of one utterance: a net has to have something to tell. */
export function pupil(first: TaggedUtterance, { units, seed, replay }: PupilOptions): Pupil {
  const model = tagger({ ...namesOf([first]), ...online.model, ...(units !== undefined && { units }), seed });
  const trainer = taggerTrainer(model, { optimizer: adam(online.learningRate), clipNorm: online.clipNorm });
  const past = reservoir<TaggedUtterance>({ size: online.replay.size, seed });
  return {
    model,
    ask: (words) => model.tag([words])[0] as Tagging,
    tell(utterance) {
      model.grow([utterance]);
      trainer.learn([utterance, ...(replay ? past.draw(online.replay.mix) : [])]);
      past.offer(utterance);
    },
    release: trainer.release,
  };
}
