/**
 * Two transactions over two partitions, and all that can happen to them: the session machine of the core and the replicated
 * state of partitions, without Raft between them.
 *
 * What a session asks of a partition is executed at any time later, once. It may be told that its answer was lost; then what it asked may
 * still be executed, or never. A coordinator may crash between any two steps, which takes its session, and leaves what it has asked on its way.
 * Anybody may see to what was left: decide against an undecided transaction, settle what was decided, finish the record. Locks are
 * given to everybody who asks, because nothing may rest on them.
 */

import {
  answerRead,
  applyCommand,
  EMPTY_PARTITION,
  forEachPrepared,
  forEachUnfinished,
  groupOfOperation,
  intentsIn,
  isAhead,
  isRead,
  logIndex,
  mapGet,
  monotonicMs,
  newSession,
  nodeId,
  preparedIn,
  revision,
  SessionCode,
  SetFlag,
  stepSession,
  TransactionCode,
  transactionIdOf,
  wallMs,
  type Decision,
  type GroupId,
  type Operation,
  type Outcome,
  type PartitionState,
  type ReadOperation,
  type RequestId,
  type SessionAnswer,
  type SessionOperation,
  type SessionOptions,
  type SessionState,
  type Timestamp,
  type TransactionId,
} from '../../../core/index.js';
import { putValue, type Fingerprint } from '../fingerprint.js';
import { sometimesHolds, type Breach, type Property, type StateModel } from '../model.js';
import { misunderstood, type Mistake } from './mistakes.js';

/** How much may go wrong. */
export interface TransactionBound {
  /** Crashes of a coordinator. */
  readonly crashes: number;
  /** Answers of partitions that are lost. */
  readonly losses: number;
  /** How often somebody decides against a transaction whose coordinator is only slow. */
  readonly impatience: number;
  /** How often a session tries again after it met somebody else. */
  readonly retries: number;
}

export const DEFAULT_TRANSACTION_BOUND: TransactionBound = {
  crashes: 1,
  losses: 0,
  impatience: 0,
  retries: 0,
};

export interface TransactionWorld {
  /** By group, from 1 on. */
  readonly partitions: readonly PartitionState[];
  readonly clients: readonly Client[];
  /** What was asked and is not executed. */
  readonly asks: readonly Asked[];
  readonly crashes: number;
  readonly losses: number;
  readonly impatience: number;
  /** An assertion that was broken on the way here. */
  readonly broken?: string;
}

interface Client {
  /** Undefined after a crash of its coordinator. */
  readonly session: SessionState | undefined;
  /** How many calls it has made. */
  readonly calls: number;
  /** A call of it is not answered. */
  readonly waits: boolean;
  readonly saw: string | null | undefined;
  readonly told: 'committed' | 'aborted' | undefined;
  readonly retries: number;
}

interface Asked {
  readonly client: number;
  readonly ask: number;
  readonly operation: Operation;
  /** Whoever asked will not hear of it. */
  readonly forsaken: boolean;
}

export type TransactionAction =
  | { readonly type: 'Execute'; readonly client: number; readonly ask: number }
  | { readonly type: 'Lose'; readonly client: number; readonly ask: number }
  | { readonly type: 'TryAgain'; readonly client: number }
  | { readonly type: 'Crash'; readonly client: number }
  | { readonly type: 'DecideAgainst'; readonly client: number; readonly anchor: number }
  | { readonly type: 'SettleFor'; readonly client: number; readonly group: number }
  | { readonly type: 'FinishFor'; readonly client: number; readonly anchor: number };

/** Each reads a key of its own and writes both: whoever comes second must have seen the first. */
const KEYS = ['x', 'y'] as const;
/** A read, two writes, and the commit. */
const CALLS = 4;
const WINDOW = 1_000;
const OPTIONS: SessionOptions = {
  locking: 'optimistic',
  timeoutMs: 5_000,
  admissionWaitMs: 0,
  readValidation: 'none',
  decisionDurability: 'bestEffort',
  asyncRelease: false,
  priority: 'normal',
};
const NOW = { wall: wallMs(1_000), monotonic: monotonicMs(1_000) };

