/**
 * `begin`, `commit` and `rollback` in the shell: what is between them is one transaction. One that was aborted meanwhile stays until
 * either is typed, and refuses what comes until then: it was not meant for outside of it.
 */

import { Command } from 'commander';

import type { Session, WavetankClient } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import { done, no, runService, type Seat, type ServiceFlags, type Telling } from './service.js';

export interface ShellTransactions {
  /** The client, or the same in the transaction that is open. */
  client(): WavetankClient;
  readonly commands: readonly ((seat: Seat) => Command)[];
  /** Rolls back what is open. @returns whether there was anything. */
  end(): Promise<boolean>;
}

interface BeginFlags {
  readonly optimistic?: boolean;
  readonly lifetime: number;
}

/** People type more slowly than programs. */
const LIFETIME_MS = 300_000;
/** The seat has the client; nothing else is asked of them. */
const NO_FLAGS: ServiceFlags = { endpoints: [], timeout: 0 };

export function createShellTransactions(client: WavetankClient): ShellTransactions {
  /** The one that was begun and not ended yet. */
  let session: Session | undefined;

  const none = (): Telling => no('no transaction is open: `begin` begins one', 'notFound');

  function beginCommand(seat: Seat): Command {
    return new Command('begin')
      .description(
        'begin a transaction: get, set, del, exists, extend, get-by-bucket and range are part of it',
      )
      .option('--optimistic', 'lock nothing; be aborted at the end where others were faster')
      .option('--lifetime <ms>', 'how long it may take', wholeNumber('--lifetime', 1), LIFETIME_MS)
      .action(({ optimistic, lifetime }: BeginFlags) =>
        runService(seat, NO_FLAGS, async () => {
          if (session?.state === 'aborted')
            return no('the transaction was aborted: `rollback` ends it', 'alreadyExists');
          if (session !== undefined)
            return no('a transaction is open: `commit` it, or `rollback`', 'alreadyExists');
          const locking = optimistic === true ? 'optimistic' : 'pessimistic';
          session = await client.begin({ locking, lifetimeMs: lifetime });
          return done(`began a transaction, ${locking}`, 'set');
        }),
      );
  }

  function commitCommand(seat: Seat): Command {
    return new Command('commit').description('commit the transaction').action(() =>
      runService(seat, NO_FLAGS, async () => {
        const ending = session;
        if (ending === undefined) return none();
        session = undefined;
        await ending.commit();
        return done('committed', 'committed');
      }),
    );
  }

  function rollbackCommand(seat: Seat): Command {
    return new Command('rollback').description('leave nothing of the transaction behind').action(() =>
      runService(seat, NO_FLAGS, async () => {
        const ending = session;
        if (ending === undefined) return none();
        session = undefined;
        await ending.rollback();
        return done('rolled back', 'rolledBack');
      }),
    );
  }

  return {
    client() {
      return session === undefined ? client : { ...client, keys: { ...client.keys, ...session } };
    },
    commands: [beginCommand, commitCommand, rollbackCommand],
    async end() {
      if (session === undefined) return false;
      await session.rollback();
      return true;
    },
  };
}
