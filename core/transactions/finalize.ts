/**
 * How a session ends: one slot, shared by commit, rollback and the end of its time, and one answer for all who ask.
 *
 * Two-phase commit with one canonical record (`partition/transaction-command.ts`). What makes it serializable is its order: all intents are
 * in place before the first observation is looked at again, so of two transactions that write what the other has read at least one
 * sees the other's intent. What makes it atomic is that only the record decides.
 */

import { mapForEach } from '../collections/ordered-map.js';
import type { GroupId } from '../machine/units.js';
import type { Observation, Participant, StagedWrite } from '../partition/transaction-command.js';
import { SessionCode, type SessionAnswer } from './calls.js';
import { startStep } from './commit.js';
import { observationOf } from './key-view.js';
import { releaseAll } from './locks.js';
import type { Caller, Finalizing, Part, Phase, Verdict, Waiter } from './session-state.js';
import { nameOfParticipant, reply, type SessionTurn } from './session-turn.js';

/** Somebody wants the session to end. */
export function finalize(turn: SessionTurn, waiter: Waiter): void {
  const { session } = turn;
  const { phase } = session;
  switch (phase.type) {
    case 'Open':
      if (waiter.wish === 'rollback') return rollBack(turn, waiter.caller, []);
      session.phase = { type: 'Draining', waiters: [waiter] };
      if (session.pending === 0) freeze(turn, [waiter]);
      return;
    case 'Draining':
      if (waiter.wish === 'rollback') return rollBack(turn, waiter.caller, phase.waiters);
      session.phase = { type: 'Draining', waiters: [...phase.waiters, waiter] };
      return;
    case 'Finalizing':
      if (phase.verdict !== undefined) {
        return reply(turn, waiter.caller, answerOf(phase.verdict, waiter.wish, phase.anchorKey));
      }
      session.phase = { ...phase, waiters: [...phase.waiters, waiter] };
      return;
    case 'Over':
      return reply(turn, waiter.caller, {
        family: 'session',
        code: SessionCode.mustRetry,
        reason: 'the transaction is just over',
      });
  }
}

/** What whoever asks is told. That a rollback came too late is an answer, not a failure. */
export function answerOf(
  verdict: Verdict,
  wish: Waiter['wish'],
  anchorKey: string | undefined,
): SessionAnswer {
  const anchor = anchorKey === undefined ? {} : { anchorKey };
  switch (verdict.type) {
    case 'Committed':
      return { family: 'session', code: SessionCode.committed, ...anchor };
    case 'Aborted':
      return wish === 'rollback'
        ? { family: 'session', code: SessionCode.rolledBack }
        : { family: 'session', code: SessionCode.aborted, reason: verdict.reason, ...anchor };
    case 'RolledBack':
      return wish === 'rollback'
        ? { family: 'session', code: SessionCode.rolledBack }
        : {
            family: 'session',
            code: SessionCode.aborted,
            reason: 'the transaction was rolled back',
            ...anchor,
          };
    case 'Unknown':
      return { family: 'session', code: SessionCode.errored, reason: verdict.reason, ...anchor };
  }
}

/** Where what was written is committed the locks are gone: whoever applies that, or its preparation, drops them. */
export function withoutLocks(phase: Phase): ReadonlySet<string> {
  const names = new Set<string>();
  if (phase.type !== 'Finalizing' || phase.verdict?.type !== 'Committed') return names;
  for (const { participant, writes } of phase.parts) {
    if (writes.length > 0) names.add(nameOfParticipant(participant));
  }
  return names;
}

function rollBack(turn: SessionTurn, caller: Caller, waiters: readonly Waiter[]): void {
  abandon(turn, { type: 'RolledBack' });
  reply(turn, caller, answerOf({ type: 'RolledBack' }, 'rollback', undefined));
  for (const waiter of waiters) {
    reply(turn, waiter.caller, answerOf({ type: 'RolledBack' }, waiter.wish, undefined));
  }
}

/** Ends a session of which nobody else has seen anything yet. All who wait for its operations are told so. */
export function abandon(turn: SessionTurn, verdict: Verdict): void {
  const { session } = turn;
  const { phase } = session;
  if (phase.type !== 'Open' && phase.type !== 'Draining') return;
  const reason = verdict.type === 'Aborted' ? verdict.reason : 'the transaction was rolled back';
  mapForEach(session.operations, (_, { callers }) => {
    for (const caller of callers ?? []) {
      reply(turn, caller, { family: 'session', code: SessionCode.aborted, reason });
    }
  });
  if (phase.type === 'Draining' && verdict.type !== 'RolledBack') {
    for (const { caller, wish } of phase.waiters) reply(turn, caller, answerOf(verdict, wish, undefined));
  }
  turn.effects.push({ type: 'Ended', verdict });
  leave(turn);
}

/** Nothing is left to be done. */
export function leave(turn: SessionTurn): void {
  const { phase } = turn.session;
  turn.session.phase = { type: 'Over' };
  releaseAll(turn, withoutLocks(phase));
  turn.effects.push({ type: 'Gone' });
}

/** No operation is under way any more. */
export function drained(turn: SessionTurn): void {
  const { phase } = turn.session;
  if (phase.type === 'Draining') freeze(turn, phase.waiters);
}

