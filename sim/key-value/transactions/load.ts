/** What clients do in a run with transactions: which, in which mode, how often again; and plain operations on the same keys. */

import {
  KeyValueCode,
  type KeyValueOperation,
  type KeyValueOutcome,
  type PageOutcome,
  type RequestId,
  type Timestamp,
} from '../../../core/index.js';
import type { MicroOperation } from '../../check/isolation/index.js';
import { PropertyBroken } from '../../world/world.js';
import type { Client as Asker } from '../../workload/clients.js';
import { drawBelow, drawOne, type Stream } from '../../world/chance.js';
import { TRANSACTION_KINDS, type TransactionKind, type TransactionSettings } from '../settings.js';
import { toText } from '../text.js';
import { askUntilKnown, type AnyAnswer, type Shorefront } from './asking.js';
import { latestOf, tellEnding, type Attempt, type TransactionMode } from './attempt.js';
import { watchLocks, type LockWatch } from './lock-watch.js';
import {
  ACCOUNTS,
  balanceOf,
  BALANCE,
  conditionsOf,
  elementsOf,
  listKey,
  program,
  registerKey,
  setOperation,
  valueOf,
  type Dice,
  type Scene,
} from './programs.js';
import { runScript } from './scripts.js';
import { optionsOf, runSession } from './session.js';

/** One client, as far as its transactions go. */
interface Client {
  readonly number: number;
  /** Grows when nobody knows what became of a transaction, as that may still be under way. */
  alias: number;
  /** The newest time that it has heard of, and an older one. */
  newest: Timestamp | undefined;
  older: Timestamp | undefined;
}

export interface TransactionLoad {
  readonly attempts: readonly Attempt[];
  /** The `number`th thing that a client does, if that is one of these; `done` is called when it is through. */
  readonly perform: (client: Asker, number: number, done: () => void) => boolean;
}

const MS = 1_000;
const SECOND_US = 1_000 * MS;
/** Whoever was turned away so often takes locks. */
const TRIES_WITHOUT_LOCKS = 3;
/** Long enough for any transaction over any network. */
const LONG_MS = 20_000;

export function createTransactionLoad(front: Shorefront, settings: TransactionSettings): TransactionLoad {
  const attempts: Attempt[] = [];
  const watch = settings.orderly === true ? watchLocks(front.nowUs) : undefined;
  const clients = new Map<number, Client>();
  const clientOf = (number: number): Client => {
    let client = clients.get(number);
    if (client === undefined) {
      clients.set(number, (client = { number, alias: 0, newest: undefined, older: undefined }));
    }
    return client;
  };
  const open = (client: Client, kind: TransactionKind, mode: TransactionMode, at?: Timestamp): Attempt => {
    const attempt: Attempt = {
      id: attempts.length,
      client: `${client.number}.${client.alias}`,
      kind,
      mode,
      invokedAt: front.nowUs(),
      answeredAt: undefined,
      ending: 'unknown',
      did: [],
      sights: [],
      contradiction: undefined,
      askedToCommit: false,
      ...(at === undefined ? {} : { at }),
    };
    attempts.push(attempt);
    return attempt;
  };
  return {
    attempts,
    perform({ number, stream }, count, done) {
      if (drawBelow(stream, 100, count, 40) >= settings.percent) return false;
      const client = clientOf(number);
      const dice: Dice = {
        below: (sides, salt) => drawBelow(stream, sides, count * 16, 1_000 + salt),
        one: (choices, salt) => drawOne(stream, choices, count * 16, 1_000 + salt),
      };
      const kind = settings.kind ?? dice.one(MIX, 1);
      const name = `${number}.${count}`;
      if (kind !== 'knots' && dice.below(100, 2) < 15) {
        plainly(front, { client, kind, dice, settings, name, open }, done);
        return true;
      }
      if (kind === 'lists' && settings.keys > 1 && dice.below(8, 9) === 0) {
        const attempt = open(client, kind, 'script');
        runScript(front, { attempt, dice, keys: settings.keys, mine: name }, () => {
          if (attempt.ending === 'unknown') client.alias += 1;
          else front.reach(`script ${attempt.ending}`);
          done();
        });
        return true;
      }
      const work = { front, settings, client, kind, dice, name, number: count, open, stream };
      tryIt(watch === undefined ? work : { ...work, watch }, 0, done);
      return true;
    },
  };
}

