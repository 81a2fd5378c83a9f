/** Transactions of the client against the real thing: over HTTP to a node, and into a node of this process. The same tests for both. */

import { describe, expect, it, onTestFinished } from 'vitest';

import { isWavetankError, type Session, type WavetankClient } from '../../../runtime-node/client/index.js';
import { startEmbedded } from '../../../runtime-node/embedded/index.js';
import { realNode } from '../support/real-node.js';
import { clientOf, failureOf } from './support.js';

const WAYS: readonly (readonly [string, () => Promise<WavetankClient>])[] = [
  ['over HTTP', async () => clientOf([await realNode()])],
  ['in this process', inThisProcess],
];

async function inThisProcess(): Promise<WavetankClient> {
  const node = await startEmbedded();
  onTestFinished(() => node.close());
  return node;
}

const LOCKINGS = ['pessimistic', 'optimistic'] as const;

describe.each(WAYS)('a session of a client %s', (_way, start) => {
  it.each(LOCKINGS)(
    'shows its writes to itself alone before it is committed, and then to all: %s',
    async (locking) => {
      const client = await start();
      await client.keys.set('a/1', 'old');
      const session = await client.begin({ locking });

      await session.set('a/1', 'new');
      await session.set('b/1', 'there');
      const before = [
        await session.getText('a/1'),
        await client.keys.getText('b/1'),
        await client.keys.getText('a/1'),
      ];
      await session.commit();

      expect(before).toEqual(['new', undefined, 'old']);
      expect([await client.keys.getText('a/1'), await client.keys.getText('b/1')]).toEqual(['new', 'there']);
      expect(session.state).toBe('committed');
      expect((await failureOf(session.set('a/1', 'late'))).code).toBe('aborted');
    },
  );

  it('leaves nothing behind when it is rolled back, or disposed of, and gives its locks back', async () => {
    const client = await start();
    {
      await using session = await client.begin();
      await session.set('k', 'v');
      await session.getByBucket('b');
    }
    const second = await client.begin();
    await second.set('k', 'w');
    const rolledBack = [await second.rollback(), await second.rollback()];
    const third = await client.begin({ lockWaitMs: 0 });
    await third.set('k', 'x');
    await third.commit();

    expect(rolledBack).toEqual([true, true]);
    expect(await client.keys.getText('k')).toBe('x');
    expect((await client.keys.stat('k'))?.revision).toBe(0);
  });

  it('has all operations of keys: conditions, deletes, times to live, buckets and ranges', async () => {
    const { keys, begin } = await start();
    await keys.set('m/1', 'one');
    await keys.set('m/2', 'two', { expiresMs: 60_000 });
    const session = await begin();

    const swapped = [
      await session.set('m/1', 'uno', { ifValue: 'one' }),
      await session.set('m/1', 'dos', { ifValue: 'one' }),
      await session.set('m/1', 'tres', { ifRevision: 1 }),
      await session.set('m/3', null, { ifExists: true }),
      await session.set('m/3', null, { ifNotExists: true }),
    ];
    const extended = [await session.extend('m/1', 60_000), await session.extend('m/9', 60_000)];
    const rows = await session.getByBucket('m');
    const page = await session.range('m', { start: 'm/2', limit: 1 });
    const deleted = await session.deleteMany(['m/2', 'm/9']);
    const left: string[] = [];
    for await (const { key } of session.iterate('m', { limit: 1 })) left.push(key);
    await session.commit();

    expect(swapped.map(({ written }) => written)).toEqual([true, false, true, false, true]);
    expect(extended.map((one) => one.extended)).toEqual([true, false]);
    expect(rows.map(({ key }) => key)).toEqual(['m/1', 'm/2', 'm/3']);
    expect([page.items[0]?.key, page.cursor !== undefined]).toEqual(['m/2', true]);
    expect(deleted.map(({ outcome }) => outcome)).toEqual(['deleted', 'doesNotExist']);
    expect(left).toEqual(['m/1', 'm/3']);
    expect((await keys.getByBucket('m')).map(({ key, value }) => [key, value?.length ?? null])).toEqual([
      ['m/1', 4],
      ['m/3', null],
    ]);
    expect((await keys.stat('m/1'))?.expires).toBeDefined();
  });

  it('is aborted when what it read was written since', async () => {
    const { keys, begin } = await start();
    await keys.set('k', 'old');
    const session = await begin({ locking: 'optimistic' });

    await session.get('k');
    await session.get('none');
    await session.set('other', 'v');
    await keys.set('k', 'new');
    const failure = await failureOf(session.commit());

    expect([failure.code, failure.isOutcomeUnknown, session.state]).toEqual(['aborted', false, 'aborted']);
    expect(await keys.get('other')).toBeUndefined();
  });

  it('is aborted by a key that was not there: alone, and in a bucket', async () => {
    const { keys, begin } = await start();
    const absent = await begin({ locking: 'optimistic' });
    const phantom = await begin({ locking: 'optimistic' });

    await absent.get('b/1');
    await phantom.getByBucket('b');
    await keys.set('b/1', 'v');

    for (const session of [absent, phantom]) {
      await session.set('other', 'v');
      expect((await failureOf(session.commit())).code).toBe('aborted');
    }
  });

  it('keeps write skew out', async () => {
    const { keys, begin } = await start();
    const [first, second] = [await begin({ locking: 'optimistic' }), await begin({ locking: 'optimistic' })];
    for (const session of [first, second]) {
      await session.get('a');
      await session.get('b');
    }
    await first.set('a', 'x');
    await second.set('b', 'x');

    const ended = await Promise.allSettled([first.commit(), second.commit()]);

    expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    expect(
      (await keys.getMany(['a', 'b'])).filter(({ outcome }) => outcome === 'got').length,
    ).toBeLessThanOrEqual(1);
  });

  it('waits for what another one has locked, for as long as it is told', async () => {
    const { begin } = await start();
    const holder = await begin();
    await holder.set('k', 'v');
    const hasty = await begin({ lockWaitMs: 0 });
    const patient = await begin();

    const refused = await failureOf(hasty.get('k'));
    const waiting = patient.set('k', 'w');
    await holder.commit();
    await waiting;
    await patient.commit();

    expect([refused.code, refused.isOutcomeUnknown]).toEqual(['alreadyLocked', false]);
  });

  it('locks keys, buckets and ranges, and gives the last two back', async () => {
    const { begin } = await start();
    const holder = await begin();
    const other = await begin({ lockWaitMs: 0 });
    const refused = async (work: Promise<unknown>): Promise<string> => (await failureOf(work)).code;

    await holder.lock('k');
    await holder.lockBucket('b');
    await holder.lockRange('r', { start: 'r/1', end: 'r/5', shared: true });
    const codes = [
      await refused(other.lock('k')),
      await refused(other.get('b/1')),
      await refused(other.lockRange('r', { start: 'r/2' })),
    ];
    await other.lockRange('r', { start: 'r/2', shared: true });
    await holder.unlockBucket('b');
    await other.get('b/1');

    expect(codes).toEqual(['alreadyLocked', 'alreadyLocked', 'alreadyLocked']);
  });

  it('reads a moment of the past, and cannot write then', async () => {
    const { keys, begin } = await start();
    const { lastModified } = await keys.set('k', 'old');
    await keys.set('k', 'new');
    const session = await begin({ at: lastModified });

    expect(await session.getText('k')).toBe('old');
    expect((await failureOf(session.set('k', 'x'))).code).toBe('aborted');
  });

  it('does nothing that was cancelled', async () => {
    const { keys, begin } = await start();
    const session = await begin();
    const cancelled = await failureOf(session.set('k', 'v', { signal: AbortSignal.abort() }));
    await session.commit();

    expect([cancelled.code, cancelled.isOutcomeUnknown, await keys.exists('k')]).toEqual([
      'cancelled',
      false,
      false,
    ]);
  });

  it('takes a write that comes a little late', async () => {
    const { keys, begin } = await start();
    const session = await begin({ lifetimeMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));

    await session.set('k', 'v');
    await session.commit();

    expect(await keys.getText('k')).toBe('v');
  });
});