/** @param mistake planted on purpose, to see that the exploration finds it. */
export function transactionModel(
  bound: TransactionBound = DEFAULT_TRANSACTION_BOUND,
  mistake?: Mistake,
): StateModel<TransactionWorld, TransactionAction> {
  const keys = keysApart();
  const ids = [0, 1].map((client) => transactionIdOf(stampOf(client), 'i'));
  const idOf = (client: number): TransactionId => ids[client] as TransactionId;

  const callOf = (client: number, call: number): SessionOperation | undefined => {
    const own = keys[client] as string;
    const other = keys[1 - client] as string;
    if (call === 0) return { type: 'Get', key: own };
    if (call === 1) return setOf(own, client);
    return call === 2 ? setOf(other, client) : undefined;
  };

  /** The machine of a client's session takes a step; what it asks is on its way. */
  const step = (
    world: TransactionWorld,
    client: number,
    input: Parameters<typeof stepSession>[1],
    now = NOW,
  ): TransactionWorld => {
    const known = world.clients[client] as Client;
    if (known.session === undefined) return world;
    const context = {
      now,
      partitions: 2,
      appliedOf: (group: GroupId) => (world.partitions[group - 1] as PartitionState).applied,
    };
    const { state, effects } = stepSession(known.session, input, context);
    let after: Client = { ...known, session: state };
    const asks = [...world.asks];
    const locking: { readonly ask: number; readonly code: TransactionCode }[] = [];
    for (const effect of effects) {
      if (effect.type === 'Ask') {
        const { ask, operation } = effect;
        if (operation.type === 'AcquireTransactionLocks') locking.push({ ask, code: TransactionCode.locked });
        else if (operation.type === 'ReleaseTransactionLocks')
          locking.push({ ask, code: TransactionCode.unlocked });
        else asks.push({ client, ask, operation, forsaken: false });
      } else if (effect.type === 'Reply') after = heard(after, effect.answer);
      else if (effect.type === 'Gone') after = { ...after, session: undefined };
    }
    const stepped = { ...world, asks, clients: world.clients.map((one, i) => (i === client ? after : one)) };
    return locking.reduce(
      (one, { ask, code }) => {
        const outcome = { family: 'transaction', code } as const;
        return step(one, client, { type: 'Answered', ask, told: { type: 'Told', outcome } }, now);
      },
      callNext(stepped, client),
    );
  };

  /** A client that was answered goes on at once: that concerns nobody else. */
  const callNext = (world: TransactionWorld, client: number): TransactionWorld => {
    const { session, calls, waits } = world.clients[client] as Client;
    if (session === undefined || waits || calls >= CALLS) return world;
    const handle = { id: stampOf(client), coordinatorKey: 'c' };
    const operation = callOf(client, calls);
    const call =
      operation === undefined
        ? ({ type: 'CommitTransaction', handle } as const)
        : ({ type: 'OperateInTransaction', handle, operationId: `${calls}`, operation } as const);
    const calling = change(world, client, { calls: calls + 1, waits: true });
    return step(calling, client, { type: 'Called', caller: 1, call, until: monotonicMs(4_000) });
  };

  const apply = (
    world: TransactionWorld,
    group: number,
    requestId: string,
    operation: Operation,
  ): { readonly world: TransactionWorld; readonly outcome: Outcome } => {
    const before = world.partitions[group - 1] as PartitionState;
    const index = logIndex(before.applied + 1);
    const stampedAt = { node: nodeId(9), wall: NOW.wall, counter: 0 } as Timestamp;
    const meant = misunderstood(mistake, operation);
    const command = { requestId: requestId as RequestId, basis: before.applied, stampedAt, operation: meant };
    const { state, outcome } = applyCommand(before, index, command, WINDOW);
    const partitions = world.partitions.map((one, i) => (i === group - 1 ? state : one));
    return { world: { ...world, partitions }, outcome };
  };

  const execute = (world: TransactionWorld, asked: Asked): TransactionWorld | undefined => {
    const { client, ask, operation, forsaken } = asked;
    const left = { ...world, asks: world.asks.filter((one) => one !== asked) };
    const answer = (after: TransactionWorld, outcome: Outcome): TransactionWorld =>
      forsaken ? after : step(after, client, { type: 'Answered', ask, told: { type: 'Told', outcome } });
    const group = groupOfOperation(operation, 2);
    const state = world.partitions[group - 1] as PartitionState;
    // Whoever meets an intent waits until it is settled.
    if (intentsIn(state, operation).length > 0) return undefined;
    if (isRead(operation) && !isAhead(state, operation)) {
      return answer(left, answerRead(state, misunderstood(mistake, operation) as ReadOperation).outcome);
    }
    const applied = apply(left, group, `${client}.${ask}`, operation);
    return answer(applied.world, applied.outcome);
  };

  const settleAll = (world: TransactionWorld, client: number, decision: Decision): TransactionWorld => {
    const transaction = idOf(client);
    return world.partitions.reduce((after, one, place) => {
      if (preparedIn(one, transaction) === undefined) return after;
      const group = (place + 1) as GroupId;
      return apply(after, group, `s${client}.${group}`, { type: 'Settle', group, transaction, decision })
        .world;
    }, world);
  };

  const actions = (world: TransactionWorld): readonly TransactionAction[] => {
    const found: TransactionAction[] = [];
    world.clients.forEach(({ session, retries }, client) => {
      if (session === undefined) return;
      const { phase } = session;
      const isPaused = phase.type === 'Finalizing' && phase.jobs.some(({ state }) => state === 'paused');
      if (isPaused && retries < bound.retries) found.push({ type: 'TryAgain', client });
      if (world.crashes < bound.crashes) found.push({ type: 'Crash', client });
    });
    for (const { client, ask, forsaken, operation } of world.asks) {
      found.push({ type: 'Execute', client, ask });
      const isOfCommit = 'transaction' in operation;
      if (!forsaken && isOfCommit && world.losses < bound.losses) found.push({ type: 'Lose', client, ask });
    }
    world.partitions.forEach((state, place) => {
      forEachPrepared(state, (name, { anchor }) => {
        const client = ids.indexOf(name);
        const end = decisionIn(world, anchor, name);
        if (end !== undefined) found.push({ type: 'SettleFor', client, group: place + 1 });
        else if (isLeft(world, client, bound)) found.push({ type: 'DecideAgainst', client, anchor });
      });
      forEachUnfinished(state, (name, { state: is }) => {
        const client = ids.indexOf(name);
        const isPrepared = world.partitions.some((one) => preparedIn(one, name) !== undefined);
        if (is === 'Committed' && !isPrepared) found.push({ type: 'FinishFor', client, anchor: place + 1 });
        if (is === 'Undecided' && !isPrepared && isLeft(world, client, bound))
          found.push({ type: 'DecideAgainst', client, anchor: place + 1 });
      });
    });
    return found.filter((one, i) => found.findIndex((other) => describe(other) === describe(one)) === i);
  };

  const next = (world: TransactionWorld, action: TransactionAction): TransactionWorld | undefined => {
    if (world.broken !== undefined) return undefined;
    try {
      return nextOf(world, action);
    } catch (problem) {
      return { ...world, broken: String(problem) };
    }
  };

  const nextOf = (world: TransactionWorld, action: TransactionAction): TransactionWorld | undefined => {
    const { client } = action;
    const known = world.clients[client] as Client;
    switch (action.type) {
      case 'Execute': {
        const asked = world.asks.find((one) => one.client === client && one.ask === action.ask);
        return asked && execute(world, asked);
      }
      case 'Lose': {
        const asks = world.asks.map((one) =>
          one.client === client && one.ask === action.ask ? { ...one, forsaken: true } : one,
        );
        const losing = { ...world, asks, losses: world.losses + 1 };
        return step(losing, client, {
          type: 'Answered',
          ask: action.ask,
          told: { type: 'Lost', reason: 'lost' },
        });
      }
      case 'TryAgain': {
        const wakeAt = known.session?.wakeAt;
        if (wakeAt === undefined) return undefined;
        const trying = change(world, client, { retries: known.retries + 1 });
        return step(trying, client, { type: 'TimeCame' }, { wall: NOW.wall, monotonic: wakeAt });
      }
      case 'Crash': {
        // What it has asked is on its way, or is lost, which is as if it never arrived.
        const asks = world.asks.map((one) => (one.client === client ? { ...one, forsaken: true } : one));
        return { ...change(world, client, { session: undefined }), asks, crashes: world.crashes + 1 };
      }
      case 'DecideAgainst': {
        const transaction = idOf(client);
        const group = action.anchor as GroupId;
        const isImpatient = known.session !== undefined;
        const decision = { type: 'Abort' } as const;
        const after =
          mistake === 'settled unasked'
            ? settleAll(world, client, decision)
            : apply(world, group, `d${client}.${world.impatience}`, {
                type: 'Decide',
                group,
                transaction,
                decision,
              }).world;
        return isImpatient ? { ...after, impatience: after.impatience + 1 } : after;
      }
      case 'SettleFor': {
        const transaction = idOf(client);
        const group = action.group as GroupId;
        const part = preparedIn(world.partitions[group - 1] as PartitionState, transaction);
        const decision = part && decisionIn(world, part.anchor, transaction);
        if (decision === undefined) return undefined;
        return apply(world, group, `s${client}.${group}`, { type: 'Settle', group, transaction, decision })
          .world;
      }
      case 'FinishFor': {
        const group = action.anchor as GroupId;
        return apply(world, group, `f${client}`, { type: 'Finish', group, transaction: idOf(client) }).world;
      }
    }
  };

  const START: TransactionWorld = {
    partitions: [EMPTY_PARTITION, EMPTY_PARTITION],
    clients: [0, 1].map((client) => ({
      session: newSession({ id: idOf(client), stamp: stampOf(client), options: OPTIONS, now: NOW.monotonic }),
      calls: 0,
      waits: false,
      saw: undefined,
      told: undefined,
      retries: 0,
    })),
    asks: [],
    crashes: 0,
    losses: 0,
    impatience: 0,
  };
  return {
    initial: [[0, 1].reduce(callNext, START)],
    actions,
    next,
    fingerprint: fold,
    properties: propertiesOf(keys, bound, (world) =>
      actions(world).filter((one) => next(world, one) !== undefined),
    ),
    describe,
  };
}

