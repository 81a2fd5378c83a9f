/**
 * What nodes tell their clients, and each other on behalf of clients, held against the reference and against what the
 * node had heard: every answer rests on a committed entry, says what that entry led to, is given once, and a read is
 * answered only by a leader to which a majority spoke after the read had come, or that holds a lease, or by a node whose leader
 * has said since then how far it must have come. Stale reads may be of any committed index. What is kept in a leader's memory
 * alone is answered as such reads are, by a leader that a majority stands behind.
 */

import {
  answerRead,
  compareTimestamps,
  groupMessagesOf,
  HoldCode,
  HOLDS_GROUP,
  holdsLease,
  groupOfOperation,
  isRead,
  nameIn,
  TransactionCode,
  type HeartbeatAnswer,
  type ClientAnswer,
  type Operation,
  type ClientCall,
  type MonotonicMs,
  type NodeEvent,
  type NodeMessage,
  type Outcome,
  type ReadIndexAnswer,
  type ReadWait,
} from '../../core/index.js';
import { isQuorum } from './raft/quorum.js';
import { PropertyBroken } from '../world/world.js';
import { floorNow, holdNow } from './reference/holds.js';
import {
  checkGift,
  checkKnownFloor,
  checkRead,
  checkWritten,
  isErrored,
  isInvalid,
  isOfRequest,
  isPutOff,
  type Reference,
} from './reference.js';
import type { Raft } from './raft/group-history.js';
import type { Shown } from './end-rules.js';

/** What was asked, and when the node came to know of it. */
interface Asked {
  readonly requestId: string | undefined;
  readonly operation: Operation;
  readonly atUs: number;
  /** What was committed in the key's group then. */
  readonly floor: number;
  answered: boolean;
  /** The places in the group's history at which it was seen to wait for values, rightly. */
  readonly rested: Set<number>;
}

export interface AnswerRules {
  /** A node is handed an event. */
  heard(node: number, event: NodeEvent): void;
  /** A node lets a message go. */
  said(node: number, to: number, message: NodeMessage, turn: Served): void;
  /** A read has come to its point, and waits for values from the node's disk: what it rests on is looked at now. */
  waits(node: number, wait: ReadWait, turn: Served): void;
  replied(node: number, token: number, answer: ClientAnswer, turn: Served): void;
  crashed(node: number): void;
}

/** The turn in which something is answered. */
export interface Served {
  readonly events: readonly NodeEvent[];
  readonly before: (group: number) => Raft | undefined;
  readonly after: (group: number) => Raft | undefined;
  /** By the node's own clock. */
  readonly nowMs: number;
}

export interface AnswerDesk {
  nowUs(): number;
  readonly partitions: number;
  referenceOf(group: number): Reference;
  lastCommitted(group: number): number;
  /** Whether clocks keep to what leases rest on. */
  readonly trustsLeases: boolean;
  /** A leader answers a read from what it holds itself. */
  shown(node: number, group: number, operation: Operation, shown: Shown): void;
  /** Takes note of what the run comes by. */
  reach(feature: string): void;
}

/** A question of a follower for a read index, and what it was told. */
interface AskedIndex {
  readonly atUs: number;
  told: number | undefined;
}

/** Who last answered a leader's heartbeats in a term, and when those answers were sent. */
interface Confirmations {
  term: number;
  readonly sentAtUs: Map<number, number>;
}

/** Kept in the leader's memory alone. */
function isEphemeral(operation: Operation): boolean {
  return 'ephemeral' in operation && operation.ephemeral === true;
}

/** Locks of transactions only keep contenders apart: nothing rests on who gives them. */
function isLocking({ type }: Operation): boolean {
  return type === 'AcquireTransactionLocks' || type === 'ReleaseTransactionLocks';
}

/**
 * What kept a commit away before anything of it stood in the log: a leader turns away who writes what another transaction has
 * locked, and who would prepare where too many have.
 */
function keptAwayBy({ type }: Operation, told: Outcome): string | undefined {
  if (told.family !== 'transaction' || told.code !== TransactionCode.aborted) return undefined;
  const isPrepared = type === 'Prepare';
  if (told.blocker !== undefined) {
    return isPrepared || type === 'CommitAtOnce' ? 'a lock kept a commit away' : undefined;
  }
  return isPrepared ? 'a crowd kept a commit away' : undefined;
}

/** Whether an answer that does not stand in the log may come only from who leads for certain. */
function mustBeLed(operation: Operation, told: Outcome): boolean {
  if (isPutOff(told) || isInvalid(told) || isLocking(operation)) return false;
  return isRead(operation) || isEphemeral(operation) || operation.type === 'ReserveSequence';
}