const MIX: readonly TransactionKind[] = [...TRANSACTION_KINDS, 'lists', 'lists', 'registers', 'bank'];

interface Work {
  readonly front: Shorefront;
  readonly settings: TransactionSettings;
  readonly client: Client;
  readonly kind: TransactionKind;
  readonly dice: Dice;
  readonly name: string;
  readonly number: number;
  readonly stream: Stream;
  readonly watch?: LockWatch;
  readonly open: (client: Client, kind: TransactionKind, mode: TransactionMode, at?: Timestamp) => Attempt;
}

/** The `tries`th time: the first is 0. */
function tryIt(work: Work, tries: number, done: () => void): void {
  const { front, settings, client, kind, dice, open } = work;
  const { newest, older } = client;
  const at = dice.below(2, 6) === 0 ? newest : older;
  const isKnot = kind === 'knots';
  const isPast = !isKnot && dice.below(8, 3) === 0 && at !== undefined;
  const isPatient = isKnot || (settings.insists && tries > TRIES_WITHOUT_LOCKS);
  const drawn = dice.below(2, 4) === 0 ? 'pessimistic' : 'optimistic';
  const mode = isPast ? 'snapshot' : isPatient ? 'pessimistic' : drawn;
  const attempt = open(client, kind, mode, isPast ? at : undefined);
  const scene: Scene = {
    dice,
    keys: settings.keys,
    mine: `${work.name}.${tries}`,
    number: work.number,
    attempt,
    reads: isPast || dice.below(5, 5) === 0,
    locks: isPatient || (mode === 'pessimistic' && dice.below(3, 7) > 0),
  };
  const ending = tries > 0 || isKnot ? 'commit' : dice.one(ENDINGS, 8);
  const plan = {
    attempt,
    program: program(kind, scene),
    // Whoever was too slow takes his time.
    options: { ...optionsOf(dice, mode, at), ...(isPatient ? { timeoutMs: LONG_MS } : {}) },
    coordinatorKey: `c${client.number}`,
    ending,
    dice: {
      below: (sides: number, salt: number) =>
        drawBelow(work.stream, sides, work.number * 16 + 1, salt + tries * 65_536),
      one: <T>(choices: readonly T[], salt: number) =>
        drawOne(work.stream, choices, work.number * 16 + 1, salt + tries * 65_536),
    },
    name: `${work.name}.${tries}`,
    learn: (outcome: KeyValueOutcome | PageOutcome) => learn(client, outcome),
    ...(work.watch !== undefined && { watch: work.watch }),
  } as const;
  runSession(front, plan, () => {
    if (attempt.ending === 'unknown') client.alias += 1;
    else front.reach(`${mode} transaction ${attempt.ending}`);
    const isWanted = attempt.ending === 'aborted' && !isPast && ending === 'commit';
    if (isWanted && (settings.insists || tries < 2)) {
      const pauseUs =
        5 * MS + drawBelow(work.stream, 40 * MS * Math.min(8, tries + 1), work.number * 16 + 2, tries);
      front.later(pauseUs, () => tryIt(work, tries + 1, done));
      return;
    }
    if (tries > 0 && attempt.ending === 'committed') front.reach('a transaction committed at last');
    done();
  });
}

const ENDINGS = [...Array.from({ length: 18 }, () => 'commit' as const), 'rollback', 'abandon'] as const;

interface Plain extends Pick<Work, 'client' | 'dice' | 'settings' | 'name' | 'open'> {
  readonly kind: Exclude<TransactionKind, 'knots'>;
}

