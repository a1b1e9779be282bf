import { map, type OperatorFunction } from 'rxjs';
import { isListOf, isRecord, requireKind, requireModel } from '../../../checks.js';
import type { Tagger } from '../tagger.js';
import type { Tagging } from '../tagging.js';
import { idProblem, type Pending } from './pending.js';

/** An utterance that is to be tagged; with an id, a correction finds it by that. */
export interface Asked {
  readonly id?: string | undefined;
  readonly words: readonly string[];
}

/** What a model says about an utterance, under the id by which a correction finds it. */
export interface Predicted extends Tagging {
  readonly id: string;
}

/**
 * Tags utterances and keeps what was said, so that `learnTags` can learn from corrections that come later, in any order.
 *
 * The weights are read at each utterance, so a model that is learning meanwhile tags with what it has learnt by then.
 *
 * @param model tags the utterances.
 * @param open keeps what was said, for `learnTags`.
 * @returns an operator that gives each utterance tagged, with its id.
 * @throws TypeError (as an error notification) where what comes is no utterance, or its id no text.
 * @throws RangeError (as an error notification) where no more predictions may wait and the policy is `error`.
 * @example
 * const open = pending({ capacity: 1000 });
 * utterance$.pipe(predictTags(reader, open)) // { id: '#0', words: [{ word: 'to', tag: 'O', probability: … }, …] }
 */
export function predictTags(model: Tagger, open: Pending): OperatorFunction<Asked, Predicted> {
  requireModel('predictTags', model);
  return map((asked) => {
    const fits = isRecord(asked) && isListOf('string', asked.words);
    requireKind('predictTags', fits, 'utterances { words }, a list of texts', asked, 'split texts into words first');
    const problem = idProblem(asked.id);
    if (problem !== undefined) throw new TypeError(`predictTags: ${problem}`);
    return predictOne(model, open, asked);
  });
}

/** Tags one utterance and keeps what was said. */
export function predictOne(model: Tagger, open: Pending, { id, words }: Asked): Predicted {
  const [prediction] = model.tag([words]) as readonly [Tagging];
  return { id: open.add({ words: [...words], prediction }, id), ...prediction };
}
