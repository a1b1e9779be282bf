/** A training of a language model by a command, put together: what `learn`, `listen` and `evaluate` work with. */
import type { Resumed } from '../../runs/resume.js';
import type { Coder, CoderData } from '../../streams/coder.js';
import type { TbpttSnapshot } from '../../streams/tbptt.js';
import type { TrainerState } from '../../training/trainer-state.js';
import type { Interrupt } from '../shared/interrupt.js';
import type { LanguageCore } from '../shared/kept.js';
import type { Screen } from '../shared/screen.js';
import type { CourseData } from './course.js';
import type { HistoryData } from './history.js';
import type { TrainingPage } from './page.js';
import type { Recipe } from './recipes.js';
import type { Split } from './text.js';

/** Where a command is shown, and what ends it before its time. */
export interface Surroundings {
  readonly screen: Pick<Screen, 'live' | 'note' | 'say' | 'record' | 'write'>;
  readonly ending: Pick<Interrupt, 'requested$' | 'requested'>;
}

/** What a run of a language model says of itself, besides what the program that keeps it adds. */
export interface LanguageAbout {
  readonly task: 'language';
  /** As it is by then: an open one grows with its model. */
  readonly vocab: CoderData;
  readonly recipe: Recipe;
  readonly course: CourseData;
  readonly history: HistoryData;
}

/** A run to go on with, as far as its training is the same. */
export interface GoingOn {
  readonly step: number;
  /** When that was. */
  readonly saved: string;
  /** All that the training needs, or only what its optimizer does where it begins at another place. */
  readonly from?: TbpttSnapshot<unknown>;
  readonly state?: TrainerState;
  /** Where its source goes on; undefined where it begins anew. */
  readonly position: unknown;
}

export type KeptLanguage = Resumed<LanguageCore, TbpttSnapshot<unknown>>;

export interface LanguageRun extends Surroundings {
  readonly recipe: Recipe;
  readonly model: LanguageCore;
  readonly vocab: Coder;
  /** Undefined where the text comes from stdin. */
  readonly split: Split | undefined;
  /** Whether the text is another one than that which was learnt. */
  readonly isOther: boolean;
  readonly course: CourseData;
  readonly history: HistoryData | undefined;
  readonly goingOn: GoingOn | undefined;
  /** Whether what is piped in begins where it did last time. */
  readonly pipedAgain: boolean;
  /** What it continues in its samples. */
  readonly prompt: string;
  readonly temperature: number;
  /** The folder that keeps it. */
  readonly keep: string | undefined;
  /** Seconds. */
  readonly saveEvery: number;
  /** What the program adds to what the run says of itself. */
  readonly about: object;
  /** The file of the report. */
  readonly report: string | undefined;
  /** The command line as it was typed. */
  readonly command: string;
  /** The machine in a few words. */
  readonly machine: string;
  /** Opens the live page of the training, which shows the rate of now. */
  readonly openPage?: ((rate: () => number) => Promise<TrainingPage>) | undefined;
}
