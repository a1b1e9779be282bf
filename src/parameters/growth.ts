/** Parameters that grow together. */
import type { AxisGrowth, Planned } from './growing.js';
import { type Parameter, type Params, parametersOf } from './parameter.js';

/** An axis of a parameter that is to become so long. */
export type Growth = readonly [parameter: Parameter, axis: number, length: number];

/**
 * Lets parameters grow, all of them or none: memory is taken and everything drawn before the first one changes.
 *
 * @throws as `Parameter.grow`.
 */
export function growTogether(growths: readonly Growth[]): void {
  const byParameter = new Map<Parameter, AxisGrowth[]>();
  for (const [each, axis, length] of growths) {
    byParameter.set(each, [...(byParameter.get(each) ?? []), [axis, length]]);
  }
  const plans: Planned[] = [];
  try {
    for (const [each, own] of byParameter) {
      const plan = each.planned(own);
      if (plan !== undefined) plans.push(plan);
    }
  } catch (error) {
    for (const plan of plans) plan.cancel();
    throw error;
  }
  for (const plan of plans) plan.commit();
}

/** What makes all parameters so long along each axis that they grow along. */
export const growthsOf = (params: Params, length: number): readonly Growth[] =>
  parametersOf(params).flatMap(([, each]) => each.grows.map((axis) => [each, axis, length] as const));
