import { describe, expect, it } from 'vitest';
import {
  checkIsolation,
  explainAnomalies,
  type MicroOperation,
  type Transaction,
} from '../../../../sim/check/isolation/index.js';
import { broken, during, forbidden, historyOf, lists, registers, type Line } from './histories.js';

/** Transactions of published reports, whose elements have more than one digit. */
function published(...transactions: readonly (readonly MicroOperation[])[]): readonly Transaction[] {
  return transactions.map((operations, index) => ({
    id: index + 1,
    client: `c${index + 1}`,
    outcome: 'committed',
    invokedAt: 0,
    answeredAt: 100,
    operations,
  }));
}

const append = (key: number, ...values: readonly number[]): readonly MicroOperation[] =>
  values.map((value) => ({ type: 'append', key: String(key), value }));
const read = (key: number, ...values: readonly number[]): MicroOperation => ({
  type: 'list',
  key: String(key),
  values,
});

describe('examples from the literature', () => {
  it('read skew over three transactions, from the paper on Elle', () => {
    const history = published(
      [...append(253, 1, 3, 4), ...append(255, 2, 3, 4, 5), ...append(256, 1, 2)],
      [...append(255, 8), read(253, 1, 3, 4)],
      [...append(256, 4), read(255, 2, 3, 4, 5, 8), read(256, 1, 2, 4), read(253, 1, 3, 4)],
      [...append(250, 10), read(253, 1, 3, 4), read(255, 2, 3, 4, 5), ...append(256, 3)],
    );

    const result = checkIsolation(history, { model: 'list-append', level: 'snapshot-isolation' });

    expect(forbidden(result)).toEqual(['G-single']);
    expect(result.anomalies[0]?.cycle?.map(({ from, to, kind }) => [from, kind, to])).toEqual([
      [2, 'wr', 3],
      [3, 'ww', 4],
      [4, 'rw', 2],
    ]);
  });

  it('write skew under a promise of serializability, from the report on PostgreSQL 12.3', () => {
    const history = published(
      [...append(1799, 2), read(1798)],
      [read(1799), ...append(1798, 4, 5), read(1798, 4, 5)],
      [read(1799, 2), read(1798, 4, 5)],
    );

    const result = checkIsolation(history, { model: 'list-append', level: 'serializable' });

    expect(forbidden(result)).toEqual(['G2-item']);
    expect(result.anomalies[0]?.title).toBe('write skew');
  });

  it('two anti-dependencies between two inserts, from a report on PostgreSQL 18', () => {
    const history = published([...append(633, 3), read(632)], [...append(632, 2), read(633), read(632, 2)]);

    expect(checkIsolation(history, { model: 'list-append', level: 'serializable' }).verdict).toBe('invalid');
    expect(checkIsolation(history, { model: 'list-append', level: 'snapshot-isolation' }).verdict).toBe(
      'valid',
    );
  });

  it('an update lost by a retry without a look, as in the report on TiDB 2.1.7', () => {
    const result = lists('snapshot-isolation', 'ax1', 'rx1 ax2', 'rx1 ax3', 'rx123');

    expect(forbidden(result)).toEqual(['lost-update']);
    expect(result.anomalies[0]?.transactions).toEqual([2, 3]);
  });

  it('an append that is not in the read after it, as in the report on FaunaDB', () => {
    expect(forbidden(lists('snapshot-isolation', 'ax6 rx', 'rx6'))).toContain('internal');
  });

  it('half of a transaction seen, as in the report on RavenDB', () => {
    expect(forbidden(lists('snapshot-isolation', 'ax1 ay1', 'ry1 rx', 'rx1'))).toEqual(['G-single']);
  });

  it('a tangle that snapshot isolation allows, for each of its cycles has two anti-dependencies in succession', () => {
    const lines: readonly Line[] = ['ai2', 'ah1 ri', 'rf rh ai5', 'af2 ri2', 'ri25'];

    expect(lists('snapshot-isolation', ...lines).verdict).toBe('valid');
    expect(forbidden(lists('serializable', ...lines))).toEqual(['G2-item']);
  });

  it('the anomaly of a read-only transaction (Fekete, O\u2019Neil and O\u2019Neil)', () => {
    // A withdrawal that saw no deposit, a deposit, and a report that saw the deposit and not the withdrawal.
    expect(broken('rw-register', 'rx_ ry_ wx11', 'ry_ wy20', 'rx_ ry20')).toEqual([
      'repeatable-read',
      'serializable',
      'strong-session-serializable',
      'strict-serializable',
    ]);
  });
});

describe('the examples of Hermitage', () => {
  it.each<readonly [string, readonly Line[], number]>([
    ['G0', ['wx11 wy11', 'wx12 wy12', 'rx11 ry12'], 5],
    ['G1c', ['wx11 ry22', 'wy22 rx11'], 6],
    ['observed transaction vanishes', ['wx11 wy19', 'wx12 wy18', 'rx11 ry18'], 5],
    ['lost update', ['rx_ wx11', 'rx_ wx12'], 5],
    ['read skew', ['rx_ ry18', 'wx12 wy18'], 5],
    ['write skew', ['rx_ ry_ wx11', 'rx_ ry_ wy21'], 4],
  ])('%s is rejected at %i levels', (_name, lines, levels) => {
    expect(broken('rw-register', ...lines)).toHaveLength(levels);
  });
});

