/** `wavetank hold acquire|renew|release|floor`. */

import { Command } from 'commander';

import type { SnapshotFloor } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import { moment } from './key-value.js';
import {
  done,
  no,
  PROCESS_SEAT,
  runService,
  timeJson,
  timeText,
  withServiceOptions,
  type Seat,
  type ServiceFlags,
} from './service.js';

const EXIT_CODES = `
Exit codes: 0 done, 1 there is no such hold, or no more; 2 bad arguments; 3 unknown whether it was done; 69 the cluster does
not answer.`;

export function holdCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('hold').description('keep the past readable for a while').addHelpText(
    'after',
    `
As long as a time is held, get, exists and the scans can be asked --at it, and --at any later time: what was the value of a
persistent key then is not forgotten. A hold ends when it is released, or when its lease is over.
${EXIT_CODES}

Examples:
  wavetank hold acquire report 2026-11-21T20:00:00Z 60000
  wavetank get balance --at 2026-11-21T20:00:00Z
  wavetank hold floor`,
  );
  for (const make of [acquire, renew, release, floor]) {
    command.addCommand(make(seat).showHelpAfterError('(add --help to see what is expected)').exitOverride());
  }
  return command;
}

function holdOf(name: string, description: string, example: string): Command {
  return withServiceOptions(new Command(name).description(description)).addHelpText(
    'after',
    `${EXIT_CODES}\n\nExample:\n  wavetank hold ${example}`,
  );
}

const LEASE = 'the lease; counts from now';

function acquire(seat: Seat): Command {
  return holdOf('acquire', 'hold a time', 'acquire report 2026-11-21T20:00:00Z 60000')
    .argument('<holder>', 'in whose name; the same holder and time have one hold, whose lease begins anew')
    .argument('<time>', 'milliseconds since 1970, or an ISO date', (text) => moment(text, '<time>'))
    .argument('<ms>', LEASE, wholeNumber('<ms>', 1))
    .action((holder: string, time: Date, ms: number, flags: ServiceFlags) =>
      runService(seat, flags, async ({ holds }) => {
        const { id, expires } = await holds.acquire(holder, time, { leaseMs: ms });
        const text = `held ${time.toISOString()} for ${ms} ms, until ${timeText(expires)} at least, hold ${id}`;
        return done(text, 'acquired', { holdId: id, leaseExpiry: timeJson(expires) });
      }),
    );
}

function renew(seat: Seat): Command {
  return holdOf('renew', 'give a hold a new lease', 'renew 3f2c9a1be07d45c8a1b2c3d4e5f60718 60000')
    .argument('<hold>', 'its id, as `acquire` printed it')
    .argument('<ms>', LEASE, wholeNumber('<ms>', 1))
    .action((hold: string, ms: number, flags: ServiceFlags) =>
      runService(seat, flags, async ({ holds }) => {
        const expires = await holds.renew(hold, { leaseMs: ms });
        if (expires === undefined) return noHold(hold);
        const text = `renewed for ${ms} ms, until ${timeText(expires)} at least`;
        return done(text, 'renewed', { leaseExpiry: timeJson(expires) });
      }),
    );
}

function release(seat: Seat): Command {
  return holdOf('release', 'give a hold back', 'release 3f2c9a1be07d45c8a1b2c3d4e5f60718')
    .argument('<hold>', 'its id, as `acquire` printed it')
    .action((hold: string, flags: ServiceFlags) =>
      runService(seat, flags, async ({ holds }) =>
        (await holds.release(hold)) ? done(`released the hold ${hold}`, 'released') : noHold(hold),
      ),
    );
}

function floor(seat: Seat): Command {
  return holdOf('floor', 'say which time is the earliest that is held', 'floor').action(
    (flags: ServiceFlags) =>
      runService(seat, flags, async ({ holds }) => {
        const found = await holds.floor();
        const { timestamp, live } = found;
        return done(describe(found), 'got', {
          floor: timestamp === undefined ? null : timeJson(timestamp),
          liveHolds: live,
        });
      }),
  );
}

function describe({ timestamp, live }: SnapshotFloor): string {
  if (timestamp === undefined) return 'nothing is held';
  return `held from ${timeText(timestamp)} on (${live} hold${live === 1 ? '' : 's'})`;
}

function noHold(hold: string): ReturnType<typeof no> {
  return no(`there is no hold ${JSON.stringify(hold)}, or no more`, 'doesNotExist');
}
