// Writes what follows from src/kernels/arguments.ts: for the kernels the structs of arguments, the jobs' numbers and the dispatch
// on them; for the side that calls, a function a job that writes its arguments (an object's fields by name, not in a loop over
// names, which would take four times as long).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** Words of arguments that a control block has room for, rules' own numbers included. */
const WORDS = 64;

const types = { address: 'usize', int: 'i32', flag: 'i32', float: 'f32' };

/** The jobs by name, each with its description. */
export async function readJobs(file) {
  const { outputFiles } = buildSync({ entryPoints: [file], bundle: true, format: 'esm', write: false });
  const { jobs } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  for (const [job, { fields }] of Object.entries(jobs)) {
    const kinds = Object.values(fields);
    if (kinds.length > WORDS) throw new Error(`${job}: ${kinds.length} words of arguments, at most ${WORDS} fit.`);
    if (kinds.slice(0, -1).includes('floats')) throw new Error(`${job}: only its last field can be floats.`);
  }
  return jobs;
}

const classOf = ({ name }) => `${name}Arguments`;

/** The source of assembly/generated/arguments.ts. */
export function structsSource(jobs) {
  const written = new Map();
  const write = (description) => {
    const { name, fields, extends: base } = description;
    if (written.has(name)) {
      if (written.get(name).description !== description) throw new Error(`two descriptions are named ${name}.`);
      return;
    }
    if (base) write(base);
    const own = Object.entries(fields).slice(base ? Object.keys(base.fields).length : 0);
    const lines = own.filter(([, kind]) => kind !== 'floats').map(([field, kind]) => `  ${field}: ${types[kind]};\n`);
    const text = `@unmanaged\nexport class ${classOf(description)}${base ? ` extends ${classOf(base)}` : ''} {\n${lines.join('')}}\n`;
    written.set(name, { description, text });
  };
  for (const description of Object.values(jobs)) write(description);
  return `// Written by scripts/arguments.mjs.\n${[...written.values()].map(({ text }) => text).join('\n')}`;
}

/** The kernels in a folder: their names, files and parameters. */
function kernelsIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .flatMap((file) =>
      [
        ...readFileSync(join(folder, file), 'utf8').matchAll(/^export function (\w+)\(\s*args: (\w+)([^)]*)\): void/gm),
      ].map(([, name, type, rest]) => ({
        name,
        type,
        file: file.replace(/\\/g, '/').replace(/\.ts$/, ''),
        parameters: [...rest.matchAll(/(\w+): i32/g)].map(([, parameter]) => parameter),
      })),
    );
}

/** The source of assembly/generated/execute.ts. */
export function executeSource(jobs, folder) {
  const kernels = kernelsIn(folder);
  const found = Object.entries(jobs).map(([job, description]) => {
    const those = kernels.filter(({ name, type }) => name === job && type === classOf(description));
    if (those.length === 1) return { ...those[0], type: classOf(description) };
    throw new Error(
      `${job}: ${those.length === 0 ? 'no kernel' : 'more than one kernel'}; one file of src/kernels/assembly has to export ` +
        `\`function ${job}(args: ${classOf(description)}, from: i32, to: i32, member: i32): void\` (it may leave out what it does not need).`,
    );
  });
  const cases = found.map(
    ({ name, type, parameters }, k) =>
      `    case ${k}: return ${name}(${[`changetype<${type}>(args)`, ...parameters].join(', ')});`,
  );
  return `// Written by scripts/arguments.mjs.
import { ${[...new Set(found.map(({ type }) => type))].join(', ')} } from './arguments';
${found.map(({ name, file }) => `import { ${name} } from '../${file}';`).join('\n')}

/** Items \`from\` to \`to\` of a job, on the thread that calls. */
export function execute(job: i32, args: usize, from: i32, to: i32, member: i32): void {
  switch (job) {
${cases.join('\n')}
  }
}
`;
}

/** The source of generated/writers.ts. */
export function writersSource(jobs) {
  const writer = ([job, { fields }]) => {
    const lines = Object.entries(fields).map(([field, kind], k) => {
      if (kind === 'floats') return `    words.floats.set(values.${field}, at + ${k});\n`;
      const value = kind === 'flag' ? `values.${field} ? 1 : 0` : `values.${field}`;
      return `    ${kind === 'float' ? 'floats' : 'ints'}[at + ${k}] = ${value};\n`;
    });
    const kinds = Object.values(fields);
    const views = [
      ...(kinds.some((kind) => !kind.startsWith('float')) ? ['ints'] : []),
      ...(kinds.includes('float') ? ['floats'] : []),
    ];
    if (kinds.length === 0) return `  ${job}() {},`;
    return `  ${job}(words, values) {\n    const { ${[...views, 'arguments: at'].join(', ')} } = words;\n${lines.join('')}  },`;
  };
  return `// Written by scripts/arguments.mjs.
import type { Writers } from '../arguments.js';

export const writers: Writers = {
${Object.entries(jobs).map(writer).join('\n')}
};
`;
}
