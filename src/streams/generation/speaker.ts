/** Who says the symbols of one generation: by itself as long as no other of its model is under way, then in their company. */
import type { Core } from '../../layer.js';
import { parametersOf, versionOf } from '../../parameters/parameter.js';
import type { RandomGenerator } from '../../random.js';
import type { Ids, Numbers, Tensor } from '../../tensor.js';
import { mostProbable, natsOf } from '../logits.js';
import { type Alone, alone } from './alone.js';
import { type Company, type CompanyMember, companyOf } from './company.js';
import { type DrawingOptions, drawnFrom, type SymbolDrawing, symbolDrawing } from './drawing.js';

/** A symbol that was said. */
export interface Said {
  readonly symbol: number;
  /** Of the weights. */
  readonly version: number;
  /** In bits; undefined where nobody asked for it. */
  readonly surprisal: number | undefined;
  /** The most probable ones; undefined where nobody asked for them. */
  readonly alternatives: readonly AlternativeSymbol[] | undefined;
}

/** A symbol that was among the most probable, and `−log₂` of its probability. */
export interface AlternativeSymbol {
  readonly symbol: number;
  readonly surprisal: number;
}

export interface Speaker<S> {
  /** A symbol was read. */
  read(symbol: number): void;
  /** What comes next follows a carry and a symbol. */
  begin(carry: S, after: number): void;
  /** What comes next is drawn from these logits, and goes on from a carry that has seen all before it. */
  beginFrom(carry: S, logits: Numbers): void;
  /** The next symbol. */
  next(): Said | Promise<Said>;
  /** Gives its memory back; it is of no use afterwards. */
  release(): void;
}

export interface SpeakerOptions extends DrawingOptions {
  readonly surprisal?: boolean;
  readonly alternatives?: number;
}

/** The most probable symbols of a row of logits. */
export const alternativesIn = (logits: Numbers, count: number): AlternativeSymbol[] =>
  mostProbable(logits, count).map((symbol) => ({ symbol, surprisal: natsOf('generate', logits, symbol) / Math.LN2 }));

/** What is to be given back; nothing in it leads to the speaker. */
interface Held<S> {
  readonly drawing: SymbolDrawing;
  readonly leaveCompany: () => void;
  stepper: Alone<S> | undefined;
  member: CompanyMember<S> | undefined;
}

function giveBack({ drawing, leaveCompany, stepper, member }: Held<unknown>): void {
  stepper?.release();
  member?.leave();
  drawing.free();
  leaveCompany();
}

// A generation may be left where it is, without a word.
const abandoned = new FinalizationRegistry<Held<unknown>>(giveBack);

/** @throws RangeError, of `next`, where the model has diverged, or says a symbol that it does not take. */
export function speaker<S>(model: Core<S, Ids, Tensor>, options: SpeakerOptions, draws: RandomGenerator): Speaker<S> {
  const company: Company<S> = companyOf(model);
  const drawing = symbolDrawing(options, draws);
  const held: Held<S> = { drawing, leaveCompany: company.join(), stepper: undefined, member: undefined };
  const parameters = parametersOf(model.params).map(([, parameter]) => parameter);
  /** Where the next symbol begins, until it is said. */
  let start: { readonly carry: S; readonly after: number } | undefined;
  /** What the next symbol is drawn from, and the carry that it goes on from. */
  let read: { readonly carry: S; readonly logits: Numbers } | undefined;
  let last = 0;
  let together = true;

  function take(symbol: number, logits: Numbers, version: number): Said {
    last = symbol;
    start = undefined;
    drawing.said(symbol);
    const surprisal = options.surprisal ? natsOf('generate', logits, symbol) / Math.LN2 : undefined;
    const alternatives = options.alternatives ? alternativesIn(logits, options.alternatives) : undefined;
    return { symbol, version, surprisal, alternatives };
  }

  /** The member of a batch that it becomes once there are others. */
  function memberNow(): CompanyMember<S> | undefined {
    if (held.member === undefined && together && company.size > 1) {
      const carry = start?.carry ?? (held.stepper as Alone<S>).carry;
      held.member = company.enter(carry, drawing);
      together = held.member !== undefined;
      if (together) {
        held.stepper?.release();
        held.stepper = undefined;
      }
    } else if (held.member !== undefined && start !== undefined) {
      held.member.begin(start.carry);
    }
    return held.member;
  }

  async function asked(member: CompanyMember<S>): Promise<Said> {
    let said: Said | undefined;
    await member.ask(start?.after ?? last, (symbol, logits) => {
      said = take(symbol, logits, versionOf(parameters));
    });
    return said as Said;
  }

  function sayAlone(): Said {
    if (start !== undefined) {
      held.stepper?.release();
      held.stepper = alone(model, start.carry, drawing);
    }
    const stepper = held.stepper as Alone<S>;
    const symbol = stepper.next(start?.after);
    return take(symbol, stepper.logits, versionOf(parameters));
  }

  function sayRead({ carry, logits }: NonNullable<typeof read>): Said {
    read = undefined;
    drawing.ready();
    const said = take(drawnFrom(logits, drawing), logits, versionOf(parameters));
    start = { carry, after: said.symbol };
    return said;
  }

  const self: Speaker<S> = {
    read: drawing.said,
    begin(carry, after) {
      start = { carry, after };
    },
    beginFrom(carry, logits) {
      read = { carry, logits };
    },
    next() {
      if (read !== undefined) return sayRead(read);
      const member = memberNow();
      drawing.ready();
      return member === undefined ? sayAlone() : asked(member);
    },
    release() {
      if (abandoned.unregister(held)) giveBack(held as Held<unknown>);
    },
  };
  abandoned.register(self, held as Held<unknown>, held);
  return self;
}
