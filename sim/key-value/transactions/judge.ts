/** What must hold of all that clients saw of transactions, once a run is over. */

import { checkIsolation, explainAnomalies, type Transaction } from '../../check/isolation/index.js';
import { PropertyBroken } from '../../world/world.js';
import type { Attempt } from './attempt.js';
import { accountKey, ACCOUNTS, BALANCE, balanceOf, PLACES } from './programs.js';

/** A key as it is when all is over. */
export interface FinalKey {
  readonly key: string;
  readonly value: string | null;
}

const MAX_STEPS = 4_000_000;

/** Keys that are written as a whole and never removed. */
const REGISTERS = ['reg-', 'bank', 'account-', 'room-'];

/**
 * @param final what the replicas hold in the end, as if one last transaction had read it; empty where nobody knows.
 * @param nowUs when that was.
 * @throws PropertyBroken that says which promise was not kept.
 */
export function checkTransactions(
  attempts: readonly Attempt[],
  final: readonly FinalKey[],
  nowUs: number,
): void {
  for (const attempt of attempts) if (attempt.ending === 'committed') checkSights(attempt);
  checkToken(attempts, final);
  checkMoney(final);
  checkIsolated(attempts, 'list-append', ['append', 'list'], (key) => key.startsWith('list-'), final, nowUs);
  checkIsolated(
    attempts,
    'rw-register',
    ['read', 'write'],
    (key) => REGISTERS.some((prefix) => key.startsWith(prefix)),
    final,
    nowUs,
  );
  checkPasts(attempts);
}

function checkSights({ id, client, mode, sights, at }: Attempt): void {
  const say = (property: string, what: string): never => {
    const past = at === undefined ? '' : ` of ${at.wall}.${at.counter}`;
    throw new PropertyBroken(property, `the ${mode} transaction ${id} of client ${client}${past} ${what}`);
  };
  for (const sight of sights) {
    if (sight.type === 'Bank' && sight.sum !== ACCOUNTS * BALANCE) {
      say(
        'money is neither made nor lost',
        `sees ${sight.sum} in bank ${sight.bank}, not ${ACCOUNTS * BALANCE}`,
      );
    }
    if (sight.type === 'Room' && sight.taken > PLACES) {
      say('no room is too full', `sees ${sight.taken} in ${sight.room}, where ${PLACES} may be`);
    }
    if (sight.type === 'Token' && sight.hops.length > 1) {
      say(
        'the token is in one place',
        `finds it in ${sight.hops.length} places, after ${sight.hops.join(', ')} hops`,
      );
    }
  }
}

/** Each move rests on the one before, so that no two are the same. */
function checkToken(attempts: readonly Attempt[], final: readonly FinalKey[]): void {
  const movedBy = new Map<number, Attempt>();
  for (const attempt of attempts) {
    if (attempt.ending !== 'committed') continue;
    for (const sight of attempt.sights) {
      if (sight.type !== 'Token' || !sight.moved) continue;
      const hop = (sight.hops[0] ?? 0) + 1;
      const other = movedBy.get(hop);
      if (other !== undefined) {
        throw new PropertyBroken(
          'the token is in one place',
          `transactions ${other.id} and ${attempt.id} both made hop ${hop}`,
        );
      }
      movedBy.set(hop, attempt);
    }
  }
  if (final.length === 0) return;
  const left = final.flatMap(({ key, value }) => (key.startsWith('token-') ? [`${key} ${value}`] : []));
  const most = Math.max(0, ...movedBy.keys());
  const [only] = left;
  if (left.length <= 1 && (most === 0 || Number(only?.slice(only.indexOf(' '))) >= most)) return;
  throw new PropertyBroken(
    'the token is in one place',
    `after ${most} hops or more there is ${left.join(' and ') || 'none'} in the end`,
  );
}

/** Accounts that nobody has used hold as much as all do at first. */
function checkMoney(final: readonly FinalKey[]): void {
  for (const bank of [0, 1]) {
    const mine = Array.from({ length: ACCOUNTS }, (_, i) => accountKey(bank, i));
    const moved = final.reduce(
      (sum, { key, value }) => (mine.includes(key) ? sum + balanceOf(value) - BALANCE : sum),
      0,
    );
    if (moved === 0) continue;
    throw new PropertyBroken(
      'money is neither made nor lost',
      `bank ${bank} has ${moved} more than at first in the end`,
    );
  }
}

type Kind = 'list' | 'append' | 'read' | 'write';

