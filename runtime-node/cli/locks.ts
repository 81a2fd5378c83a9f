/** `wavetank lock`, `extend-lock`, `unlock` and `get-lock`. */

import { Command } from 'commander';

import { isWavetankError } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import { valueText } from './key-value.js';
import { refuseArguments } from './refuse.js';
import {
  done,
  no,
  PROCESS_SEAT,
  runService,
  timeJson,
  timeText,
  withEphemeralOption,
  withServiceOptions,
  type Seat,
  type ServiceFlags,
} from './service.js';

interface OwnerFlags extends ServiceFlags {
  readonly owner?: string;
}

interface LockFlags extends OwnerFlags {
  readonly wait?: number;
  readonly retry: number;
}

function lockCommandOf(name: string, description: string): Command {
  const command = new Command(name).description(description).argument('<resource>');
  return withEphemeralOption(withServiceOptions(command));
}

export function lockCommand(seat: Seat = PROCESS_SEAT): Command {
  return lockCommandOf('lock', 'take a lock')
    .argument('<ms>', 'its lease', wholeNumber('<ms>', 1))
    .option('--owner <text>', 'in whose name; default: 32 random hex characters, which are printed')
    .option('--wait <ms>', 'how long to wait for a lock that is held', wholeNumber('--wait', 0))
    .option('--retry <ms>', 'how long to pause between attempts', wholeNumber('--retry', 1), 250)
    .addHelpText(
      'after',
      `
The lock is held until its lease ends or it is given back, not until the command ends; the shell gives back what it took.

Exit codes: 0 taken, 1 somebody else holds it, 2 bad arguments, 3 unknown whether it was taken, 69 the cluster does not
answer.

Examples:
  wavetank lock jobs/nightly 60000 --owner me
  wavetank lock jobs/nightly 60000 --wait 5000 --json`,
    )
    .action((resource: string, ms: number, flags: LockFlags) =>
      runService(seat, flags, async ({ locks }) => {
        const { owner, wait = 0, retry } = flags;
        const ephemeral = flags.ephemeral === true;
        const named = owner ?? seat.held?.ownerOf({ resource, ephemeral });
        const lock = await locks.acquire(resource, {
          expiresMs: ms,
          waitMs: wait,
          retryMs: retry,
          ephemeral,
          timeoutMs: flags.timeout,
          signal: AbortSignal.timeout(wait + flags.timeout),
          ...(named === undefined ? {} : { owner: named }),
        });
        if (!lock.isAcquired) return no(`${JSON.stringify(resource)} is held by somebody else`, 'busy');
        const holder = String(lock.owner);
        seat.held?.took({ resource, ephemeral, owner: holder });
        const text = `locked ${JSON.stringify(resource)} for ${ms} ms, owner ${holder}, fencing token ${lock.fencingToken}`;
        return done(text, 'locked', { owner: holder, fencingToken: lock.fencingToken });
      }),
    );
}

export function extendLockCommand(seat: Seat = PROCESS_SEAT): Command {
  return lockCommandOf('extend-lock', 'give a lock a new lease, from now')
    .argument('<ms>', 'the lease; may be less than what is left', wholeNumber('<ms>', 1))
    .option('--owner <text>', 'who holds it')
    .addHelpText(
      'after',
      `
Exit codes: 0 extended, 1 nobody holds it or somebody else does, 2 bad arguments, 3 unknown whether it was extended, 69
the cluster does not answer.

Example:
  wavetank extend-lock jobs/nightly 60000 --owner me`,
    )
    .action((resource: string, ms: number, flags: OwnerFlags, self: Command) => {
      const owner = ownerOf(seat, resource, flags, self);
      const ephemeral = flags.ephemeral === true;
      return runService(seat, flags, async ({ locks }) => {
        const options = { ephemeral, timeoutMs: flags.timeout };
        const fencingToken = await locks.extend(resource, owner, ms, options).catch((error: unknown) => {
          const isLost = isWavetankError(error) && ['lockDoesNotExist', 'invalidOwner'].includes(error.code);
          if (isLost) seat.held?.gave({ resource, ephemeral });
          throw error;
        });
        const text = `${JSON.stringify(resource)} is locked for ${ms} ms from now, fencing token ${fencingToken}`;
        return done(text, 'extended', { fencingToken });
      });
    });
}

export function unlockCommand(seat: Seat = PROCESS_SEAT): Command {
  return lockCommandOf('unlock', 'give a lock back')
    .option('--owner <text>', 'who holds it')
    .addHelpText(
      'after',
      `
Exit codes: 0 given back, 1 this owner does not hold it, 2 bad arguments, 3 unknown whether it was given back, 69 the
cluster does not answer.

Example:
  wavetank unlock jobs/nightly --owner me`,
    )
    .action((resource: string, flags: OwnerFlags, self: Command) => {
      const owner = ownerOf(seat, resource, flags, self);
      const ephemeral = flags.ephemeral === true;
      return runService(seat, flags, async ({ locks }) => {
        const isReleased = await locks.release(resource, owner, { ephemeral, timeoutMs: flags.timeout });
        seat.held?.gave({ resource, ephemeral });
        const name = JSON.stringify(resource);
        return isReleased
          ? done(`unlocked ${name}`, 'unlocked')
          : no(`${name} is not held by this owner`, 'notHeld');
      });
    });
}

export function getLockCommand(seat: Seat = PROCESS_SEAT): Command {
  return lockCommandOf('get-lock', 'say who holds a lock')
    .addHelpText(
      'after',
      `
Exit codes: 0 it is held, 1 nobody holds it, 2 bad arguments, 69 the cluster does not answer.

Example:
  wavetank get-lock jobs/nightly`,
    )
    .action((resource: string, flags: ServiceFlags) =>
      runService(seat, flags, async ({ locks }) => {
        const ephemeral = flags.ephemeral === true;
        const info = await locks.info(resource, { ephemeral, timeoutMs: flags.timeout });
        const name = JSON.stringify(resource);
        if (info === undefined) return no(`nobody holds ${name}`, 'lockDoesNotExist');
        const { fencingToken, expires } = info;
        const owner = valueText(info.owner);
        const text = `${name} is held by ${owner}, fencing token ${fencingToken}, until ${timeText(expires)} at least`;
        const ownerBase64 = Buffer.from(info.owner).toString('base64');
        return done(text, 'got', { owner, ownerBase64, fencingToken, expires: timeJson(expires) });
      }),
    );
}

function ownerOf(seat: Seat, resource: string, flags: OwnerFlags, command: Command): string {
  const ephemeral = flags.ephemeral === true;
  const owner = flags.owner ?? seat.held?.ownerOf({ resource, ephemeral });
  if (owner !== undefined) return owner;
  return refuseArguments(
    command,
    '--owner is needed: who holds the lock, as `lock` printed it, for example --owner me',
  );
}
