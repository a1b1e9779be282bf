import { adam, causalBlocks, dense, embedding, learnedPositions, stack } from '../../src/index.js';
import type { Workload } from '../workload.js';
import { trainingCase } from './models.js';

const [symbols, features, heads, blocks, context, batch] = [65, 128, 4, 4, 64, 12];

/** FLOP of a step forwards: projections and feed-forward networks, scores and sums over half a window, the head. */
const forwardFlop =
  blocks * (2 * features * (4 * features + 8 * features) + 2 * 2 * features * (context / 2)) + 2 * features * symbols;

/** A step of training of a Transformer whose windows stand alone. */
export const transformer: readonly Workload[] = [
  {
    id: 'W7',
    title: '4 causal pre-norm blocks, d 128, 4 heads, FFN 512 ReLU, learned positions, T 64, B 12, Adam',
    cases: () => [
      trainingCase(
        stack({
          embed: embedding(symbols, features),
          positions: learnedPositions(context, features),
          blocks: causalBlocks(features, heads, { blocks, context, finalNorm: false }),
          head: dense(features, symbols),
        }) as never,
        {
          name: 'W7 transformer',
          unit: 'chars/s',
          steps: context,
          batch,
          symbols,
          flop: 3 * forwardFlop,
          optimizer: adam(1e-3),
          alone: true,
        },
      ),
    ],
  },
];
