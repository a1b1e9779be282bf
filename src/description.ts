/**
 * What made a thing: its factory's name, and what that was given. A factory notes it as it returns (`described`); `describe`
 * reads it, and `build` makes the thing again. Factories of users have names of their own (`register`).
 */

/** The name of a factory, and what it was given, or what gives that at the time of asking. */
export interface Origin {
  readonly name: string;
  readonly args: readonly unknown[] | (() => readonly unknown[]);
}

const origins = new WeakMap<object, Origin>();
const registered = new Map<string, (...args: never) => object>();

/** Notes what made a thing, in place of what was noted before: of factories within one another the outermost counts. */
export function described<M extends object>(made: M, name: string, args: Origin['args']): M {
  spend(1);
  origins.set(made, { name, args: typeof args === 'function' ? args : copied(args) });
  return made;
}

/** What made a thing, where that is known. */
export const originOf = (made: object): Origin | undefined => origins.get(made);

/** The factory that was registered by a name. */
export const registeredAs = (name: string): ((...args: never) => object) | undefined => registered.get(name);

/** Whether it is a record written down by its names, and no instance of a class. */
export function isPlainRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Lists and records of options as they are now; users may change theirs afterwards. */
function copied<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copied) as T;
  // Cells and layers are what they are, and not options.
  if (!isPlainRecord(value) || origins.has(value) || 'params' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copied(each)])) as T;
}

let left = Number.POSITIVE_INFINITY;

export const TOO_MUCH = 'there is more to be made than any model has.';

/** Counts things made. @throws RangeError where they are more than `limited` allows. */
export function spend(things: number): void {
  left -= things;
  if (left < 0) throw new RangeError(TOO_MUCH);
}

/** Runs something that may make so many things and no more. */
export function limited<R>(things: number, run: () => R): R {
  const before = left;
  left = Math.min(things, before);
  try {
    return run();
  } finally {
    left = before;
  }
}

/**
 * Names a factory of one's own, so that what it makes can be described, and be built where the same one is registered under its
 * name: a layer, a cell, an initialiser, an activation, a schedule, an optimizer, whatever a model is made of.
 *
 * @param name of the form `owner/name`, which no factory of this package has or will have.
 * @param factory gives a new thing each time; what it is given goes into the description, so it is numbers, texts, flags, lists
 * and records of them, or things that can be described themselves.
 * @returns the same factory, to be used in place of the given one.
 * @throws TypeError where the name has another form, or was registered before.
 * @example
 * const squash = register('acme/squash', (gain: number) => (ops: Ops, z: Tensor) => ops.tanh(ops.affine(z, gain, 0)));
 * describe(dense(8, 4, { activation: squash(2) })).args[2]; // { activation: { $: 'acme/squash', args: [2] } }
 */
export function register<A extends readonly unknown[], M extends object>(
  name: string,
  factory: (...args: A) => M,
): (...args: A) => M {
  if (typeof name !== 'string' || !/^[^\s/]+\/\S+$/.test(name)) {
    throw new TypeError(
      `register: a name is owner/name, as in 'acme/gate', not ${JSON.stringify(name)}; names without an owner are the package's.`,
    );
  }
  if (typeof factory !== 'function') throw new TypeError(`register: ${name} is a function, not ${String(factory)}.`);
  if (registered.has(name)) {
    throw new TypeError(`register: the name ${name} is taken; choose another, and register each factory once.`);
  }
  const own = (...args: A): M => {
    const made = factory(...args);
    if ((typeof made !== 'object' && typeof made !== 'function') || made === null) {
      throw new TypeError(`register: ${name} gave ${String(made)}; it gives a layer, or what else a model is made of.`);
    }
    return described(made, name, args);
  };
  registered.set(name, own as (...args: never) => object);
  return own;
}
