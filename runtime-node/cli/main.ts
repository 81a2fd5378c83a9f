#!/usr/bin/env node
/** Runs the `wavetank` command; `program.ts` says what it can do. */

import { CommanderError } from 'commander';

import { createProgram } from './program.js';
import { exitCodeOf } from './refuse.js';

// Whoever reads only the first lines of an output closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exit(exitCodeOf(error));
}