function setOf(key: string, client: number): SessionOperation {
  const value = Uint8Array.of(`${client}`.charCodeAt(0));
  return { type: 'Set', key, value, flags: SetFlag.set, compareValue: null, compareRevision: revision(0) };
}

function heard(client: Client, answer: SessionAnswer): Client {
  const { code, outcome } = answer;
  const answered = { ...client, waits: false };
  if (code === SessionCode.committed) return { ...answered, told: 'committed' };
  if (code === SessionCode.aborted) return { ...answered, told: 'aborted', calls: CALLS };
  if (outcome !== undefined && outcome.family === undefined && client.saw === undefined) {
    return { ...answered, saw: outcome.value === null ? null : String.fromCharCode(...outcome.value) };
  }
  return answered;
}

function change(world: TransactionWorld, client: number, changed: Partial<Client>): TransactionWorld {
  return { ...world, clients: world.clients.map((one, i) => (i === client ? { ...one, ...changed } : one)) };
}

/** Its coordinator is gone, or somebody is impatient. */
function isLeft(world: TransactionWorld, client: number, bound: TransactionBound): boolean {
  return world.clients[client]?.session === undefined || world.impatience < bound.impatience;
}

function decisionIn(world: TransactionWorld, anchor: number, name: TransactionId): Decision | undefined {
  const { transactions } = world.partitions[anchor - 1] as PartitionState;
  const record = mapGet(transactions.open, name) ?? mapGet(transactions.closed, name);
  if (record?.state === 'Committed') return { type: 'Commit', at: record.at } as const;
  return record?.state === 'Aborted' ? ({ type: 'Abort' } as const) : undefined;
}