/** What is to be committed is from here on what it is. */
function freeze(turn: SessionTurn, waiters: readonly Waiter[]): void {
  const { session } = turn;
  const { parts, anchorKey, anchor } = partsOf(turn);
  const isDurable = session.options.decisionDurability === 'durable';
  const writes = parts.some((part) => part.writes.length > 0);
  const frozen: Finalizing = {
    type: 'Finalizing',
    step: 'Validating',
    waiters,
    parts,
    ...(anchorKey !== undefined && { anchorKey }),
    ...(anchor !== undefined && { anchor }),
    jobs: [],
    verdict: undefined,
    tainted: false,
  };
  session.phase = frozen;
  if (isDurable && parts.some(({ participant, writes: own }) => participant.ephemeral && own.length > 0)) {
    return conclude(turn, { type: 'Aborted', reason: 'a durable transaction has ephemeral writes' });
  }
  if (!writes) {
    const seen = parts.reduce((sum, { reads }) => sum + reads.length, 0);
    // One read is a transaction by itself, and so is all that one answer has shown.
    const isOne = seen <= 1 || wasShownAtOnce(turn);
    return isOne ? conclude(turn, { type: 'Committed' }) : startStep(turn, 'Validating');
  }
  return startStep(turn, parts.length === 1 ? 'CommittingAtOnce' : 'Preparing');
}

/** Whether all that was seen was shown by one answer, with the locks of one partition: so it was true at one moment. */
function wasShownAtOnce({ session }: SessionTurn): boolean {
  if (session.ranges.size > 0) return false;
  const answers = new Set<number | undefined>();
  mapForEach(session.keys, (_, { observed, shown }) => {
    if (observed) answers.add(shown);
  });
  return answers.size === 1 && !answers.has(undefined);
}

interface Frozen {
  readonly parts: readonly Part[];
  readonly anchorKey?: string;
  readonly anchor?: GroupId;
}

/** What concerns each partition, and which of them decides: that of the first key that is written and lasts. */
function partsOf({ session, context }: SessionTurn): Frozen {
  const parts = new Map<
    string,
    { readonly participant: Participant; readonly writes: StagedWrite[]; readonly reads: Observation[] }
  >();
  const partAt = (participant: Participant) => {
    const name = nameOfParticipant(participant);
    const part = parts.get(name) ?? { participant, writes: [], reads: [] };
    parts.set(name, part);
    return part;
  };
  let anchorKey: string | undefined;
  let anchor: GroupId | undefined;
  // Keys that last come before those that are kept in memory.
  mapForEach(session.keys, (_, view) => {
    const { participant, staged, observed, key } = view;
    if (staged === undefined && !observed) return;
    const part = partAt(participant);
    if (observed) part.reads.push(observationOf(view));
    if (staged === undefined) return;
    part.writes.push(staged);
    anchorKey ??= key;
    anchor ??= participant.group;
  });
  mapForEach(session.ranges, (_, { participant, observation }) => {
    partAt(participant).reads.push(observation);
  });
  return {
    parts: withRecord([...parts.values()], anchor).map((part) => {
      const { group, ephemeral } = part.participant;
      return context.appliedOf === undefined || ephemeral === true
        ? part
        : { ...part, since: context.appliedOf(group) };
    }),
    ...(anchorKey !== undefined && { anchorKey }),
    ...(anchor !== undefined && { anchor }),
  };
}

/** The record is in the log, also of what is kept in memory alone. */
function withRecord(parts: readonly Part[], anchor: GroupId | undefined): readonly Part[] {
  if (anchor === undefined) return parts;
  const place = parts.findIndex(
    ({ participant, writes }) =>
      participant.group === anchor && participant.ephemeral !== true && writes.length > 0,
  );
  if (place >= 0) return parts.map((part, i) => (i === place ? { ...part, record: true } : part));
  if (parts.length === 1) return parts;
  return [...parts, { participant: { group: anchor }, writes: [], reads: [], record: true }];
}

/** What it comes to is known, and told. Something may be left to be done. */
export function announce(turn: SessionTurn, verdict: Verdict): void {
  const { session } = turn;
  const { phase } = session;
  if (phase.type !== 'Finalizing' || phase.verdict !== undefined) return;
  for (const { caller, wish } of phase.waiters) {
    reply(turn, caller, answerOf(verdict, wish, phase.anchorKey));
  }
  const { anchorKey } = phase;
  turn.effects.push({ type: 'Ended', verdict, ...(anchorKey !== undefined && { anchorKey }) });
  session.phase = { ...phase, waiters: [], verdict };
}

/** The same, and nothing is left. */
export function conclude(turn: SessionTurn, verdict: Verdict): void {
  announce(turn, verdict);
  leave(turn);
}

/** Those who have waited long enough are told that it is not known yet. */
export function sendAway(turn: SessionTurn): void {
  const { session, context } = turn;
  const { phase } = session;
  if (phase.type !== 'Draining' && phase.type !== 'Finalizing') return;
  const staying = phase.waiters.filter(({ until }) => until > context.now.monotonic);
  if (staying.length === phase.waiters.length) return;
  const anchorKey = phase.type === 'Finalizing' ? phase.anchorKey : undefined;
  for (const { caller, until } of phase.waiters) {
    if (until > context.now.monotonic) continue;
    reply(turn, caller, {
      family: 'session',
      code: SessionCode.mustRetry,
      ...(anchorKey !== undefined && { anchorKey }),
      reason: 'the transaction is not decided yet: ask again',
    });
  }
  session.phase = { ...phase, waiters: staying } satisfies Phase;
}

/** Only for the sake of the types: the phase, while the commit is under way. */
export function finalizingOf({ session }: SessionTurn): Finalizing | undefined {
  return session.phase.type === 'Finalizing' ? session.phase : undefined;
}
