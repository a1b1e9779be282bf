/** A folder with a run, opened as what it is. */
import { checkedOptions, type Names } from '../options.js';
import { type Resumed, resume } from '../runs/resume.js';
import type { LiveModel } from './live.js';
import { refuseRun } from './live-base.js';
import {
  checkLanguage,
  type LiveLanguageModelOptions,
  languageModelFrom,
  languageNames,
} from './live-language-model.js';
import { type LiveTaggerOptions, taggerFrom } from './live-tagger.js';

/** The options of {@link openLive}: of a language model where the folder has no run yet. */
export type OpenLiveOptions = Omit<LiveLanguageModelOptions, 'folder'> & Pick<LiveTaggerOptions, 'tier'>;

const { folder: _, ...withoutFolder }: Names<LiveLanguageModelOptions> = languageNames;

/**
 * Opens what a folder holds: a language model, or a tagger; where it holds no run yet, a new language model.
 *
 * @param folder its path.
 * @param options as of `liveLanguageModel`; a tagger takes its learning rate, and how it is kept.
 * @returns resolves with the model, which has the folder.
 * @throws TypeError (as a rejection) where an option is not known, or the folder holds a run of another kind.
 * @throws OxbowError (as a rejection) as `resume` does.
 * @example
 * ```ts no-run
 * import { openLive } from 'oxbow/serve';
 *
 * const live = await openLive('models/alice');
 * if (live.task === 'language') live.generate({ prompt: 'Alice ' }).subscribe(({ text }) => process.stdout.write(text));
 * ```
 */
export async function openLive(folder: string, options: OpenLiveOptions = {}): Promise<LiveModel> {
  checkLanguage('openLive', checkedOptions('openLive', options, withoutFolder));
  // biome-ignore lint/suspicious/noExplicitAny: what it is of is known by its task.
  const run = (await resume<any, any>(folder, { tier: options.tier })) as Resumed<any, any> | undefined;
  const task = (run?.about as { task?: unknown } | undefined)?.task;
  if (run === undefined || task === 'language') return languageModelFrom(run, { ...options, folder });
  if (task !== 'tagger') return refuseRun(folder, 'openLive');
  const { everyMs, keep, signals, learningRate, thread, learning } = options;
  return taggerFrom(run, { folder, everyMs, keep, signals, learningRate, thread, learning });
}