function stampOf(client: number): Timestamp {
  return { node: nodeId(client + 1), wall: wallMs(10 + client), counter: 0 } as Timestamp;
}

function propertiesOf(
  keys: readonly string[],
  { crashes }: TransactionBound,
  possible: (world: TransactionWorld) => readonly TransactionAction[],
): readonly Property<TransactionWorld>[] {
  const breach = (property: string, detail: string): Breach => ({ property, detail });
  const versions = (world: TransactionWorld, place: number): readonly string[] => {
    const entry = mapGet((world.partitions[place] as PartitionState).keys, keys[place] as string);
    if (entry === undefined) return [];
    return [entry, ...entry.history].map(({ value }) =>
      value instanceof Uint8Array ? String.fromCharCode(...value) : '',
    );
  };
  const hasIntent = (world: TransactionWorld): boolean =>
    world.partitions.some(({ transactions }) => transactions.intents.size > 0);
  const both = (world: TransactionWorld): readonly (readonly string[])[] => [
    versions(world, 0),
    versions(world, 1),
  ];
  return [
    {
      type: 'Always',
      name: 'assertions hold',
      breach: ({ broken }) => (broken === undefined ? undefined : breach('assertions hold', broken)),
    },
    {
      type: 'Always',
      name: 'all or nothing',
      breach(world) {
        if (hasIntent(world)) return undefined;
        const [x = [], y = []] = both(world);
        if (x.join() === y.join()) return undefined;
        return breach(
          'all or nothing',
          `one key was [${x.join(', ')}], the other [${y.join(', ')}], newest first`,
        );
      },
    },
    {
      type: 'Always',
      name: 'serializable',
      breach(world) {
        const [newest, oldest] = versions(world, 0).length === 2 ? versions(world, 0) : [];
        if (newest === undefined || oldest === undefined) return undefined;
        const [first, second] = [world.clients[Number(oldest)], world.clients[Number(newest)]];
        if (first?.saw === null && second?.saw === oldest) return undefined;
        return breach(
          'serializable',
          `${oldest} came before ${newest}, but they saw ${first?.saw} and ${second?.saw}`,
        );
      },
    },
    {
      type: 'Always',
      name: 'what was told is so',
      breach(world) {
        if (hasIntent(world)) return undefined;
        for (const [client, { told }] of world.clients.entries()) {
          const isThere = versions(world, 0).includes(`${client}`);
          const isWrong = told === 'committed' ? !isThere : told === 'aborted' && isThere;
          if (isWrong) return breach('what was told is so', `${client} was told that it is ${told}`);
        }
        return undefined;
      },
    },
    {
      type: 'Always',
      name: 'nothing is left behind',
      breach(world) {
        const isClean =
          !hasIntent(world) && world.partitions.every(({ transactions }) => transactions.open.size === 0);
        if (isClean || possible(world).length > 0) return undefined;
        const isWaiting = world.clients.some(({ session }) => session !== undefined);
        return isWaiting
          ? undefined
          : breach('nothing is left behind', 'nothing can happen, and an intent or a record is there');
      },
    },
    sometimesHolds('both commit', (world) => world.clients.every(({ told }) => told === 'committed')),
    sometimesHolds<TransactionWorld>('one is aborted', (world) =>
      world.clients.some(({ told }) => told === 'aborted'),
    ),
    ...(crashes === 0
      ? []
      : [
          sometimesHolds<TransactionWorld>(
            'one commits and its coordinator is gone',
            (world) =>
              world.clients.some(({ session, told }) => session === undefined && told === undefined) &&
              versions(world, 0).length > 0,
          ),
        ]),
  ];
}

