/** Text as ids of tokens while it arrives: added tokens, normalizer, pre-tokenizers, model, one after the other. */

import type { AddedTokens } from './added.js';
import { type Cutter, cutter, type Splitter } from './cutter.js';
import type { Model } from './models.js';
import type { Normalizing } from './normalizing.js';
import { type Stage, throughStages } from './stages.js';
import type { TokenEncoder } from './tokenizer.js';

export interface Encoding {
  readonly added: AddedTokens;
  readonly normalizing: Normalizing | undefined;
  /** Before what cuts the text first, that, and after it. */
  readonly head: readonly Exclude<Stage, { kind: 'split' }>[];
  readonly splitter: Splitter;
  readonly tail: readonly Stage[];
  readonly model: Model;
  /** The id of what the model does not know; undefined where that is left out. */
  readonly unknown: number | undefined;
}

/**
 * Encodes one text.
 *
 * Memory: twice the longest piece, an added token, and the chunk of the moment.
 */
export function encoderBy({ added, normalizing, head, splitter, tail, model, unknown }: Encoding): TokenEncoder {
  let ids: number[] = [];
  /** What may be the beginning of an added token. */
  let pending = '';
  let isFirst = true;
  let section: Cutter | undefined;

  function emit(piece: string): void {
    for (const part of throughStages(tail, piece)) {
      for (const token of model.tokens(part)) {
        const id = added.ids.get(token) ?? model.ids.get(token) ?? unknown;
        if (id !== undefined) ids.push(id);
      }
    }
  }

  /** A text between two added tokens: what begins one begins anew. */
  function begin(first: boolean): Cutter {
    const pieces = cutter(splitter, emit);
    const begun = head.map(() => false);
    function push(text: string): void {
      let now = text;
      head.forEach((stage, k) => {
        if (now === '') return;
        if (stage.kind === 'map') now = stage.map(now);
        else if (!begun[k]) now = stage.begin(now, first);
        begun[k] = true;
      });
      if (now !== '') pieces.push(now);
    }
    if (normalizing === undefined) return { push, end: pieces.end };
    let begins = true;
    const parts = cutter(normalizing.splitter, (part) => {
      push(normalizing.normalize(part, begins));
      begins = false;
    });
    return {
      push: parts.push,
      end() {
        parts.end();
        pieces.end();
      },
    };
  }

  function read(ended: boolean): void {
    let at = 0;
    const passOn = (to: number) => {
      if (to === at) return;
      section ??= begin(isFirst);
      isFirst = false;
      section.push(pending.slice(at, to));
      at = to;
    };
    for (;;) {
      const found = added.find(pending, at, ended);
      passOn(found?.start ?? pending.length);
      if (found?.token === undefined) break;
      section?.end();
      section = undefined;
      isFirst = false;
      ids.push(found.token.id);
      at = found.token.end;
    }
    pending = pending.slice(at);
    if (ended) section?.end();
  }

  const taken = () => {
    const done = Int32Array.from(ids);
    ids = [];
    return done;
  };
  return {
    push(text) {
      pending += text;
      read(false);
      return taken();
    },
    end() {
      read(true);
      return taken();
    },
  };
}
