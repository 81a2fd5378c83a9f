/** Ending a command because of something outside of it, which no look at its help would put right. */

import { CommanderError, type Command } from 'commander';

import { ExitCode } from './exit-codes.js';

const CODE = 'wavetank.refused';

/** @throws always; the command ends with the exit code "no". */
export function refuse(message: string): never {
  process.stderr.write(`error: ${message}\n`);
  throw new CommanderError(ExitCode.no, CODE, message);
}

/** @throws always, for arguments or files that make no sense; the command ends with the exit code "bad arguments". */
export function refuseArguments(command: Command, message: string): never {
  return command.error(`error: ${message}`, { exitCode: ExitCode.badArguments });
}

/** What an error says, for the end of a sentence: whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The exit code of a command that ended so. Commander calls every mistake 1; here that means "the operation says no". */
export function exitCodeOf(error: CommanderError): number {
  const isOurs = error.code === CODE || error.code === 'commander.error';
  return isOurs || error.exitCode === 0 ? error.exitCode : ExitCode.badArguments;
}
