/** `npm run example:slots`: slots of what people say, learnt while they say it, or from a folder. */
import { runProgram } from '../shared/program.js';
import { parseOptions } from './options.js';
import { run } from './run.js';

await runProgram('slots', parseOptions(process.argv.slice(2)), run);
