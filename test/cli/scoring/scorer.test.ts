/** A model that learns a log as it reads it: what it finds strange, and the laws that its scores keep. */
import { BehaviorSubject, filter, firstValueFrom, lastValueFrom, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { isStrangeBy } from '../../../src/cli/score.js';
import { type Distribution, distribution } from '../../../src/cli/scoring/distribution.js';
import { recipe } from '../../../src/cli/scoring/recipe.js';
import { batchAfter, type ScoredLine, scorer } from '../../../src/cli/scoring/scorer.js';
import { languageModel } from '../../../src/models/language-model.js';
import { generator } from '../../../src/random.js';
import { ASCII, type Coder, streamVocabulary } from '../../../src/streams/coder.js';
import { vocabulary } from '../../../src/streams/vocabulary.js';
import { adam } from '../../../src/training/optimizers/adam.js';
import type { TrainerState } from '../../../src/training/trainer-state.js';

const vocab = vocabulary(ASCII, { unknown: { replace: '\uFFFD' } });
const fresh = () => languageModel({ symbols: vocab.size, cell: 'gru', units: 32, embed: 16, seed: 1 });

/** Lines as a server writes them: a few forms, with numbers that nobody can know. */
function log(lines: number): string[] {
  const random = generator(5);
  const number = (most: number) => String(random.below(most));
  const forms = [
    () => `sshd[${number(9999)}]: Invalid user from 10.0.${number(255)}.${number(255)}`,
    () => `sshd[${number(9999)}]: Connection closed [preauth]`,
    () => `cron: job ${number(999999)} done in ${number(999)} ms`,
  ];
  return Array.from({ length: lines }, (_, k) => (forms[(k * 7 + (k >> 2)) % 3] as () => string)());
}

const aliens = [
  'kernel: Out of memory: Kill process (mysqld)',
  "GET /?id=1' UNION SELECT password FROM users--",
  'ÄÖÜ ±±±',
];

interface Reading {
  readonly sizes?: readonly number[];
  /** Whether each group comes only when all lines before it have been scored. */
  readonly waits?: boolean;
  readonly lately?: Distribution;
  readonly learns?: boolean;
  readonly coder?: Coder;
}

const learning = { optimizer: adam(8e-3), clipNorm: 5, state: undefined };

async function read(
  lines: readonly string[],
  model = fresh(),
  { sizes = [1000], waits = false, lately = distribution(), learns = true, coder = vocab }: Reading = {},
) {
  const out$ = new BehaviorSubject(0);
  async function* groups(): AsyncGenerator<readonly string[]> {
    for (let at = 0, k = 0; at < lines.length; k += 1) {
      const before = at;
      if (waits) await firstValueFrom(out$.pipe(filter((count) => count === before)));
      at += sizes[k % sizes.length] as number;
      yield lines.slice(before, at);
    }
  }
  const scored = await lastValueFrom(
    scorer(groups, { model, vocab: coder, distribution: lately, ...(learns && { learning }) }).pipe(
      tap((each) => out$.next(out$.value + each.lines.length)),
      toArray(),
    ),
  );
  return { lines: scored.flatMap((each) => each.lines), groups: scored };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a log that is learnt as it is read', () => {
  const usual = log(700);
  const places = [420, 520, 640];
  const whole = usual.flatMap((line, k) => (places.includes(k) ? [line, aliens[places.indexOf(k)] as string] : [line]));
  const reading = read(whole);

  it('costs fewer and fewer bits', async () => {
    const bits = (await reading).lines.map(({ bits }) => bits);
    expect(mean(bits.slice(600))).toBeLessThan(mean(bits.slice(0, 100)) / 2);
  });

  it('ranks alien lines above 99 % of the others, and marks them alone', async () => {
    const { lines } = await reading;
    const found = lines.filter(({ text }) => aliens.includes(text));
    expect(found).toHaveLength(3);
    for (const { rank } of found) expect(rank).toBeGreaterThan(0.99);
    expect(lines.filter((line) => isStrangeBy(line, recipe.strange)).map(({ text }) => text)).toEqual(
      found.map(({ text }) => text),
    );
  });

  it('says where in an odd line the odd part is', async () => {
    const model = fresh();
    await read(usual.slice(0, 300), model);
    const odd = usual[0]?.replace('Invalid user', 'Invalid ZZQQXX') as string;
    const [line] = (await read([odd], model, { learns: false })).lines;
    expect(odd.slice(...((line as ScoredLine).span as [number, number]))).toContain('ZQQX');
  });

  it('gives each line once and in its order', async () => {
    const { lines } = await reading;
    expect(lines.map(({ text }) => text)).toEqual(whole);
    expect(lines.map(({ line }) => line)).toEqual(whole.map((_, k) => k + 1));
  });
});