describe('an explanation', () => {
  it('shows a minimal cycle line by line, with its reasons', () => {
    const result = lists('serializable', 'rx ay1', 'ry ax1', 'rx1 az1', 'rz1');

    expect(explainAnomalies(result)).toBe(
      [
        'Not serializable: 1 anomaly (transactions: 4, reads: 4, dependencies: 4).',
        '',
        'G2-item: write skew (T1, T2)',
        '  T1 (client c1, 0 to 100): read "x" as []; appended 1 to "y".',
        '  T2 (client c2, 0 to 100): read "y" as []; appended 1 to "x".',
        '  T1 comes before T2: T1 saw "x" as an empty list, without what T2 did, which appended 1 to "x".',
        '  T2 must also come before T1: T2 saw "y" as an empty list, without what T1 did, which appended 1 to "y".',
      ].join('\n'),
    );
  });

  it('says of an order of time when the two were', () => {
    const result = registers('strict-serializable', ['wx1', during(0, 3)], ['rx_', during(5, 6)]);

    const text = explainAnomalies(result);

    expect(text).toContain('G-single-realtime: real-time violation');
    expect(text).toContain('T1 was answered at 3, and T2 was invoked at 5');
  });

  it('says of a session whose it is', () => {
    const result = lists(
      'strong-session-serializable',
      'ax1',
      ['rx1', during(0, 1, 'me')],
      ['rx', during(2, 3, 'me')],
    );

    expect(explainAnomalies(result)).toContain('both are of client me');
  });

  it('says what a scan did not find', () => {
    const result = lists('serializable', 'aka1 ay1', 'sk: ry1');

    expect(explainAnomalies(result)).toContain('T2 scanned and found no "ka", and T1 appended 1 to "ka"');
  });

  it('says how the order of two writes is known', () => {
    const result = registers('serializable', 'wx1 wy2', 'wx2 wy1', 'rx1 ry1');

    expect(explainAnomalies(result)).toContain(
      'who saw another write of the one, and so all of them, read the other',
    );
  });

  it('keeps apart what the level allows', () => {
    const result = lists('snapshot-isolation', 'rx ay1', 'ry ax1');

    const text = explainAnomalies(result);

    expect(text).toContain('Nothing contradicts snapshot isolation');
    expect(text).toContain('Found, and allowed at snapshot isolation:\n\nG2-item: write skew (T1, T2)');
  });

  it('says of an unknown verdict that it is no pass, and why', () => {
    const text = explainAnomalies(lists('serializable', 'ax1'));

    expect(text).toContain('this is not a pass');
    expect(text).toContain('Note: No committed transaction read anything from outside');
  });

  it('names a client that has two transactions under way at once', () => {
    const result = lists('serializable', ['ax1', during(0, 9, 'c')], ['rx1', during(1, 2, 'c')]);

    expect(result.verdict).toBe('valid');
    expect(result.notes.join()).toContain('Client c had transactions 1 and 2 under way at once');
  });

  it('lists a few of many, and counts the others', () => {
    const lines = Array.from({ length: 30 }, (_, pair) => {
      const letter = String.fromCharCode(97 + (pair % 26)).repeat(1 + Math.floor(pair / 26));
      return [`rx${letter} ay${letter}1`, `ry${letter} ax${letter}1`];
    });

    const result = lists('serializable', ...lines.flat());

    expect(result.anomalies).toHaveLength(8);
    expect(result.notes).toEqual(['22 more of G2-item were found and are not listed.']);
  });
});

describe('a large history', () => {
  it('with a long cycle needs no recursion', () => {
    const size = 20_000;
    const history = Array.from({ length: size }, (_, index): Transaction => {
      const next = (index + 1) % size;
      return {
        id: index,
        client: `c${index}`,
        outcome: 'committed',
        invokedAt: 0,
        answeredAt: 1,
        operations: [
          { type: 'read', key: `k${index}`, value: null },
          { type: 'write', key: `k${next}`, value: 1 },
        ],
      };
    });

    const result = checkIsolation(history, { model: 'rw-register', level: 'serializable' });

    expect(result.anomalies.map(({ name, transactions }) => [name, transactions.length])).toEqual([
      ['G2-item', size],
    ]);
  });

  it('with one key that all read and write at once costs no square of edges', () => {
    const size = 3_000;
    const history = historyOf(
      'rw-register',
      Array.from({ length: 2 * size }, (_, index) => (index < size ? 'rx_' : `wx${index}`)),
    );

    const { verdict, statistics } = checkIsolation(history, {
      model: 'rw-register',
      level: 'strict-serializable',
    });

    expect(verdict).toBe('valid');
    expect(Object.values(statistics.edges).reduce((sum, count) => sum + count, 0)).toBeLessThan(10 * size);
  });

  it('gives the same result whenever it is checked', () => {
    const history = historyOf('list-append', ['rx ay1', 'ry ax1', 'rx1 ry', 'ax2 rx12', 'rx12 ry1']);

    const first = checkIsolation(history, { model: 'list-append', level: 'read-committed' });

    expect(checkIsolation(history, { model: 'list-append', level: 'read-committed' })).toEqual(first);
  });
});
