import { shown } from '../../../checks.js';
import { bareLabelIn } from '../encoding.js';
import type { Lexicon } from '../lexicon.js';
import type { Tagger } from '../tagger.js';
import type { Taught } from './lessons.js';

/** Why a model that may have so many tags and intents cannot learn an utterance; undefined where it can. */
export function lessonProblem(
  model: Tagger,
  { words, tags, intent }: Taught,
  most: { readonly tags: number; readonly intents: number },
): string | undefined {
  if (words.length === 0) return 'an utterance without words has nothing to be learnt.';
  if (!Array.isArray(tags)) return `an utterance's tags are a list, not ${shown(tags)}; give one tag a word.`;
  if (intent !== undefined && typeof intent !== 'string') return `an intent is a name, not ${shown(intent)}.`;
  if (tags.length !== words.length) {
    return `an utterance has ${words.length} words and ${tags.length} tags; give one tag a word.`;
  }
  const nameless = tags.findIndex((tag) => typeof tag !== 'string' || tag === '');
  if (nameless >= 0) return `word ${nameless} of an utterance has no tag; words outside of slots have O.`;
  return (
    (model.constrained ? bareLabelIn(tags) : undefined) ??
    tooMany(model.tags, tags, most.tags, 'tags') ??
    (model.intents && intent !== undefined ? tooMany(model.intents, [intent], most.intents, 'intents') : undefined)
  );
}

function tooMany(lexicon: Lexicon, names: readonly string[], most: number, what: string): string | undefined {
  const fresh = new Set(names.filter((name) => lexicon.idOf(name) === undefined));
  if (fresh.size === 0 || lexicon.size + fresh.size <= most) return undefined;
  const [first] = fresh;
  return `the model has ${lexicon.size} ${what} and may have ${most}, so ${shown(first)} is not learnt; raise \`most\`.`;
}