/** Without a session: what a transaction must not be torn apart by, and what must not see half of one. */
function plainly(front: Shorefront, plain: Plain, done: () => void): void {
  const { kind, dice, settings, name, client } = plain;
  const ask = (
    part: number,
    operation: KeyValueOperation,
    hear: (attempt: Attempt, outcome: KeyValueOutcome | PageOutcome) => void,
    after: (outcome: KeyValueOutcome | PageOutcome) => void,
    does: readonly MicroOperation[] = [],
  ): void => {
    const attempt = plain.open(client, kind, 'plain');
    attempt.askedToCommit = true;
    attempt.did.push(...does);
    const requestId = `t:${name}.${part}` as RequestId;
    askUntilKnown(front, {
      request: () => ({ requestId, operation }),
      salt: dice.below(1_000_000, 50 + part),
      twice: dice.below(16, 60 + part) === 0,
      patienceUs: 6 * SECOND_US,
      hear: (answer) => {
        const outcome = outcomeOf(answer, operation);
        if (outcome.code === KeyValueCode.mustRetry) return 'again';
        return () => {
          learn(client, outcome);
          hear(attempt, outcome);
          after(outcome);
        };
      },
      giveUp: () => {
        client.alias += 1;
        done();
      },
    });
  };
  const mode = dice.one([{}, {}, { mode: 'lease' }, { mode: 'follower' }] as const, 70);
  const well = (attempt: Attempt): void => tellEnding(attempt, 'committed', front.nowUs());
  const page = (prefix: string, hear: (attempt: Attempt, items: PageOutcome['items']) => void): void =>
    ask(
      0,
      { type: 'Scan', prefix, limit: 100, ...mode },
      (attempt, outcome) => {
        if (outcome.family === 'page') hear(attempt, outcome.items);
        well(attempt);
      },
      done,
    );
  const value = `${name}.p`;
  switch (kind) {
    case 'lists': {
      const key = listKey(dice.below(settings.keys, 71));
      const writes = dice.below(3, 72) === 0;
      const get = { type: 'Get', key, ...(writes ? {} : mode) } as const;
      const values = (outcome: KeyValueOutcome): readonly string[] => elementsOf(valueOf(outcome));
      ask(
        0,
        get,
        (attempt, outcome) => {
          if (outcome.family === undefined) attempt.did.push({ type: 'list', key, values: values(outcome) });
          well(attempt);
        },
        (got) => {
          if (!writes || got.family !== undefined) return done();
          const longer = [...values(got), value].join(' ');
          ask(
            1,
            setOperation(key, longer, conditionsOf(got)),
            (attempt, { code }) =>
              code === KeyValueCode.set ? well(attempt) : tellEnding(attempt, 'aborted', front.nowUs()),
            done,
            // Where it is done at all, its condition held.
            [
              { type: 'list', key, values: values(got) },
              { type: 'append', key, value },
            ],
          );
        },
      );
      return;
    }
    case 'registers': {
      const key = registerKey(dice.below(settings.keys, 71));
      if (dice.below(2, 72) === 0) {
        ask(0, setOperation(key, value, {}), well, done, [{ type: 'write', key, value }]);
        return;
      }
      return page(key.slice(0, key.indexOf('/')), (attempt, items) => {
        attempt.did.push({ type: 'scan', prefix: key.slice(0, key.indexOf('/')), found: shown(items) });
      });
    }
    case 'bank':
      return page('bank', (attempt, items) => {
        const known = items.reduce((sum, item) => sum + balanceOf(toText(item.value)) - BALANCE, 0);
        attempt.sights.push({ type: 'Bank', bank: 0, sum: ACCOUNTS * BALANCE + known });
        attempt.did.push({ type: 'scan', prefix: 'bank', found: shown(items) });
      });
    case 'rooms': {
      const room = `room-${dice.below(8, 71)}-${dice.below(2, 72)}`;
      return page(room, (attempt, items) => {
        attempt.sights.push({ type: 'Room', room, taken: items.length });
        attempt.did.push({ type: 'scan', prefix: room, found: shown(items) });
      });
    }
    case 'token':
      return page(`token-${dice.below(3, 71)}`, () => undefined);
  }
}

function shown(items: PageOutcome['items']): readonly (readonly [string, string])[] {
  return items.map(({ key, value }) => [key, toText(value) ?? '']);
}

/** Snapshots are of times that somebody has seen. */
function learn(client: Client, outcome: KeyValueOutcome | PageOutcome): void {
  const at = outcome.family === 'page' ? outcome.at : outcome.lastModified;
  if (at.wall === 0) return;
  client.older = client.newest;
  client.newest = latestOf(client.newest, at);
}

function outcomeOf(answer: AnyAnswer, { type }: KeyValueOperation): KeyValueOutcome | PageOutcome {
  if ('code' in answer && !('outcome' in answer)) {
    const { family } = answer;
    const isFit = type === 'Scan' ? family === 'page' : family === undefined;
    if (
      isFit &&
      (answer.code < KeyValueCode.errored ||
        answer.code === KeyValueCode.mustRetry ||
        answer.code === KeyValueCode.doesNotExist)
    )
      return answer as KeyValueOutcome | PageOutcome;
  }
  const words = 'code' in answer ? `code ${answer.code}` : 'something else';
  throw new PropertyBroken('answers make sense', `a plain ${type} is answered with ${words}`);
}
