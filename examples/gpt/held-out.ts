import { setImmediate as nextTurn } from 'node:timers/promises';
import { evaluate, ids } from 'oxbow';
import { clock } from '../shared/course.js';
import type { Interrupt } from '../shared/interrupt.js';
import { count } from '../shared/numbers.js';
import type { Screen } from '../shared/screen.js';
import type { Speaker } from './model.js';
import { recipe } from './recipe.js';

/** Windows side by side. */
const LANES = 16;

/**
 * Mean loss in nats over the first of a text's symbols, cut into windows that stand alone: each symbol is predicted from
 * those before it in its window. Undefined where it was interrupted.
 */
export async function heldOutLoss(
  { model, vocab, shape: { context: length } }: Speaker,
  symbols: Int32Array,
  screen: Screen,
  interrupt: Interrupt,
): Promise<number | undefined> {
  const windows = Math.floor((Math.min(symbols.length, Math.max(recipe.scored, length) + 1) - 1) / length);
  const time = clock();
  let sum = 0;
  for (let first = 0; first < windows; first += LANES) {
    const lanes = Math.min(LANES, windows - first);
    const at = (k: number) => (first + (k % lanes)) * length + Math.floor(k / lanes);
    const input = Int32Array.from({ length: length * lanes }, (_, k) => symbols[at(k)] as number);
    const [logits] = evaluate(model, model.initial(lanes), ids([length, lanes], input));
    for (let k = 0; k < length * lanes; k += 1) {
      sum += surprise(logits.data.subarray(k * vocab.size, (k + 1) * vocab.size), symbols[at(k) + 1] as number);
    }
    const done = first + lanes;
    screen.live(() => {
      const left = count(time.left(done / windows));
      return `scoring held-out text: ${count(done * length)} of ${count(windows * length)} characters · ${left} s left`;
    });
    await nextTurn();
    if (interrupt.requested()) return undefined;
  }
  return sum / (windows * length);
}

/** −log softmax(logits)[id], about the largest logit. */
function surprise(logits: ArrayLike<number>, id: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v += 1) top = Math.max(top, logits[v] as number);
  let total = 0;
  for (let v = 0; v < logits.length; v += 1) total += Math.exp((logits[v] as number) - top);
  return Math.log(total) + top - (logits[id] as number);
}
