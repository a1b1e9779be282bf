// Imports point one way: each room of src may use the rooms after it, and none before it.
const rooms = [
  ['cli'],
  ['serve', 'client'],
  ['protocol'],
  ['interchange'],
  ['runs'],
  ['models'],
  ['streams', 'formats'],
  ['cells', 'layers'],
  ['layer.ts', 'stack.ts', 'stepper.ts', 'stepper'],
  ['training'],
  ['backprop'],
  ['ops'],
  ['parameters'],
  ['kernels'],
  ['host'],
  [
    'tensor.ts',
    'tree.ts',
    'path.ts',
    'checks.ts',
    'errors.ts',
    'options.ts',
    'version.ts',
    'random.ts',
    'plot.ts',
    'piecewise-task.ts',
    'carry.ts',
    'description.ts',
  ],
];

const within = (names) =>
  `^src/(${names.map((name) => (name.endsWith('.ts') ? `${name.replace('.', '\\.')}$` : `${name}/`)).join('|')})`;

const oneWay = rooms.slice(1).map((room, index) => ({
  name: `one-way: ${room.join(', ')}`,
  comment: `${room.join(', ')} must not know of ${rooms
    .slice(0, index + 1)
    .flat()
    .join(', ')}`,
  severity: 'error',
  from: { path: within(room) },
  to: { path: within(rooms.slice(0, index + 1).flat()) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...oneWay,
    {
      name: 'every file in a room',
      comment: 'A new room takes its place in the order above.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: [within(rooms.flat()), '^src/(index\\.ts$|faces/)'] },
    },
    {
      name: 'no cycles',
      comment: 'Types count as what runs does.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'index.ts and faces are for users',
      comment: 'Inside the package, import a thing from the file that makes it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/index\\.ts$' },
      to: { path: '^src/(index\\.ts$|faces/)' },
    },
    {
      name: 'client and protocol run in a page, without the kernels',
      severity: 'error',
      from: { path: '^src/(client|protocol)/' },
      to: { path: '^src/', pathNot: '^src/(client/|protocol/|checks\\.ts$|options\\.ts$|version\\.ts$)' },
    },
    {
      name: 'only host/node, the server and the command know Node',
      comment: 'What the library needs of where it runs is in `#host`, of which a browser has its own.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(host/(node[./]|kernels-(beside|inlined)\\.ts$)|serve/|cli/)' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'examples use the package like everyone',
      severity: 'error',
      from: { path: '^examples/', pathNot: '^examples/(char-rnn|shared)/' },
      to: { path: '^src/', pathNot: '^src/(index\\.ts$|faces/)' },
    },
    {
      name: 'examples take options, are shown and end as a command does',
      severity: 'error',
      from: { path: '^examples/shared/' },
      to: {
        path: '^src/',
        pathNot: '^src/(index\\.ts$|faces/|cli/shared/(arguments|interrupt|numbers|screen)\\.ts$)',
      },
    },
    {
      name: 'what examples have of a command knows nothing of the library',
      comment: 'An example has the library by the name of the package, and would have it twice.',
      severity: 'error',
      from: { path: '^src/cli/shared/(arguments|interrupt|numbers|screen)\\.ts$' },
      to: { path: '^src/', pathNot: '^src/host/host\\.ts$' },
    },
    {
      name: "char-rnn is another front of the command's training",
      severity: 'error',
      from: { path: '^examples/char-rnn/' },
      to: { path: '^src/', pathNot: '^src/(index\\.ts$|faces/|cli/(shared|training)/)' },
    },
    {
      name: 'the package stands alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|fuzz|examples|scripts|build|dist)/' },
    },
    {
      name: 'the package has no undeclared dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only', 'npm-peer'] },
    },
    {
      name: 'everything resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/kernels/assembly/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
