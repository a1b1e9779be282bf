/**
 * Python's pickles, as far as `torch.save` writes them of plain tensors (protocols 2 to 5; CPython's `pickletools` says what each
 * instruction does). A pickle is a program; this machine has the instructions that make plain data, and globals of a list,
 * for which symbols stand: nothing is imported, and nothing runs. All else is refused by its name and place.
 */

/** A global of the list, by module and name. */
export class Global {
  constructor(readonly name: string) {}
}

/** What a global made of what it was given; what that is worth is for others to say. */
export class Made {
  constructor(
    readonly by: string,
    readonly args: readonly Value[],
  ) {}
}

/** What is kept outside of the pickle. */
export class Outside {
  constructor(readonly id: Value) {}
}

/** A list and a tuple are both lists here. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Value[]
  | Map<Value, Value>
  | Global
  | Made
  | Outside;

/** What is wrong with a pickle, and at which of its bytes. */
export class PickleFault extends Error {}

/** More than any checkpoint of a model has. */
const MOST_VALUES = 1_000_000;
const MOST_BYTES = 100_000_000;

const MARK = Symbol('mark');
type Item = Value | typeof MARK;

const DICT = 'collections.OrderedDict';

/** @throws PickleFault where it is none, or would do what is not on the list. */
export function readPickle(bytes: Uint8Array, allowed: ReadonlySet<string>): Value {
  if (bytes.length > MOST_BYTES) {
    throw new PickleFault(`it has ${bytes.length} bytes, and ${MOST_BYTES} are the most of what is no tensor`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: Item[] = [];
  const memo = new Map<number, Value>();
  let at = 0;
  let start = 0;
  let values = 0;

  const fault = (what: string) => new PickleFault(`${what}, at byte ${start}`);
  const fail = (what: string): never => {
    throw fault(what);
  };
  /** Passes over so many bytes, and says where they begin. */
  function pass(count: number): number {
    if (count > bytes.length - at) fail(`it ends within what takes ${count} bytes`);
    at += count;
    return at - count;
  }
  const text = (count: number): string => {
    const from = pass(count);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(from, at));
    } catch {
      return fail('it has a text that is no UTF-8');
    }
  };
  function line(): string {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) fail('it has a line without an end');
    const read = text(end - at);
    at += 1;
    return read;
  }
  function wide(): number {
    const count = view.getBigUint64(pass(8), true);
    return count > BigInt(bytes.length) ? fail(`it ends within what takes ${count} bytes`) : Number(count);
  }

  function push(value: Value): void {
    values += 1;
    if (values > MOST_VALUES) fail(`it has more than ${MOST_VALUES} values`);
    stack.push(value);
  }
  function pop(): Value {
    const item = stack.pop();
    return item === undefined || item === MARK ? fail('it takes a value where there is none') : item;
  }
  function top(): Value {
    const item = stack.at(-1);
    return item === undefined || item === MARK ? fail('it looks at a value where there is none') : item;
  }
  /** All since the last mark, which goes. */
  function marked(): Value[] {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) fail('it goes back to a mark that is not there');
    return stack.splice(mark).slice(1) as Value[];
  }
  function tuple(count: number): void {
    const items = Array.from({ length: count }, pop);
    push(items.reverse());
  }

  function put(into: Value, pairs: readonly Value[]): void {
    if (!(into instanceof Map) || pairs.length % 2 !== 0) throw fault('it puts what is no pair into what is no dict');
    for (let k = 0; k < pairs.length; k += 2) into.set(pairs[k] as Value, pairs[k + 1] as Value);
  }
  function append(into: Value, items: readonly Value[]): void {
    if (!Array.isArray(into)) throw fault('it appends to what is no list');
    for (const item of items) into.push(item);
  }
  function called(by: Value, args: Value): Value {
    if (!(by instanceof Global)) return fail('it calls what is no global');
    if (!Array.isArray(args)) return fail(`it calls ${by.name} with what is no tuple`);
    if (by.name !== DICT) return new Made(by.name, args);
    const dict = new Map<Value, Value>();
    const [pairs = []] = args;
    if (args.length > 1 || !Array.isArray(pairs)) return fail(`it calls ${by.name} with what is no list of pairs`);
    for (const pair of pairs) put(dict, Array.isArray(pair) ? pair : [pair]);
    return dict;
  }
  function globalOf(module: Value, name: Value): Global {
    if (typeof module !== 'string' || typeof name !== 'string')
      return fail('it asks for a global whose name is no text');
    const whole = `${module}.${name}`;
    if (allowed.has(whole)) return new Global(whole);
    return fail(`it asks for the global ${whole.slice(0, 100)}, which is no part of plain tensors`);
  }
  function remember(place: number): void {
    if (memo.size >= MOST_VALUES) fail(`it remembers more than ${MOST_VALUES} values`);
    memo.set(place, top());
  }
  const recall = (place: number): void =>
    push(memo.get(place) ?? (memo.has(place) ? null : fail(`it recalls ${place}, which it has not kept`)));
  function long(count: number): void {
    if (count < 0 || count > 64) fail(`it has a whole number of ${count} bytes`);
    const from = pass(count);
    let value = 0n;
    for (let k = count - 1; k >= 0; k -= 1) value = (value << 8n) | BigInt(bytes[from + k] as number);
    if (count > 0 && (bytes[at - 1] as number) >= 0x80) value -= 1n << BigInt(8 * count);
    const narrow = Number(value);
    push(Number.isSafeInteger(narrow) ? narrow : value);
  }

  const instructions: Readonly<Record<number, readonly [name: string, run: () => void]>> = {
    128: ['PROTO', () => void ((bytes[pass(1)] as number) > 5 && fail('it is of a protocol after 5'))],
    149: ['FRAME', () => void wide()],
    40: ['MARK', () => void stack.push(MARK)],
    48: ['POP', () => void stack.pop()],
    49: ['POP_MARK', () => void marked()],
    78: ['NONE', () => push(null)],
    136: ['NEWTRUE', () => push(true)],
    137: ['NEWFALSE', () => push(false)],
    75: ['BININT1', () => push(bytes[pass(1)] as number)],
    77: ['BININT2', () => push(view.getUint16(pass(2), true))],
    74: ['BININT', () => push(view.getInt32(pass(4), true))],
    138: ['LONG1', () => long(bytes[pass(1)] as number)],
    71: ['BINFLOAT', () => push(view.getFloat64(pass(8), false))],
    88: ['BINUNICODE', () => push(text(view.getUint32(pass(4), true)))],
    140: ['SHORT_BINUNICODE', () => push(text(bytes[pass(1)] as number))],
    141: ['BINUNICODE8', () => push(text(wide()))],
    66: ['BINBYTES', () => push(bytes.slice(pass(view.getUint32(pass(4), true)), at))],
    67: ['SHORT_BINBYTES', () => push(bytes.slice(pass(bytes[pass(1)] as number), at))],
    93: ['EMPTY_LIST', () => push([])],
    97: [
      'APPEND',
      () => {
        const item = pop();
        append(top(), [item]);
      },
    ],
    101: [
      'APPENDS',
      () => {
        const items = marked();
        append(top(), items);
      },
    ],
    41: ['EMPTY_TUPLE', () => push([])],
    133: ['TUPLE1', () => tuple(1)],
    134: ['TUPLE2', () => tuple(2)],
    135: ['TUPLE3', () => tuple(3)],
    116: ['TUPLE', () => push(marked())],
    125: ['EMPTY_DICT', () => push(new Map())],
    115: [
      'SETITEM',
      () => {
        const value = pop();
        const key = pop();
        put(top(), [key, value]);
      },
    ],
    117: [
      'SETITEMS',
      () => {
        const pairs = marked();
        put(top(), pairs);
      },
    ],
    113: ['BINPUT', () => remember(bytes[pass(1)] as number)],
    114: ['LONG_BINPUT', () => remember(view.getUint32(pass(4), true))],
    148: ['MEMOIZE', () => remember(memo.size)],
    104: ['BINGET', () => recall(bytes[pass(1)] as number)],
    106: ['LONG_BINGET', () => recall(view.getUint32(pass(4), true))],
    99: [
      'GLOBAL',
      () => {
        const module = line();
        push(globalOf(module, line()));
      },
    ],
    147: [
      'STACK_GLOBAL',
      () => {
        const name = pop();
        push(globalOf(pop(), name));
      },
    ],
    81: ['BINPERSID', () => push(new Outside(pop()))],
    82: [
      'REDUCE',
      () => {
        const args = pop();
        push(called(pop(), args));
      },
    ],
    // A state_dict has its versions as an attribute, which is no part of the data.
    98: [
      'BUILD',
      () => {
        pop();
        if (!(top() instanceof Map)) fail('it sets attributes of what is no dict');
      },
    ],
  };

  for (;;) {
    if (at >= bytes.length) fail('it has no end');
    start = at;
    const code = bytes[at] as number;
    at += 1;
    if (code === 0x2e) break;
    const instruction = instructions[code];
    if (instruction === undefined)
      throw fault(`it has the instruction 0x${code.toString(16).padStart(2, '0')}, which makes no plain tensors`);
    instruction[1]();
  }
  const value = pop();
  return stack.length === 0 ? value : fail('it leaves more than one value');
}
