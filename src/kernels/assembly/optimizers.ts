// Updates in place, eight numbers a turn. An optimizer is one function of
//   operands: addresses of the weights, the gradient, each slot and the window's own arrays;
//   count: how many numbers, whole groups of eight;
//   numbers: the optimizer's own;
//   span: two words of the parameter's span: what its gradient is multiplied by, and 4 for a bias or else 0, by which
//   numbers that a bias has for itself lie further.
// A new one is such a function, a name in `Rule` and a case of `apply`.
import { Rule } from '../jobs';
import { adam, adamw, nadam } from './optimizers/adam';
import { adadelta, adagrad, rmsprop } from './optimizers/adaptive';
import { adasecant, probe, vsgd } from './optimizers/curvature';
import { average, outerNesterov } from './optimizers/averages';
import {
  classicalMomentum,
  lookAhead,
  momentum,
  nesterovSimplified,
  sgd,
} from './optimizers/momentum';

export function apply(rule: i32, operands: usize, count: i32, numbers: usize, span: usize): void {
  switch (rule) {
    case Rule.sgd: return sgd(operands, count, numbers, span);
    case Rule.momentum: return momentum(operands, count, numbers, span);
    case Rule.classicalMomentum: return classicalMomentum(operands, count, numbers, span);
    case Rule.lookAhead: return lookAhead(operands, count, numbers);
    case Rule.nesterovSimplified: return nesterovSimplified(operands, count, numbers, span);
    case Rule.adagrad: return adagrad(operands, count, numbers, span);
    case Rule.rmsprop: return rmsprop(operands, count, numbers, span);
    case Rule.adadelta: return adadelta(operands, count, numbers, span);
    case Rule.adam: return adam(operands, count, numbers, span);
    case Rule.adamw: return adamw(operands, count, numbers, span);
    case Rule.nadam: return nadam(operands, count, numbers, span);
    case Rule.adasecant: return adasecant(operands, count, numbers, span);
    case Rule.probe: return probe(operands, count, numbers, span);
    case Rule.vsgd: return vsgd(operands, count, numbers, span);
    case Rule.average: return average(operands, count, numbers);
    case Rule.outerNesterov: return outerNesterov(operands, count, numbers);
  }
}
