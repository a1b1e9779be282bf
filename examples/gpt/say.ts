import { generateFrom, ids, text } from 'oxbow';
import { takeUntil, tap } from 'rxjs';
import type { Interrupt } from '../shared/interrupt.js';
import type { Screen } from '../shared/screen.js';
import type { Speaker } from './model.js';
import { recipe } from './recipe.js';

/** What the model says from the start of a line, symbol by symbol as it is generated. */
export async function speak(
  { model, shape, course, vocab }: Speaker,
  temperature: number,
  screen: Screen,
  interrupt: Interrupt,
): Promise<string> {
  const prompt = ids([1, 1], [Math.max(0, vocab.symbols.indexOf('\n'))]);
  const { context } = shape;
  let said = '';
  screen.write('\n');
  await generateFrom(model, prompt, { length: recipe.length, temperature, seed: course.seed, context })
    .pipe(text(vocab), takeUntil(interrupt.requested$), tap(screen.write))
    .forEach((symbol) => {
      said += symbol;
    });
  screen.write('\n');
  return said;
}
