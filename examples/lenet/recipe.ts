/** Every choice that decides what comes out, in one place. */
import { adam, cosine, type LeNet5Options, type Optimizer, sgd } from 'oxbow';

export interface Recipe {
  readonly about: string;
  readonly net: LeNet5Options;
  readonly batch: number;
  readonly epochs: number;
  /** Pixels by which each image is shifted at most, drawn again each time; 0 for not at all. */
  readonly shift: number;
  /** The optimizer of a run of so many steps. */
  optimizer(steps: number): Optimizer;
}

export const recipes = {
  lecture: {
    about: "the lecture's net: 6 and 16 maps, plain SGD at 0.01",
    net: {},
    batch: 64,
    epochs: 50,
    shift: 0,
    optimizer: () => sgd(0.01),
  },
  better: {
    about: 'wider maps, ReLU throughout, dropout, shifted images, Adam with a cosine',
    net: { maps: [16, 48], units: [128, 84], relu: 'all', dropout: 0.4 },
    batch: 64,
    epochs: 8,
    shift: 2,
    optimizer: (steps) => adam(cosine({ rate: 1.5e-3, steps, floor: 1e-5 })),
  },
} as const satisfies Record<string, Recipe>;

export type RecipeName = keyof typeof recipes;
export const usual = { recipe: 'better', seed: 42 } as const satisfies { recipe: RecipeName; seed: number };
