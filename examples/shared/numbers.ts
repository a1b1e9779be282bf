/** Numbers as they are shown and as they are typed: the same as in a command of `oxbow`. */
export { positive, whole } from '../../src/cli/shared/arguments.js';
export { count, several } from '../../src/cli/shared/numbers.js';
