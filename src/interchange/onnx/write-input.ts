/** What a model takes, as its first layers tell. */
import type { Json } from '../../runs/description.js';
import { type Descriptions, models } from './nodes.js';

/** What a model takes: ids, or numbers of so many axes. */
export function inputOf(
  d: Descriptions,
  layer: Json | undefined,
): 'ids' | 'images' | readonly [features: number | string] | undefined {
  const thing = d.thing(layer);
  if (thing === undefined) return undefined;
  const { $, args } = thing;
  if (Object.hasOwn(models, $)) return inputOf(d, models[$]?.(d.options(args[0])) as unknown as Json);
  if ($ === 'embedding' || $ === 'oneHot') return 'ids';
  if ($ === 'convolution2d' || $.endsWith('Pooling2d')) return 'images';
  const inner =
    $ === 'stack'
      ? d.children(args[0]).map(([, each]) => each)
      : $ === 'sequential' || $ === 'stacked'
        ? (args[0] as readonly Json[])
        : ['masked', 'residual', 'bidirectional', 'sequential.compile', 'unroll'].includes($)
          ? [args[0] as Json]
          : [];
  for (const each of inner) {
    const found = inputOf(d, each);
    if (found !== undefined) return found;
  }
  const width = $ === 'learnedPositions' || $ === 'sinusoidalPositions' ? args[1] : args[0];
  return inner.length === 0 && typeof width === 'number' && !anyWidth.has($) ? [width] : undefined;
}

/** What takes as many features as there are. */
const anyWidth = new Set(['dropout', 'activation', 'flatten', 'lastStep', 'maxPooling1d', 'meanPooling1d']);
