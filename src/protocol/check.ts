/** Whether a text or a value is a message, and if not, which field is wrong. */
import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { isRecord, shown } from '../checks.js';
import { answers } from './answers.js';
import { requests } from './messages.js';
import { ServeError } from './problem.js';
import type { ClientMessage, ServerMessage } from './types.js';

/** A path of JSON Pointer as messages show it: `/stop/0` is `stop[0]`. */
const placeOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`), '');

const valueAt = (value: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, part) => Object(at)[part.replaceAll('~1', '/').replaceAll('~0', '~')], value);

const under = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`);

/** Takes a value for what a schema says, or throws what is wrong with it. @throws ServeError */
export function checked<T extends TSchema>(schema: T, value: unknown, what: string): Static<T> {
  if (Check(schema, value)) return value as Static<T>;
  const errors = Errors(schema, value);
  // Of choices, and of fields that there are not, an error more general says it better.
  const error =
    errors.find(({ keyword }) => keyword === 'required' || keyword === 'additionalProperties') ??
    errors.find(({ keyword }) => keyword === 'anyOf') ??
    errors[0];
  if (error === undefined) throw new ServeError('invalid', `${what}: it is not what the protocol says.`);
  const place = placeOf(error.instancePath);
  if (error.keyword === 'required') {
    const field = under(place, error.params.requiredProperties[0] as string);
    throw new ServeError('invalid', `${what}: the field ${field} is missing.`, { field });
  }
  if (error.keyword === 'additionalProperties') {
    const field = under(place, error.params.additionalProperties[0] as string).slice(0, 200);
    throw new ServeError('invalid', `${what}: there is no field ${field}; leave it out.`, { field });
  }
  if (place === '') throw new ServeError('malformed', `${what}: it is no JSON object.`);
  throw new ServeError(
    'invalid',
    `${what}: the field ${place} ${error.message}, but is ${shown(valueAt(value, error.instancePath))}.`,
    { field: place },
  );
}

/** A text as JSON. @throws ServeError */
export function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ServeError('malformed', `${what}: it is no JSON: ${shown(text)}.`);
  }
}

function message(schemas: Readonly<Record<string, TSchema>>, value: unknown): unknown {
  if (!isRecord(value)) throw new ServeError('malformed', `a message is a JSON object, not ${shown(value)}.`);
  const { type } = value;
  if (typeof type !== 'string' || !Object.hasOwn(schemas, type)) {
    const known = Object.keys(schemas).join(', ');
    throw new ServeError('invalid', `the type of a message is one of ${known}, not ${shown(type)}.`, { field: 'type' });
  }
  return checked(schemas[type] as TSchema, value, type);
}

/** A value as a client's message. @throws ServeError where it is none. */
export const asRequest = (value: unknown): ClientMessage => message(requests, value) as ClientMessage;

/** A value as a server's message. @throws ServeError where it is none. */
export const asAnswer = (value: unknown): ServerMessage => message(answers, value) as ServerMessage;

/** The id of what may be a message, so that the answer finds it, whatever is wrong with the rest. */
export function idOf(value: unknown): string | undefined {
  const id = isRecord(value) ? value.id : undefined;
  return Check(requests.generate.properties.id, id) ? (id as string) : undefined;
}