export function createAnswerRules(desk: AnswerDesk): AnswerRules {
  const asked = new Map<number, Asked>();
  const forwarded = new Map<string, Asked>();
  const sentAtUs = new WeakMap<HeartbeatAnswer, number>();
  /** When the leader that says so was asked. */
  const askedAtUs = new WeakMap<ReadIndexAnswer, number>();
  const confirmations = new Map<string, Confirmations>();
  /** By follower and group: what it asked of leaders, by the number of the batch. */
  const indexes = new Map<string, Map<number, AskedIndex>>();
  /** By leader, follower and batch: when it was asked, and what was committed then. */
  const asks = new Map<string, { readonly atUs: number; readonly floor: number }>();

  const note = (requestId: string | undefined, operation: Operation): Asked => ({
    requestId,
    operation,
    atUs: desk.nowUs(),
    floor: desk.lastCommitted(groupOfOperation(operation, desk.partitions)),
    answered: false,
    rested: new Set(),
  });

  const noteConfirmation = (node: number, from: number, group: number, answer: HeartbeatAnswer): void => {
    // Round 0 confirms nothing: it only says that a term is over, perhaps in the turn that still answers for it.
    if (answer.round === 0) return;
    const place = `${node}/${group}`;
    let known = confirmations.get(place);
    if (known === undefined) confirmations.set(place, (known = { term: 0, sentAtUs: new Map() }));
    if (answer.term < known.term) return;
    if (answer.term > known.term) known.sentAtUs.clear();
    known.term = answer.term;
    const atUs = sentAtUs.get(answer) ?? desk.nowUs();
    known.sentAtUs.set(from, Math.max(known.sentAtUs.get(from) ?? 0, atUs));
  };

  const checkConfirmed = (node: number, group: number, atUs: number, what: string, turn: Served): void => {
    const before = turn.before(group);
    const after = turn.after(group);
    if (before === undefined || after === undefined) return;
    const known = confirmations.get(`${node}/${group}`);
    const led = [before, after].some(({ role, term }) => role === 'leader' && term === known?.term);
    const answered = led ? [...(known?.sentAtUs ?? [])].filter(([, sentUs]) => sentUs >= atUs) : [];
    const answerers = new Set(answered.map(([answerer]) => answerer));
    const stands = (voter: number): boolean => voter === after.self || answerers.has(voter);
    // Others may have come to have a say in this very turn, after the read was confirmed.
    if (isQuorum(after.config, stands) || isQuorum(before.config, stands)) return;
    throw new PropertyBroken(
      'reads are confirmed',
      `group ${group}, node ${node}: it answers ${what}, but ${answerers.size} others answered it since the read came`,
    );
  };

  /** That a read was confirmed in the way that it asked for, or a better one. */
  const checkRested = (
    node: number,
    group: number,
    index: number,
    told: Outcome,
    known: Asked,
    turn: Served,
  ): void => {
    const { operation, requestId, atUs } = known;
    if (known.rested.has(index)) return desk.reach('read answered from the disk');
    // What stands in the log was agreed on.
    if (isOfRequest(desk.referenceOf(group), index, requestId, operation)) return;
    const mode = 'mode' in operation ? operation.mode : undefined;
    if (mode === 'stale') return desk.reach('stale read answered');
    if (mode !== 'follower' && !isEphemeral(operation)) {
      desk.shown(node, group, operation, { index, told, nowMs: turn.nowMs });
    }
    if (mode === 'lease') {
      const before = turn.before(group);
      const after = turn.after(group);
      // Who is asked to campaign in this very turn has not heard of it when the read is answered.
      const asWas = after && before && { ...after, askedToCampaign: before.askedToCampaign };
      const held = [before, asWas].some(
        (raft) => raft !== undefined && holdsLease(raft, turn.nowMs as MonotonicMs),
      );
      if (held) return desk.reach('read by lease answered without asking');
      desk.reach('read by lease asked for confirmation');
    }
    if (mode === 'follower') {
      for (const asked of indexes.get(`${node}/${group}`)?.values() ?? []) {
        if (asked.atUs < atUs || asked.told === undefined || asked.told > index) continue;
        return desk.reach('read answered by a follower');
      }
    }
    if (isEphemeral(operation)) desk.reach('ephemeral operation answered');
    checkConfirmed(node, group, atUs, `${operation.type} of ${nameIn(operation)}`, turn);
  };

  /** Who is granted a hold that still stands can rely on every partition to keep what it protects. */
  const checkGranted = (node: number, operation: Operation, told: ClientAnswer): void => {
    if (operation.type !== 'AcquireHold' || told.family !== 'hold' || told.code !== HoldCode.set) return;
    const hold = holdNow(desk.referenceOf(HOLDS_GROUP).pasts, told.hold);
    if (hold === undefined) return;
    for (let group = 1; group <= desk.partitions; group += 1) {
      const floor = floorNow(desk.referenceOf(group).pasts);
      if (floor !== undefined && compareTimestamps(floor, hold.timestamp) <= 0) continue;
      throw new PropertyBroken(
        'holds are granted with their floors',
        `node ${node} grants hold ${told.hold}, but group ${group} has ${floor === undefined ? 'no floor' : 'a floor above it'}`,
      );
    }
    desk.reach('hold granted');
  };

  /** What a leader tells a follower is no less than what was committed when it was asked, and confirmed since. */
  const checkIndexTold = (
    node: number,
    to: number,
    group: number,
    told: ReadIndexAnswer,
    turn: Served,
  ): void => {
    const { batch, index } = told;
    const ask = asks.get(`${node}<${to}/${group}/${batch}`);
    if (ask === undefined) {
      throw new PropertyBroken(
        'answers are asked for',
        `group ${group}, node ${node} tells node ${to} a read index for batch ${batch}, which it never sent`,
      );
    }
    if (index < ask.floor) {
      throw new PropertyBroken(
        'reads are fresh',
        `group ${group}, node ${node} tells node ${to} the read index ${index}, but ${ask.floor} was committed before it was asked`,
      );
    }
    checkConfirmed(node, group, ask.atUs, `node ${to}, which asks for a read index`, turn);
    askedAtUs.set(told, ask.atUs);
  };

  const noteIndex = (node: number, group: number, batch: number): Map<number, AskedIndex> => {
    const place = `${node}/${group}`;
    let known = indexes.get(place);
    if (known === undefined) indexes.set(place, (known = new Map()));
    if (!known.has(batch)) known.set(batch, { atUs: desk.nowUs(), told: undefined });
    return known;
  };

  /** What an earlier run of a follower asked is no answer to what it asks now, whatever its number. */
  const noteTold = (node: number, group: number, answer: ReadIndexAnswer): void => {
    const asked = indexes.get(`${node}/${group}`)?.get(answer.batch);
    const heardUs = askedAtUs.get(answer) ?? desk.nowUs();
    if (asked !== undefined && heardUs >= asked.atUs) asked.told ??= answer.index;
  };

  const checkOutcome = (
    node: number,
    known: Asked,
    group: number,
    index: number,
    told: Outcome,
    isRelayed: boolean,
  ): void => {
    const { operation, requestId } = known;
    if (index > desk.lastCommitted(group)) {
      throw new PropertyBroken(
        'answers are committed',
        `node ${node} answered from index ${index}, not committed`,
      );
    }
    if (groupOfOperation(operation, desk.partitions) !== group) {
      throw new PropertyBroken(
        'keys have one place',
        `node ${node} answers for ${nameIn(operation)} from group ${group}`,
      );
    }
    if (isEphemeral(operation) || isLocking(operation) || isPutOff(told)) return;
    const reference = desk.referenceOf(group);
    const isLogged = isOfRequest(reference, index, requestId, operation);
    if (isInvalid(told) && !isLogged) return;
    const obstacle = keptAwayBy(operation, told);
    if (obstacle !== undefined && !isLogged) return desk.reach(obstacle);
    if (isRead(operation)) {
      if (isLogged) desk.reach('read answered from the log');
      else checkFresh(node, known, index);
      checkRead(reference, node, operation, index, told);
    } else if (operation.type === 'ReserveSequence' && !isLogged && told.family === 'sequence') {
      // A relayed answer was judged when its leader gave it.
      if (isRelayed) return;
      desk.reach('values served from a block');
      checkFresh(node, known, index);
      checkGift(reference, node, requestId, operation, index, told);
    } else if (operation.type === 'SetFloor' && !isLogged) {
      checkKnownFloor(reference, node, operation, index);
    } else checkWritten(reference, node, requestId, index, told);
  };

  const checkFresh = (node: number, { operation, floor }: Asked, index: number): void => {
    const mode = 'mode' in operation ? operation.mode : undefined;
    const mayBeOld = mode === 'stale' || (mode === 'lease' && !desk.trustsLeases);
    if (index >= floor || mayBeOld) return;
    throw new PropertyBroken(
      'reads are fresh',
      `node ${node} answered a read from index ${index}, but ${floor} was committed before it was asked`,
    );
  };

  return {
    heard(node, event) {
      if (event.type === 'RequestReceived') {
        if ('admin' in event.request || 'transaction' in event.request) return;
        const { requestId, operation }: ClientCall = event.request;
        asked.set(event.token, note(requestId, operation));
        return;
      }
      if (event.type !== 'MessageReceived') return;
      const { from, message } = event;
      if (message.type === 'Forward') {
        const name = `${node}<${from}/${message.group}/${message.requestId}`;
        if (!forwarded.has(name)) forwarded.set(name, note(message.requestId, message.operation));
      }
      for (const { group, message: heard } of groupMessagesOf(message)) {
        if (heard.type === 'HeartbeatAnswer') noteConfirmation(node, from, group, heard);
        else if (heard.type === 'ReadIndexAnswer') noteTold(node, group, heard);
        else if (heard.type === 'ReadIndexRequest') {
          const name = `${node}<${from}/${group}/${heard.batch}`;
          if (!asks.has(name)) asks.set(name, { atUs: desk.nowUs(), floor: desk.lastCommitted(group) });
        }
      }
    },
    said(node, to, message, turn) {
      for (const { group, message: told } of groupMessagesOf(message)) {
        if (told.type === 'HeartbeatAnswer' && !sentAtUs.has(told)) sentAtUs.set(told, desk.nowUs());
        else if (told.type === 'ReadIndexRequest') noteIndex(node, group, told.batch);
        else if (told.type === 'ReadIndexAnswer') checkIndexTold(node, to, group, told, turn);
      }
      if (message.type !== 'ForwardAnswer' || message.result.type !== 'Executed') return;
      const { group, requestId, result } = message;
      const known = forwarded.get(`${node}<${to}/${group}/${requestId}`);
      if (known === undefined) {
        throw new PropertyBroken(
          'answers are asked for',
          `node ${node} answers ${requestId}, which node ${to} never sent it`,
        );
      }
      checkOutcome(node, known, group, result.index, result.outcome, false);
      if (mustBeLed(known.operation, result.outcome))
        checkRested(node, group, result.index, result.outcome, known, turn);
    },
    waits(node, { group, origin, image, operation }, turn) {
      // What a node asks for its transactions it tells nobody else.
      if (origin.type === 'Client' && origin.token < 0) return;
      const known =
        origin.type === 'Client'
          ? asked.get(origin.token)
          : origin.type === 'Node'
            ? forwarded.get(`${node}<${origin.node}/${group}/${origin.requestId}`)
            : undefined;
      if (known === undefined) {
        throw new PropertyBroken(
          'answers are asked for',
          `group ${group}, node ${node}: a read waits for values, but nobody asked for it`,
        );
      }
      // All but the values, which nobody knows yet.
      const { outcome } = answerRead(image, operation, {
        valueOf: () => new Uint8Array(0),
        versionsOf: () => undefined,
      });
      checkRested(node, group, image.applied, outcome, known, turn);
      known.rested.add(image.applied);
    },
    replied(node, token, answer, turn) {
      const known = asked.get(token);
      if (known === undefined || known.answered) {
        throw new PropertyBroken(
          'answers are given once',
          `node ${node} answers request ${token}, which nobody waits for`,
        );
      }
      known.answered = true;
      const { servedAt } = answer;
      if (servedAt === undefined) {
        if (isPutOff(answer) || isInvalid(answer) || isErrored(answer)) return;
        throw new PropertyBroken(
          'answers are committed',
          `node ${node} answers with code ${answer.code} from no place in the log`,
        );
      }
      const { group, index } = servedAt;
      const handedOn = turn.events.some(
        (event) =>
          event.type === 'MessageReceived' &&
          event.message.type === 'ForwardAnswer' &&
          event.message.group === group &&
          event.message.result.type === 'Executed' &&
          event.message.result.index === index,
      );
      checkOutcome(node, known, group, index, answer, handedOn);
      checkGranted(node, known.operation, answer);
      if (!mustBeLed(known.operation, answer)) return;
      if (!handedOn) checkRested(node, group, index, answer, known, turn);
    },
    crashed(node) {
      for (const name of [...forwarded.keys()]) if (name.startsWith(`${node}<`)) forwarded.delete(name);
      for (const name of [...confirmations.keys()])
        if (name.startsWith(`${node}/`)) confirmations.delete(name);
      for (const name of [...indexes.keys()]) if (name.startsWith(`${node}/`)) indexes.delete(name);
      for (const name of [...asks.keys()]) if (name.startsWith(`${node}<`)) asks.delete(name);
    },
  };
}
