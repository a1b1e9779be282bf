/** Every choice that decides what `oxbow score` finds strange, in one place. Chosen on the logs of sshd and of HDFS by Loghub. */

export const recipe = {
  /** Of a gru, 128 units have the fewest bits by the thousandth line, and half the cost of an lstm's with as many. */
  model: { cell: 'gru', units: 128, layers: 1, embed: 32, seed: 42 },
  optimizer: 'adam',
  learningRate: 6e-3,
  clipNorm: 5,
  /**
   * Lines that are learnt at once: few at first, so that each of them counts, then one more for each `per` lines that have been learnt,
   * since many side by side cost less.
   */
  batch: { first: 4, per: 64, most: 32 },
  /** Symbols of a line that are read in one lane; a longer one goes on in the next, which reads the last `overlap` of them again. */
  piece: 256,
  overlap: 32,
  /** Symbols of a line that are scored. */
  longest: 4096,
  /** Scores that a line is held against: those of the latter half of all lines, and at most so many. */
  remembered: 4096,
  /** Lines before the first one that may be strange. */
  grace: 200,
  /** Per cent of lines that may be strange: alien lines come in bursts. */
  strange: 3,
  /**
   * A strange line is so many deviations above the median, too: the modified z-score of Iglewicz and Hoaglin (1993), who take 3.5 where all is
   * normal, as scores of lines are not. Of both logs alien lines are 16 and more.
   */
  deviations: 8,
  /** Milliseconds that a line waits for company before it is scored alone. */
  patience: 20,
} as const;
