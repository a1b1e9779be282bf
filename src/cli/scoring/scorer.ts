/** Scores lines as they come, and learns from each once it has been scored. */
import { defer, finalize, type Observable } from 'rxjs';
import { toSignal } from '../../ops/window.js';
import type { Coder } from '../../streams/coder.js';
import { nextTurn } from '../../streams/event-loop.js';
import { fromAsync } from '../../streams/from-async.js';
import { isOpen } from '../../streams/open-vocabulary.js';
import { growByTexts } from '../../streams/symbol-growth.js';
import type { TbpttSnapshot } from '../../streams/tbptt.js';
import type { Tensor } from '../../tensor.js';
import { crossEntropy } from '../../training/losses/cross-entropy.js';
import type { Optimizer } from '../../training/optimizers/optimizer.js';
import { trainer } from '../../training/trainer.js';
import type { TrainerState } from '../../training/trainer-state.js';
import type { LanguageCore } from '../shared/kept.js';
import type { Distribution, Standing } from './distribution.js';
import { recipe } from './recipe.js';
import { entropies, type LineSurprise, perLine, surpriseOf } from './surprise.js';
import { beginningOf, type EncodedLine, encoder, lanesOf, readOf, windowOf } from './windows.js';

/** A line, how surprising it was, and where that stands among the lines before it. */
export interface ScoredLine extends LineSurprise, Standing {
  /** From 1, of all lines that were scored, by earlier processes too. */
  readonly line: number;
  readonly text: string;
}

/** Lines that were scored; where a batch was learnt, all that `checkpointed` asks of the outcome of an update. */
export interface Scored {
  readonly lines: readonly ScoredLine[];
  readonly step?: number;
  snapshot?(): TbpttSnapshot<unknown>;
}

export interface ScorerOptions {
  readonly model: LanguageCore;
  readonly vocab: Coder;
  readonly distribution: Distribution;
  /** Without it nothing is learnt. */
  readonly learning?: {
    readonly optimizer: Optimizer;
    readonly clipNorm: number;
    readonly state: TrainerState | undefined;
  };
}

/** Lines of a batch, when so many have been learnt. */
export function batchAfter(lines: number): number {
  const { first, per, most } = recipe.batch;
  return Math.min(most, Math.max(first, Math.floor(lines / per)));
}

/** Whether a promise is settled within so many milliseconds. */
async function comesSoon(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const soon = await Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    late,
  ]);
  clearTimeout(timer);
  return soon;
}

/**
 * Scores groups of lines as they come, each by the weights as they are after the last whole batch before it. A whole batch is scored
 * and learnt in one pass; lines that wait for company longer than `recipe.patience` are scored at once, and learnt with their
 * batch when that is there. So the scores do not depend on when lines come: a law that a test holds.
 *
 * Memory: a batch, what `lines` gives at once, and what the distribution remembers.
 */
export function scorer(
  lines: (stopped: AbortSignal) => AsyncGenerator<readonly string[]>,
  { model, vocab, distribution, learning }: ScorerOptions,
): Observable<Scored> {
  const encode = encoder(vocab);
  const beginning = beginningOf(vocab);
  /** Bits that say which symbol an escape stands for. */
  const naming = () => (isOpen(vocab) ? vocab.naming() : 0);

  function said(batch: readonly EncodedLine[], surprises: readonly LineSurprise[]): readonly ScoredLine[] {
    return batch.map(({ text }, k) => {
      const surprise = surprises[k] as LineSurprise;
      const standing = distribution.add(surprise.score);
      return { line: distribution.lines, text, ...surprise, ...standing };
    });
  }

  async function* read(stopped: AbortSignal, learner: Learner | undefined): AsyncGenerator<Scored> {
    const before = distribution.lines;
    let learnt = 0;
    let waiting: EncodedLine[] = [];
    /** How many of those that wait have been scored. */
    let known = 0;
    let lanes = 0;

    function scoreWaiting(): Scored {
      const batch = waiting.slice(known);
      known = waiting.length;
      const window = windowOf(batch, beginning);
      return { lines: said(batch, perLine(batch, window, surpriseOf(model, window), naming())) };
    }

    function learnWaiting(learner: Learner): Scored {
      const window = windowOf(waiting, beginning);
      const { input, target } = window;
      const { each, observed } = learner.learn({ carry: model.initial(input.shape[1] as number), input, target });
      const surprises = perLine(waiting, window, { each: (each as Tensor).data, expected: observed }, naming());
      // A symbol that is new is the escape wherever it stands in its batch, so that scores do not depend on when lines come.
      growByTexts('score', model.params, vocab, waiting.map(readOf));
      const step = learner.steps;
      return {
        lines: said(waiting.slice(known), surprises.slice(known)),
        step,
        snapshot: () => ({ state: learner.state(), carry: model.initial(1) }),
      };
    }

    function endBatch(): Scored {
      // Of lines without symbols there is nothing to learn.
      const isEmpty = waiting.every(({ symbols }) => symbols.length === 0);
      const scored = learner === undefined || isEmpty ? scoreWaiting() : learnWaiting(learner);
      learnt += waiting.length;
      [waiting, known, lanes] = [[], 0, 0];
      return scored;
    }

    const source = lines(stopped);
    const pull = () => {
      const pulled = source.next();
      // Nobody waits for it once this has ended.
      pulled.catch(() => undefined);
      return pulled;
    };
    try {
      let next = pull();
      for (;;) {
        if (known < waiting.length && !(await comesSoon(next, recipe.patience))) yield scoreWaiting();
        const { value = [], done } = await next;
        if (!done) next = pull();
        for (const text of value) {
          const line = encode(text);
          waiting.push(line);
          lanes += lanesOf(line);
          if (lanes < batchAfter(before + learnt)) continue;
          yield endBatch();
          // Signals have their turn.
          await nextTurn();
        }
        if (done) break;
      }
      if (waiting.length > 0) yield endBatch();
    } finally {
      await source.return(undefined);
    }
  }
  return defer(() => {
    const learner = learning && learnerOf(model, learning);
    // Not before the last of the run has been kept.
    return fromAsync((stopped) => read(stopped, learner)).pipe(finalize(() => learner?.release()));
  });
}

type Learner = ReturnType<typeof learnerOf>;

function learnerOf(model: LanguageCore, { optimizer, clipNorm, state }: NonNullable<ScorerOptions['learning']>) {
  return trainer(model, {
    loss: crossEntropy(),
    optimizer,
    clipNorm,
    state,
    each: true,
    observe: (ops, { prediction }: { readonly prediction: Tensor }) => {
      const entropy = entropies(ops, prediction);
      return () => toSignal(entropy).data;
    },
  });
}
