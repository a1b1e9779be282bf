import { evaluate, type GptCarry, type Ids, ids, type Layer } from 'oxbow';

/** Windows side by side. */
const LANES = 16;

/** Mean loss in nats over a text, cut into windows that stand alone: each symbol is predicted from those before it in its window. */
export function heldOutLoss(model: Layer<GptCarry, Ids>, symbols: Int32Array, length: number, classes: number): number {
  const windows = Math.floor((symbols.length - 1) / length);
  let sum = 0;
  for (let first = 0; first < windows; first += LANES) {
    const lanes = Math.min(LANES, windows - first);
    const at = (k: number) => (first + (k % lanes)) * length + Math.floor(k / lanes);
    const input = Int32Array.from({ length: length * lanes }, (_, k) => symbols[at(k)] as number);
    const [logits] = evaluate(model, model.initial(lanes), ids([length, lanes], input));
    for (let k = 0; k < length * lanes; k += 1) {
      sum += surprise(logits.data.subarray(k * classes, (k + 1) * classes), symbols[at(k) + 1] as number);
    }
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