/** Two keys in different partitions. */
function keysApart(): readonly string[] {
  return KEYS.map((name, place) => {
    for (let i = 0; ; i += 1) {
      const key = `${name}${i}`;
      if (groupOfOperation({ type: 'Get', key }, 2) === place + 1) return key;
    }
  });
}

function fold(world: TransactionWorld, into: Fingerprint): void {
  for (const { keys, transactions, lastModified, applied } of world.partitions) {
    putValue(into, [
      keys,
      transactions.prepared,
      transactions.open,
      transactions.closed,
      lastModified,
      applied,
    ]);
  }
  for (const client of world.clients) putValue(into, client);
  const asks = world.asks.toSorted((a, b) => a.client - b.client || a.ask - b.ask);
  putValue(into, asks);
  putValue(into, [world.crashes, world.losses, world.impatience, world.broken]);
}

function describe(action: TransactionAction): string {
  const who = action.client === 0 ? 'a' : 'b';
  switch (action.type) {
    case 'Execute':
      return `${who}'s request ${action.ask} is executed`;
    case 'Lose':
      return `the answer to ${who}'s request ${action.ask} is lost`;
    case 'TryAgain':
      return `${who} tries again`;
    case 'Crash':
      return `the coordinator of ${who} crashes`;
    case 'DecideAgainst':
      return `somebody decides against ${who} in group ${action.anchor}`;
    case 'SettleFor':
      return `somebody settles ${who} in group ${action.group}`;
    case 'FinishFor':
      return `somebody finishes ${who}`;
  }
}
