/** Sequences, their blocks and their replayable allocations (sequence specification, sections 4 to 6). */

import type { LogIndex } from '../machine/units.js';
import type { Command, Outcome } from './command.js';
import type { Change, Contents } from './contents.js';
import { refusalOf } from './operation.js';
import type { GetSequenceOperation, SequenceWrite } from './sequence-command.js';

export function writeSequence(
  contents: Contents,
  _index: LogIndex,
  _command: Command,
  operation: SequenceWrite,
): Change {
  return { contents, outcome: refusalOf(operation, 'errored') };
}

export function readSequence(_contents: Contents, operation: GetSequenceOperation): Outcome {
  return refusalOf(operation, 'errored');
}