function checkIsolated(
  attempts: readonly Attempt[],
  model: 'list-append' | 'rw-register',
  kinds: readonly Kind[],
  isMine: (key: string) => boolean,
  final: readonly FinalKey[],
  nowUs: number,
): void {
  const history = attempts.flatMap(
    ({ mode, did, ending, id, client, invokedAt, answeredAt }): Transaction[] => {
      if (mode === 'snapshot') return [];
      const operations = did.filter((one) =>
        one.type === 'scan' ? isMine(one.prefix) : kinds.some((kind) => kind === one.type) && isMine(one.key),
      );
      if (operations.length === 0) return [];
      return [
        {
          id,
          client,
          outcome: ending,
          invokedAt,
          answeredAt: ending === 'unknown' ? undefined : answeredAt,
          operations,
        },
      ];
    },
  );
  if (history.length === 0) return;
  const last = final.flatMap(({ key, value }): Transaction['operations'][number][] => {
    if (!isMine(key)) return [];
    return model === 'list-append'
      ? [{ type: 'list', key, values: value === null || value === '' ? [] : value.split(' ') }]
      : [{ type: 'read', key, value }];
  });
  const end: Transaction = {
    id: attempts.length,
    client: 'end',
    outcome: 'committed',
    invokedAt: nowUs,
    answeredAt: nowUs,
    operations: last,
  };
  const result = checkIsolation(last.length === 0 ? history : [...history, end], {
    model,
    level: 'strict-serializable',
    maxSteps: MAX_STEPS,
  });
  if (result.verdict !== 'invalid') return;
  throw new PropertyBroken('isolation', explainAnomalies(result));
}

/** A transaction that wrote lists, by what it wrote. */
interface Appended {
  readonly id: number;
  /** By list: its last element there. */
  readonly last: Map<string, string>;
}

/**
 * A transaction of the past sees all of another one or nothing, and what it sees of lists is how they began; two of the same time
 * see the same.
 */
function checkPasts(attempts: readonly Attempt[]): void {
  const writerOf = new Map<string, Appended>();
  const longest = new Map<string, readonly string[]>();
  for (const { id, did, mode, ending } of attempts) {
    const last = new Map<string, string>();
    for (const one of did) {
      if (one.type === 'list' && mode !== 'snapshot' && ending === 'committed') {
        const values = (one.values ?? []).map(String);
        if (values.length > (longest.get(one.key)?.length ?? 0)) longest.set(one.key, values);
      }
      if (one.type === 'append') last.set(one.key, String(one.value));
    }
    for (const one of did) {
      if (one.type === 'append') writerOf.set(`${one.key} ${one.value}`, { id, last });
    }
  }
  const byTime = new Map<string, Map<string, string>>();
  for (const { id, mode, at, did, client, ending } of attempts) {
    if (mode !== 'snapshot' || at === undefined || ending !== 'committed') continue;
    const say = (what: string): never => {
      throw new PropertyBroken(
        'snapshots are of one time',
        `transaction ${id} of client ${client}, at ${at.wall}.${at.counter} of node ${at.node}, ${what}`,
      );
    };
    const lists = new Map<string, readonly string[]>();
    for (const one of did) if (one.type === 'list') lists.set(one.key, (one.values ?? []).map(String));
    for (const [key, values] of lists) {
      const whole = longest.get(key) ?? [];
      const known = values.slice(0, whole.length);
      if (known.some((value, i) => value !== whole[i]))
        say(`finds ${key} to be ${values.join(' ')}, which it never was`);
      for (const value of values) {
        const writer = writerOf.get(`${key} ${value}`);
        if (writer === undefined) return say(`finds ${value} in ${key}, which nobody wrote`);
        for (const [other, last] of writer.last) {
          const seen = lists.get(other);
          if (seen === undefined || seen.includes(last)) continue;
          say(`sees what transaction ${writer.id} wrote to ${key}, and not what it wrote to ${other}`);
        }
      }
    }
    const time = `${at.wall}.${at.counter}.${at.node}`;
    let seen = byTime.get(time);
    if (seen === undefined) byTime.set(time, (seen = new Map()));
    for (const one of did) {
      if (one.type !== 'list' && one.type !== 'read') continue;
      const found = one.type === 'list' ? (one.values ?? []).join(' ') : `${one.value}`;
      const before = seen.get(one.key);
      if (before !== undefined && before !== found)
        say(`finds ${one.key} to be ${found}, another found ${before}`);
      seen.set(one.key, found);
    }
  }
}