describe.each(WAYS)('a transaction of a client %s', (_way, start) => {
  it.each(LOCKINGS)('is done again until it comes through: %s', async (locking) => {
    const { keys, transaction } = await start();
    await keys.set('n', '0');

    const added = await Promise.all(
      Array.from({ length: 8 }, () =>
        transaction(
          async (tx) => {
            const next = Number(await tx.getText('n')) + 1;
            await tx.set('n', `${next}`);
            return next;
          },
          { locking, attempts: 100 },
        ),
      ),
    );

    expect(added.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await keys.getText('n')).toBe('8');
  });

  it('gives up after so many attempts, with the last reason', async () => {
    const { keys, transaction } = await start();
    let attempts = 0;

    const failure = await failureOf(
      transaction(
        async (tx) => {
          attempts += 1;
          await tx.get('k');
          await keys.set('k', `${attempts}`);
          await tx.set('other', 'v');
        },
        { locking: 'optimistic', attempts: 3 },
      ),
    );

    expect([attempts, failure.code, failure.isOutcomeUnknown]).toEqual([3, 'aborted', false]);
    expect(failure.reason).toContain('gave up after 3 attempts');
  });

  it('throws what its work throws, and leaves nothing behind', async () => {
    const { keys, transaction } = await start();
    const mistake = new Error('a mistake');

    const thrown = await transaction(async (tx) => {
      await tx.set('k', 'v');
      throw mistake;
    }).catch((error: unknown) => error);

    expect(thrown).toBe(mistake);
    expect(isWavetankError(thrown)).toBe(false);
    expect(await keys.exists('k')).toBe(false);
  });

  it('may be committed or rolled back by its work', async () => {
    const { keys, transaction } = await start();
    const seen: Session[] = [];

    await transaction(async (tx) => {
      seen.push(tx);
      await tx.set('a', 'v');
      await tx.commit();
    });
    await transaction(async (tx) => {
      seen.push(tx);
      await tx.set('b', 'v');
      await tx.rollback();
    });

    expect(seen.map(({ state }) => state)).toEqual(['committed', 'rolledBack']);
    expect([await keys.exists('a'), await keys.exists('b')]).toEqual([true, false]);
  });
});
