/** What answers by a language model: generations and scores, each through a gate of its own. */
import { defer, map, type Observable, Subject, takeUntil, tap, toArray } from 'rxjs';
import type { Core } from '../layer.js';
import { parametersOf, versionOf } from '../parameters/parameter.js';
import type { GenerationRequest } from '../protocol/types.js';
import { type Coder, idsByCodePoint, lineEndIds } from '../streams/coder.js';
import { fromAsync } from '../streams/from-async.js';
import { generateFrom } from '../streams/generate.js';
import { type AlternativeSymbol, alternativesIn } from '../streams/generation/speaker.js';
import { surprisalSeen } from '../streams/surprisal.js';
import { decoderOf } from '../streams/tokenizer/tokenizer.js';
import { type Ids, ids, type Numbers, type Tensor } from '../tensor.js';
import { type Gate, gate } from './gate.js';
import type { Alternatives, AlternativeText, LiveMetrics, SaidSymbol, ScoredText } from './live.js';
import { isClosing } from './live-base.js';
import { rateMeter } from './meters.js';
import { pacedAt } from './paced-at.js';

/** Steps that are scored without a turn for others. */
const PIECE = 16;
/** Texts that are scored at a time. */
const SCORES = 8;
const SYMBOLS = 256;

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

/** Answers of one model, as long as it is open. */
export interface Answers {
  generate(request: GenerationRequest & Alternatives): Observable<SaidSymbol>;
  score(text: string, alternatives?: Alternatives): Observable<ScoredText>;
  readonly version: number;
  figures(): Pick<LiveMetrics, 'version' | 'said' | 'saidPerSecond' | 'active' | 'queued'> & {
    readonly refused: number;
  };
  /** Ends what is under way. */
  close(): void;
}

/** @param atOnce generations at a time. @param queue how many more wait for their turn, and how many scores. */
export function answers(
  model: Core<unknown, Ids, Tensor>,
  vocab: Coder,
  { atOnce = 256, queue = 256 }: { readonly atOnce?: number | undefined; readonly queue?: number | undefined } = {},
): Answers {
  const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
  const turns = gate('generate', atOnce, queue);
  // Of their own: a score is short, and is not to wait for generations that are long.
  const scores = gate('score', SCORES, queue);
  const closing$ = new Subject<void>();
  const saidRate = rateMeter();
  let said = 0;
  let closed = false;
  const version = () => versionOf(parameters);

  /** A text as a prompt; where that has no symbols it is a new line, or the first symbol that there is. */
  function promptOf(text: string): Ids {
    const encoded = [vocab.encode(text), lineEndIds(vocab)].find(({ length }) => length > 0) ?? Int32Array.of(0);
    return ids([encoded.length, 1], encoded);
  }

  /** What answers, as long as the model is open. */
  const answering = <T>(gate: Gate, make: () => Observable<T>): Observable<T> =>
    defer(() => {
      if (closed) throw isClosing();
      return gate.through(make());
    }).pipe(
      takeUntil(
        closing$.pipe(
          tap(() => {
            throw isClosing();
          }),
        ),
      ),
    );

  const named = (alternatives: readonly AlternativeSymbol[]): AlternativeText[] =>
    alternatives.map(({ symbol, surprisal }) => ({ text: vocab.decode([symbol]), surprisal }));

  function generate(request: GenerationRequest & Alternatives): Observable<SaidSymbol> {
    const { prompt, length: symbols = SYMBOLS, temperature = 1, seed, rate, stop, ...others } = request;
    return answering(turns, () => {
      const { push } = decoderOf(vocab);
      return generateFrom(model, promptOf(prompt), {
        ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
        ...(stop && stop.length > 0 && { stop }),
        vocab,
        length: symbols,
        ...(temperature === 0 ? { greedy: true } : { temperature }),
        seed: seed ?? Math.floor(Math.random() * 2 ** 32),
      }).pipe(
        rate === undefined ? (source) => source : pacedAt(rate),
        map(({ data, version: own, surprisal: bitsOf, alternatives }) => {
          said += 1;
          saidRate.add(1);
          return {
            text: push(data),
            version: own,
            ...(bitsOf !== undefined && { surprisal: bitsOf }),
            ...(alternatives && { alternatives: named(alternatives) }),
          };
        }),
      );
    });
  }

  function score(text: string, { alternatives: most = 0 }: Alternatives = {}): Observable<ScoredText> {
    return answering(scores, () => {
      const seen: (AlternativeText[] | null)[] = [];
      const see = (logits: Numbers | undefined) => seen.push(logits ? named(alternativesIn(logits, most)) : null);
      // One by one, since those that are passed over have no surprise.
      const known = idsByCodePoint(vocab, text);
      const encoded = Int32Array.from(known.flatMap((own) => [...own]));
      function* pieces(): Generator<Ids> {
        for (let at = 0; at < encoded.length; at += PIECE) {
          const piece = encoded.slice(at, at + PIECE);
          yield ids([piece.length, 1], piece);
        }
      }
      return fromAsync(pieces).pipe(
        surprisalSeen(model, { vocab, see: most > 0 ? see : undefined }),
        map(({ data }) => data),
        toArray(),
        map((parts) => {
          const all = parts.flatMap((part) => [...part]);
          let begun = 0;
          const places = known.map(({ length }) => {
            begun += length;
            return length === 0 ? undefined : ([begun - length, begun] as const);
          });
          const bits = places.map((own) => (own === undefined ? null : sum(all.slice(...own))));
          const alternatives = most > 0 && { alternatives: places.map((own) => (own && seen[own[0]]) ?? null) };
          return { bits, version: version(), ...alternatives };
        }),
      );
    });
  }

  return {
    generate,
    score,
    get version() {
      return version();
    },
    figures: () => ({
      version: version(),
      said,
      saidPerSecond: saidRate.read(),
      active: turns.active + scores.active,
      queued: turns.queued + scores.queued,
      refused: turns.refused + scores.refused,
    }),
    close() {
      closed = true;
      closing$.next();
    },
  };
}
