/** All commands on locks, keys, sequences, holds and scripts: `wavetank` has them, and its shell too. */

import type { Command } from 'commander';

import { delCommand } from './del.js';
import { existsCommand } from './exists.js';
import { extendCommand } from './extend.js';
import { getCommand } from './get.js';
import { holdCommand } from './hold.js';
import { extendLockCommand, getLockCommand, lockCommand, unlockCommand } from './locks.js';
import { getByBucketCommand, rangeCommand, scanCommand } from './rows.js';
import { runCommand } from './run.js';
import { sequenceCommand } from './sequence.js';
import type { Seat } from './service.js';
import { setCommand } from './set.js';

export const SERVICE_COMMANDS: readonly ((seat?: Seat) => Command)[] = [
  getCommand,
  setCommand,
  delCommand,
  existsCommand,
  extendCommand,
  getByBucketCommand,
  scanCommand,
  rangeCommand,
  lockCommand,
  extendLockCommand,
  unlockCommand,
  getLockCommand,
  sequenceCommand,
  holdCommand,
  runCommand,
];
