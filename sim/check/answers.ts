/**
 * What nodes tell their clients, and each other on behalf of clients, held against the reference and against what the
 * node had heard: every answer rests on a committed entry, says what that entry led to, is given once, and a read is
 * answered only by a leader to which a majority spoke after the read had come.
 */

import {
  KeyValueCode,
  partitionOfKey,
  type HeartbeatAnswer,
  type KeyValueAnswer,
  type KeyValueOperation,
  type KeyValueRequest,
  type NodeEvent,
  type NodeMessage,
  type Outcome,
} from '../../core/index.js';
import { isQuorum } from './raft/quorum.js';
import { PropertyBroken } from '../world/world.js';
import { checkRead, checkWritten, type Reference } from './reference.js';
import type { Raft } from './raft/group-history.js';

/** What was asked, and when the node came to know of it. */
interface Asked {
  readonly requestId: string | undefined;
  readonly operation: KeyValueOperation;
  readonly atUs: number;
  /** What was committed in the key's group then. */
  readonly floor: number;
  answered: boolean;
}

export interface AnswerRules {
  /** A node is handed an event. */
  heard(node: number, event: NodeEvent): void;
  /** A node lets a message go. */
  said(node: number, to: number, message: NodeMessage, turn: Served): void;
  replied(node: number, token: number, answer: KeyValueAnswer, turn: Served): void;
  crashed(node: number): void;
}

/** The turn in which something is answered. */
export interface Served {
  readonly events: readonly NodeEvent[];
  readonly before: (group: number) => Raft | undefined;
  readonly after: (group: number) => Raft | undefined;
}

export interface AnswerDesk {
  nowUs(): number;
  readonly partitions: number;
  referenceOf(group: number): Reference;
  lastCommitted(group: number): number;
}

/** Who last answered a leader's heartbeats in a term, and when those answers were sent. */
interface Confirmations {
  term: number;
  readonly sentAtUs: Map<number, number>;
}

export function createAnswerRules(desk: AnswerDesk): AnswerRules {
  const asked = new Map<number, Asked>();
  const forwarded = new Map<string, Asked>();
  const sentAtUs = new WeakMap<HeartbeatAnswer, number>();
  const confirmations = new Map<string, Confirmations>();

  const note = (requestId: string | undefined, operation: KeyValueOperation): Asked => ({
    requestId,
    operation,
    atUs: desk.nowUs(),
    floor: desk.lastCommitted(partitionOfKey(operation.key, desk.partitions)),
    answered: false,
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

  const checkConfirmed = (node: number, group: number, { atUs, operation }: Asked, turn: Served): void => {
    const before = turn.before(group);
    const after = turn.after(group);
    if (before === undefined || after === undefined) return;
    const known = confirmations.get(`${node}/${group}`);
    const led = [before, after].some(({ role, term }) => role === 'leader' && term === known?.term);
    const answered = led ? [...(known?.sentAtUs ?? [])].filter(([, sentUs]) => sentUs >= atUs) : [];
    const answerers = new Set(answered.map(([answerer]) => answerer));
    if (isQuorum(after.config, (voter) => voter === after.self || answerers.has(voter))) return;
    throw new PropertyBroken(
      'reads are confirmed',
      `group ${group}, node ${node}: it answers a read of ${operation.key}, but ${answerers.size} others answered it since the read came`,
    );
  };

  const checkOutcome = (node: number, known: Asked, group: number, index: number, told: Outcome): void => {
    const { operation, requestId } = known;
    if (index > desk.lastCommitted(group)) {
      throw new PropertyBroken(
        'answers are committed',
        `node ${node} answered from index ${index}, not committed`,
      );
    }
    if (partitionOfKey(operation.key, desk.partitions) !== group) {
      throw new PropertyBroken(
        'keys have one place',
        `node ${node} answers for ${operation.key} from group ${group}`,
      );
    }
    if (told.code === KeyValueCode.invalidInput) return;
    const reference = desk.referenceOf(group);
    if (operation.type === 'Get' || operation.type === 'Exists') {
      if (index < known.floor) {
        throw new PropertyBroken(
          'reads are fresh',
          `node ${node} answered a read from index ${index}, but ${known.floor} was committed before it was asked`,
        );
      }
      checkRead(reference, node, operation.key, index, told);
    } else checkWritten(reference, node, requestId, index, told);
  };

  return {
    heard(node, event) {
      if (event.type === 'RequestReceived') {
        const { requestId, operation }: KeyValueRequest = event.request;
        asked.set(event.token, note(requestId, operation));
        return;
      }
      if (event.type !== 'MessageReceived') return;
      const { from, message } = event;
      if (message.type === 'Forward') {
        const name = `${node}<${from}/${message.group}/${message.requestId}`;
        if (!forwarded.has(name)) forwarded.set(name, note(message.requestId, message.operation));
      } else if (message.type === 'Group' && message.message.type === 'HeartbeatAnswer') {
        noteConfirmation(node, from, message.group, message.message);
      }
    },
    said(node, to, message, turn) {
      if (message.type === 'Group') {
        if (message.message.type === 'HeartbeatAnswer' && !sentAtUs.has(message.message)) {
          sentAtUs.set(message.message, desk.nowUs());
        }
        return;
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
      checkOutcome(node, known, group, result.index, result.outcome);
      const { type } = known.operation;
      if (type === 'Get' || type === 'Exists') checkConfirmed(node, group, known, turn);
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
      const { code, servedAt } = answer;
      if (servedAt === undefined) {
        const silent =
          code === KeyValueCode.mustRetry ||
          code === KeyValueCode.invalidInput ||
          code === KeyValueCode.errored;
        if (silent) return;
        throw new PropertyBroken(
          'answers are committed',
          `node ${node} answers with code ${code} from no place in the log`,
        );
      }
      const { group, index } = servedAt;
      checkOutcome(node, known, group, index, answer);
      const { type } = known.operation;
      if (type !== 'Get' && type !== 'Exists') return;
      const handedOn = turn.events.some(
        (event) =>
          event.type === 'MessageReceived' &&
          event.message.type === 'ForwardAnswer' &&
          event.message.group === group &&
          event.message.result.type === 'Executed' &&
          event.message.result.index === index,
      );
      if (!handedOn) checkConfirmed(node, group, known, turn);
    },
    crashed(node) {
      for (const name of [...forwarded.keys()]) if (name.startsWith(`${node}<`)) forwarded.delete(name);
      for (const name of [...confirmations.keys()])
        if (name.startsWith(`${node}/`)) confirmations.delete(name);
    },
  };
}