const scoresOf = (lines: readonly ScoredLine[]) =>
  lines.map(({ text, bits, score, span, rank }) => ({ text, bits, score, span, rank }));

describe('law: scores do not depend on when lines come', () => {
  const lines = [...log(60), '', 'x'.repeat(700), ...log(30)];
  it.each([
    ['one by one', [1], false],
    ['in groups', [3, 50, 1, 0, 17], false],
    // Those that wait are scored before their batch is there.
    ['with waiting', [5, 2, 11], true],
  ])('%s', async (_, sizes, waits) => {
    const [all, parts] = [await read(lines), await read(lines, fresh(), { sizes, waits })];
    expect(scoresOf(parts.lines)).toEqual(scoresOf(all.lines));
  });

  it('and a line that waits is scored', async () => {
    const { groups: all } = await read(log(12), fresh(), { sizes: [2], waits: true });
    expect(all.some(({ step, lines }) => step === undefined && lines.length > 0)).toBe(true);
  });
});

describe('a reader that learns nothing', () => {
  it('leaves the model as it is, and gives a line the same score each time', async () => {
    const model = fresh();
    const [first, second] = [
      await read(log(50), model, { learns: false }),
      await read(log(50), model, { learns: false }),
    ];
    expect(first.groups.every(({ step }) => step === undefined)).toBe(true);
    expect(first.lines.map(({ score }) => score)).toEqual(second.lines.map(({ score }) => score));
  });
});

describe('a run that goes on', () => {
  it('learns what it would have learnt without a break', async () => {
    // A break where a batch ends.
    const lines = log(120);
    const all = await read(lines);
    const [model, lately] = [fresh(), distribution()];
    let state: TrainerState | undefined;
    const parts: ScoredLine[] = [];
    for (const some of [lines.slice(0, 80), lines.slice(80)]) {
      async function* source() {
        yield some;
      }
      const options = { model, vocab, distribution: lately, learning: { ...learning, state } };
      await scorer(source, options).forEach((each) => {
        parts.push(...each.lines);
        state = each.snapshot?.().state;
      });
    }
    expect(scoresOf(parts)).toEqual(scoresOf(all.lines));
  });
});

it.each([
  [0, 4],
  [300, 4],
  [640, 10],
  [1e9, 32],
])('after %i lines %i are learnt at once', (lines, batch) => expect(batchAfter(lines)).toBe(batch));

describe('a log with symbols that nobody knew', () => {
  const lines = log(120).map((line, k) => (k % 5 === 3 ? `${line} ${'水火木金土日月'[k % 7]}流` : line));
  const ofOpen = async (sizes: readonly number[], waits: boolean) => {
    const open = streamVocabulary();
    const model = languageModel({ symbols: open.size, cell: 'gru', units: 16, embed: 8, seed: 1, grows: true });
    return { open, ...(await read(lines, model, { sizes, waits, coder: open })) };
  };

  it('is scored alike however its lines come, at a price that says which symbol is new', async () => {
    const [at, byOne] = [await ofOpen([1000], false), await ofOpen([1, 2], true)];
    expect(at.open.symbols.slice(98).join('')).toBe('金流火月土木水日');
    expect(byOne.open.toJSON()).toEqual(at.open.toJSON());
    expect(byOne.lines.map(({ bits, score }) => [bits, score])).toEqual(
      at.lines.map(({ bits, score }) => [bits, score]),
    );
    // Two symbols that are new, and the same two once they are known.
    const [first, later] = [at.lines[3], at.lines[108]] as [ScoredLine, ScoredLine];
    expect(first.bits * first.text.length).toBeGreaterThan(later.bits * later.text.length + 40);
  });
});
