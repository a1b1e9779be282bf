/** What ends an example early: the same as for a command of `oxbow`. */
export { type Interrupt, onInterrupt } from '../../src/cli/shared/interrupt.js';
