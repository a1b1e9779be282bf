/** `eager`: the primitives on the kernels, in float32. Results are places of a window's workspace. */

import { draws } from '../draws.js';
import { requireArguments } from '../operands.js';
import type { Ops } from '../ops.js';
import { arrangement } from './arrangement.js';
import { attending } from './attention.js';
import { chains } from './chain.js';
import { deltaRules } from './delta-rule.js';
import { elementwise } from './elementwise.js';
import { images } from './images.js';
import { product } from './product.js';
import { recurrence } from './recurrence.js';
import { reduction } from './reduction.js';
import { scanning } from './scan.js';
import { table } from './table.js';
import type { Workspace } from './workspace.js';

export function eager(space: Workspace): Ops {
  const ops: Ops = {
    training: false,
    draw: draws(0),
    ...product(space),
    ...elementwise(space),
    ...arrangement(space),
    ...reduction(space),
    ...chains(space),
    ...table(space),
    ...images(space),
    ...attending(space),
    ...scanning(space),
    ...deltaRules(space),
    recurrences: recurrence(space),
    custom(operands, rule) {
      requireArguments('custom', operands, rule);
      return rule.forward(ops, ...operands);
    },
  };
  return ops;
}
