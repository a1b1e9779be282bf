#!/usr/bin/env node
import { run } from './program.js';

// Of what is said before a command's work, and without one, as help is; a command at work deals with its own pipes.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || stream.listenerCount('error') > 1) return;
    process.exitCode = 1;
    if (stream === process.stderr) return;
    process.stderr.write(`oxbow: the output cannot be written: ${message}; make room, or write elsewhere.\n`);
  });
}
await run(process.argv.slice(2));
