/** Tokens that are found in a text before anything else, such as `<|endoftext|>`, wherever the text is cut. */

import type { Reader } from './reading.js';

interface Node {
  readonly next: Map<string, Node>;
  id: number | undefined;
}

export interface Found {
  readonly start: number;
  /** Undefined where a token may begin there that is not whole yet. */
  readonly token: { readonly id: number; readonly end: number } | undefined;
}

export interface AddedTokens {
  readonly ids: ReadonlyMap<string, number>;
  /** The first place of a text, from one on, where a token stands or may stand; the longest there. */
  find(text: string, from: number, ended: boolean): Found | undefined;
}

const MOST = { tokens: 65_536, length: 256, characters: 2 ** 20, ids: 2 ** 20 } as const;

export function addedTokens(file: Reader, normalizes: boolean): AddedTokens {
  const root: Node = { next: new Map(), id: undefined };
  const ids = new Map<string, number>();
  let characters = 0;
  for (const each of file.parts('added_tokens', MOST.tokens)) {
    const content = each.text('content');
    characters += content.length;
    if (content === '' || content.length > MOST.length) {
      each.refuse(`has ${content.length} characters; 1 to ${MOST.length} are taken.`, 'content');
    }
    if (characters > MOST.characters) each.refuse(`there are more than ${MOST.characters} characters of added tokens.`);
    if (/\p{Surrogate}/u.test(content)) each.refuse('has half a character.', 'content');
    if (ids.has(content)) each.refuse(`${JSON.stringify(content)} is there twice.`, 'content');
    for (const name of ['single_word', 'lstrip', 'rstrip']) each.only(name, false);
    if (normalizes && each.flag('normalized', !each.flag('special', false))) {
      each.refuse('is true, which is not taken here where there is a normalizer.', 'normalized');
    }
    ids.set(content, each.count('id', MOST.ids - 1));
    let node = root;
    for (const unit of content.split('')) {
      let next = node.next.get(unit);
      if (next === undefined) {
        next = { next: new Map(), id: undefined };
        node.next.set(unit, next);
      }
      node = next;
    }
    node.id = ids.get(content);
  }

  function find(text: string, from: number, ended: boolean): Found | undefined {
    if (ids.size === 0) return undefined;
    for (let start = from; start < text.length; start += 1) {
      let token: Found['token'];
      let node = root.next.get(text[start] as string);
      let at = start + 1;
      while (node !== undefined) {
        if (node.id !== undefined) token = { id: node.id, end: at };
        if (at === text.length) break;
        node = node.next.get(text[at] as string);
        at += 1;
      }
      if (node !== undefined && node.next.size > 0 && !ended) return { start, token: undefined };
      if (token !== undefined) return { start, token };
    }
    return undefined;
  }
  return { ids, find };
}
