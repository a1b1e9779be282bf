/** What `docs/protocol.md` and `docs/protocol.schema.json` say, as it follows from the schemas. */
import { answers } from '../../src/protocol/answers.js';
import { bodies, errorCodes, PROTOCOL, requests } from '../../src/protocol/messages.js';
import { statusOf } from '../../src/protocol/problem.js';

interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

const plain = (schema: unknown): Schema => JSON.parse(JSON.stringify(schema));

export const schemaFile = (): string =>
  `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: `Oxbow protocol ${PROTOCOL}`,
      anyOf: [{ $ref: '#/$defs/request' }, { $ref: '#/$defs/answer' }],
      $defs: {
        request: { description: 'What a client says.', anyOf: Object.values(requests).map(plain) },
        answer: { description: 'What a server says.', anyOf: Object.values(answers).map(plain) },
        body: {
          description: 'Bodies of requests over HTTP.',
          properties: Object.fromEntries(Object.entries(bodies).map(([name, schema]) => [name, plain(schema)])),
        },
      },
    },
    undefined,
    2,
  )}\n`;

function typeOf(schema: Schema): string {
  if ('const' in schema) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.properties) {
    const { properties, required = [] } = schema;
    const fields = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
    return `\`{ ${fields.join(', ')} }\``;
  }
  return String(schema.type);
}

function rangeOf(schema: Schema): string {
  const { minimum, exclusiveMinimum, maximum, maxLength, maxItems } = schema;
  const parts = [
    minimum !== undefined && minimum !== 0 ? `≥ ${minimum}` : '',
    exclusiveMinimum !== undefined ? `> ${exclusiveMinimum}` : '',
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `≤ ${maximum}` : '',
    maxLength !== undefined ? `≤ ${maxLength} characters` : '',
    maxItems !== undefined ? `≤ ${maxItems} of them` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function table(title: string, schema: Schema): string {
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {})
    .filter(([name]) => name !== 'type')
    .map(([name, field]) => {
      const what = [typeOf(field), rangeOf(field)].filter((part) => part !== '').join(', ');
      return `| \`${name}\`${required.includes(name) ? '' : '?'} | ${what} | ${field.description ?? ''} |`;
    });
  return [`**\`${title}\`** ${schema.description}`, '', '| field | is | |', '|---|---|---|', ...rows].join('\n');
}

const tables = (schemas: Readonly<Record<string, unknown>>): string =>
  Object.entries(schemas)
    .map(([name, schema]) => table(name, plain(schema)))
    .join('\n\n');

export const parts: Readonly<Record<string, () => string>> = {
  requests: () => tables(requests),
  answers: () => tables(answers),
  errors: () =>
    [
      '| code | status over HTTP |',
      '|---|---|',
      ...errorCodes.map((code) => `| \`${code}\` | ${statusOf[code]} |`),
    ].join('\n'),
  bodies: () =>
    Object.values(bodies)
      .map(plain)
      .map((schema) => {
        const { properties = {}, required = [] } = schema;
        const fields = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
        return `| \`${schema.description}\` | \`{ ${fields.join(', ')} }\` |`;
      })
      .reduce((all, row) => `${all}\n${row}`, '| request | body |\n|---|---|'),
};

/** A page whose parts between marks are those that follow from the schemas. */
export function withParts(page: string): string {
  return Object.entries(parts).reduce(
    (text, [name, part]) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`),
        (_, before: string, after: string) => `${before}\n${part()}\n\n${after}`,
      ),
    page,
  );
}
