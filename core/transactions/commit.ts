/** The steps of a commit: what is asked of whom, and what follows from the answers. */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import { monotonicMs, type GroupId } from '../machine/units.js';
import {
  TransactionCode,
  type Decision,
  type Observation,
  type Participant,
  type TransactionId,
  type TransactionOperation,
  type TransactionOutcome,
} from '../partition/transaction-command.js';
import { announce, conclude, finalizingOf, leave, withoutLocks } from './finalize.js';
import { releaseAll } from './locks.js';
import { timestampOf } from './names.js';
import type { Finalizing, FinalizingStep, Job, Part, Told } from './session-state.js';
import { ask, type SessionTurn } from './session-turn.js';

/** How often somebody else's intent is waited for: whoever is older waits longer, so that of two that wait for each other one goes on. */
const MAX_TRIES_OF_THE_OLDER = 8;
const MAX_TRIES_OF_THE_YOUNGER = 4;

/** How often a participant is asked to settle before that is left to whoever looks after the record. */
const MAX_SETTLE_TRIES = 20;
const SETTLE_PAUSE_MS = 250;

/** How often the record is asked for the decision. Meanwhile callers are told to come back. */
const MAX_DECIDE_TRIES = 60;
const MAX_DECIDE_PAUSE_MS = 1_000;

/** Asks everybody whom this step concerns, all at once. */
export function startStep(turn: SessionTurn, step: FinalizingStep): void {
  const { session } = turn;
  const phase = finalizingOf(turn);
  if (phase === undefined) return;
  const jobs = phase.parts.flatMap((part, i): readonly Job[] =>
    concerns(step, part) ? [{ part: i, state: 'asked', attempt: 0 }] : [],
  );
  session.phase = { ...phase, step, jobs };
  if (jobs.length === 0) return stepDone(turn);
  for (let job = 0; job < jobs.length; job += 1) askJob(turn, job);
}

function concerns(step: FinalizingStep, part: Part): boolean {
  switch (step) {
    case 'CommittingAtOnce':
    case 'Preparing':
    case 'Settling':
      return takesPart(part);
    case 'Validating':
      return toValidate(part).length > 0;
    case 'Deciding':
    case 'Finishing':
      return part.record === true;
  }
}

function takesPart({ writes, record }: Part): boolean {
  return writes.length > 0 || record === true;
}

function askJob(turn: SessionTurn, job: number): void {
  const phase = finalizingOf(turn);
  const part = phase?.parts[phase.jobs[job]?.part ?? -1];
  if (phase === undefined || part === undefined) return;
  const { step } = phase;
  ask(turn, { type: 'ForFinalizing', step, job }, operationOf(phase, part, turn.session.id));
}

function operationOf(phase: Finalizing, part: Part, transaction: TransactionId): TransactionOperation {
  const { participant, writes, reads, since } = part;
  const inPart = { ...participant, transaction };
  const sinceThen = since === undefined ? {} : { since };
  // With writes there is an anchor.
  const anchor = phase.anchor as GroupId;
  switch (phase.step) {
    case 'CommittingAtOnce':
      return { type: 'CommitAtOnce', ...inPart, writes, reads, ...sinceThen };
    case 'Preparing': {
      return {
        type: 'Prepare',
        ...inPart,
        anchor,
        ...(part.record && { participants: participantsOf(phase) }),
        writes,
        reads: ofWritten(part, true),
        ...sinceThen,
      };
    }
    case 'Validating':
      return phase.commitAt === undefined
        ? { type: 'Validate', ...inPart, reads }
        : { type: 'Validate', ...inPart, reads: toValidate(part), at: phase.commitAt };
    case 'Deciding': {
      const decision = phase.decision as Decision;
      const participants = participantsOf(phase);
      const decided = { type: 'Decide', group: anchor, transaction, decision, ...sinceThen } as const;
      return decision.type === 'Abort' ? { ...decided, participants } : decided;
    }
    case 'Settling':
      return { type: 'Settle', ...inPart, decision: phase.decision as Decision };
    case 'Finishing':
      return { type: 'Finish', group: anchor, transaction };
  }
}

/** Keys that it writes were looked at when they were prepared, and nobody else has written them since: its intents are on them. */
function toValidate(part: Part): readonly Observation[] {
  return part.writes.length === 0 ? part.reads : ofWritten(part, false);
}

/** What was seen of keys that are written, or all the rest. */
function ofWritten({ writes, reads }: Part, isWritten: boolean): readonly Observation[] {
  const written = new Set(writes.map(({ key }) => key));
  return reads.filter((read) => (read.type === 'Key' && written.has(read.key)) === isWritten);
}

function participantsOf({ parts }: Finalizing): readonly Participant[] {
  return parts.filter(takesPart).map(({ participant }) => participant);
}

/** A participant answers. */
export function jobAnswered(turn: SessionTurn, step: FinalizingStep, job: number, told: Told): void {
  const phase = finalizingOf(turn);
  if (phase === undefined || phase.step !== step || phase.jobs[job]?.state !== 'asked') return;
  const outcome = told.type === 'Told' && told.outcome.family === 'transaction' ? told.outcome : undefined;
  const reason = told.reason ?? 'it did not answer';
  switch (step) {
    case 'CommittingAtOnce':
      return committedAtOnce(turn, phase, job, outcome, reason);
    case 'Preparing':
      return prepared(turn, job, outcome, reason);
    case 'Validating':
      return validated(turn, job, outcome, reason);
    case 'Deciding':
      return decided(turn, phase, job, outcome, reason);
    case 'Settling':
    case 'Finishing': {
      if (outcome?.code === TransactionCode.done) return jobDone(turn, job);
      const { attempt } = phase.jobs[job] as Job;
      if (attempt < MAX_SETTLE_TRIES) return pause(turn, job, SETTLE_PAUSE_MS);
      // The leader of the record's group goes on with it: the record is not finished.
      return leave(turn);
    }
  }
}

function committedAtOnce(
  turn: SessionTurn,
  phase: Finalizing,
  job: number,
  outcome: TransactionOutcome | undefined,
  reason: string,
): void {
  if (outcome?.code === TransactionCode.committed) {
    return conclude(turn, committed(outcome.at));
  }
  const part = phase.parts[phase.jobs[job]?.part ?? -1];
  if (outcome?.code === TransactionCode.aborted) {
    const { blocker } = outcome;
    const known = phase.jobs[job];
    if (mayWait(turn, known, blocker)) return pause(turn, job);
    // Whom a lock turned away the log knows nothing of: a request that was late may still find the lock gone.
    const mayCome =
      (blocker !== undefined || (known?.attempt ?? 0) > 0) && part?.participant.ephemeral !== true;
    if (!mayCome) return conclude(turn, { type: 'Aborted', reason });
    taint(turn);
    return decide(turn, { type: 'Abort' });
  }
  if (part?.participant.ephemeral === true) {
    const unknown = `whether the transaction was committed is not known: ${reason}`;
    return conclude(turn, { type: 'Unknown', reason: unknown });
  }
  // It may have been committed, or may still be. An abort on the record, where there is none, keeps it from that for ever.
  taint(turn);
  return decide(turn, { type: 'Abort' });
}

function committed(at: Timestamp | undefined) {
  return at === undefined ? ({ type: 'Committed' } as const) : ({ type: 'Committed', at } as const);
}

function prepared(
  turn: SessionTurn,
  job: number,
  outcome: TransactionOutcome | undefined,
  reason: string,
): void {
  const phase = finalizingOf(turn) as Finalizing;
  if (outcome?.code === TransactionCode.prepared && outcome.at !== undefined) {
    const { at } = outcome;
    const place = (phase.jobs[job] as Job).part;
    const parts = phase.parts.map((part, i) => (i === place ? { ...part, preparedAt: at } : part));
    turn.session.phase = { ...phase, parts, tainted: true };
    return jobDone(turn, job);
  }
  const isRefused = outcome?.code === TransactionCode.aborted;
  if (isRefused && phase.verdict === undefined && mayWait(turn, phase.jobs[job], outcome.blocker)) {
    return pause(turn, job);
  }
  // What was not answered may have been done.
  if (!isRefused) taint(turn);
  announce(turn, { type: 'Aborted', reason });
  stopWaiting(turn);
  return jobDone(turn, job);
}

function validated(
  turn: SessionTurn,
  job: number,
  outcome: TransactionOutcome | undefined,
  reason: string,
): void {
  const phase = finalizingOf(turn) as Finalizing;
  if (outcome?.code === TransactionCode.done) {
    const { latest = outcome.at } = phase;
    const isLater =
      latest !== undefined && outcome.at !== undefined && compareTimestamps(outcome.at, latest) > 0;
    if (latest !== undefined) turn.session.phase = { ...phase, latest: isLater ? outcome.at : latest };
    return jobDone(turn, job);
  }
  // What is as it was later was so before too: asking again proves the same.
  if (outcome?.code === TransactionCode.aborted && phase.verdict === undefined) {
    if (mayWait(turn, phase.jobs[job], outcome.blocker)) return pause(turn, job);
  }
  announce(turn, { type: 'Aborted', reason });
  stopWaiting(turn);
  return jobDone(turn, job);
}

/** Whether to try once more, after somebody else's intent or lock was in the way. */
function mayWait(turn: SessionTurn, job: Job | undefined, blocker: TransactionId | undefined): boolean {
  if (job === undefined || blocker === undefined) return false;
  const other = timestampOf(blocker);
  const isOlder = other === undefined || compareTimestamps(turn.session.stamp, other) < 0;
  return job.attempt < (isOlder ? MAX_TRIES_OF_THE_OLDER : MAX_TRIES_OF_THE_YOUNGER);
}

/** 2, 4, 8, 16 and then 20 milliseconds. */
function pauseOf(attempt: number): number {
  return Math.min(2 << attempt, 20);
}

function pause(turn: SessionTurn, job: number, ms?: number): void {
  const { session, context } = turn;
  const phase = finalizingOf(turn) as Finalizing;
  const jobs = phase.jobs.map((one, i): Job => {
    if (i !== job) return one;
    const retryAt = monotonicMs(context.now.monotonic + (ms ?? pauseOf(one.attempt)));
    return { part: one.part, state: 'paused', attempt: one.attempt + 1, retryAt };
  });
  session.phase = { ...phase, jobs };
}

/** Asks again what was put off, as far as it is time. */
export function retryJobs(turn: SessionTurn): void {
  const { session, context } = turn;
  const phase = finalizingOf(turn);
  if (phase === undefined) return;
  const due = phase.jobs.flatMap(({ state, retryAt }, i) =>
    state === 'paused' && retryAt !== undefined && retryAt <= context.now.monotonic ? [i] : [],
  );
  if (due.length === 0) return;
  session.phase = {
    ...phase,
    jobs: phase.jobs.map((job, i): Job => (due.includes(i) ? asked(job) : job)),
  };
  for (const job of due) askJob(turn, job);
}

function asked({ part, attempt }: Job): Job {
  return { part, state: 'asked', attempt };
}

/** It is decided against: nothing is tried again; what was asked is still awaited. */
function stopWaiting(turn: SessionTurn): void {
  const phase = finalizingOf(turn) as Finalizing;
  const jobs = phase.jobs.map((job): Job =>
    job.state === 'paused' ? { part: job.part, state: 'done', attempt: job.attempt } : job,
  );
  turn.session.phase = { ...phase, jobs };
}

function taint(turn: SessionTurn): void {
  turn.session.phase = { ...(finalizingOf(turn) as Finalizing), tainted: true };
}

function jobDone(turn: SessionTurn, job: number): void {
  const phase = finalizingOf(turn) as Finalizing;
  const jobs = phase.jobs.map((one, i): Job =>
    i === job ? { part: one.part, state: 'done', attempt: one.attempt } : one,
  );
  turn.session.phase = { ...phase, jobs };
  if (jobs.every(({ state }) => state === 'done')) stepDone(turn);
}

/** Everybody has answered. */
function stepDone(turn: SessionTurn): void {
  const phase = finalizingOf(turn) as Finalizing;
  const { step, verdict, parts, tainted, decision } = phase;
  switch (step) {
    case 'CommittingAtOnce':
      return;
    case 'Preparing':
      if (verdict !== undefined) return tainted ? decide(turn, { type: 'Abort' }) : leave(turn);
      return validate(turn, latestOf(parts));
    case 'Validating': {
      const { commitAt, latest } = phase;
      if (commitAt === undefined) return conclude(turn, verdict ?? { type: 'Committed' });
      if (verdict !== undefined) return decide(turn, { type: 'Abort' });
      // It comes after all that it has seen; but then nobody may have overwritten any of that up to this later time.
      if (latest !== undefined && compareTimestamps(latest, commitAt) > 0) return validate(turn, latest);
      return decide(turn, { type: 'Commit', at: commitAt });
    }
    case 'Deciding':
      return startStep(turn, 'Settling');
    case 'Settling':
      return decision?.type === 'Commit' ? startStep(turn, 'Finishing') : leave(turn);
    case 'Finishing':
      return leave(turn);
  }
}

function validate(turn: SessionTurn, commitAt: Timestamp | undefined): void {
  const phase = finalizingOf(turn) as Finalizing;
  turn.session.phase = commitAt === undefined ? phase : { ...phase, commitAt };
  startStep(turn, 'Validating');
}

/** All versions of the transaction are of the time when the last of its intents was placed. */
function latestOf(parts: readonly Part[]): Timestamp | undefined {
  let latest: Timestamp | undefined;
  for (const { preparedAt } of parts) {
    if (preparedAt === undefined) continue;
    if (latest === undefined || compareTimestamps(preparedAt, latest) > 0) latest = preparedAt;
  }
  return latest;
}

function decide(turn: SessionTurn, decision: Decision): void {
  turn.session.phase = { ...(finalizingOf(turn) as Finalizing), decision };
  startStep(turn, 'Deciding');
}

/** The record says what became of it, whatever was wanted. */
function decided(
  turn: SessionTurn,
  phase: Finalizing,
  job: number,
  outcome: TransactionOutcome | undefined,
  reason: string,
): void {
  const wasAtOnce = phase.parts.length === 1;
  if (outcome?.code === TransactionCode.committed) {
    announce(turn, committed(outcome.at));
    releaseAll(turn, withoutLocks(turn.session.phase));
    // At once is also finished at once.
    return wasAtOnce ? leave(turn) : settle(turn, job, outcome.at);
  }
  if (outcome?.code === TransactionCode.aborted) {
    announce(turn, { type: 'Aborted', reason: 'somebody else decided against it, who found it undecided' });
    return wasAtOnce ? leave(turn) : settle(turn, job, undefined);
  }
  const { attempt } = phase.jobs[job] as Job;
  if (attempt < MAX_DECIDE_TRIES)
    return pause(turn, job, Math.min(20 << Math.min(attempt, 6), MAX_DECIDE_PAUSE_MS));
  // Perhaps the partition has forgotten how it ended. Whatever is left is for those who find it.
  announce(turn, {
    type: 'Unknown',
    reason: `whether the transaction was committed could not be found out: ${reason}`,
  });
  leave(turn);
}

function settle(turn: SessionTurn, job: number, commitAt: Timestamp | undefined): void {
  const decision: Decision = commitAt === undefined ? { type: 'Abort' } : { type: 'Commit', at: commitAt };
  turn.session.phase = { ...(finalizingOf(turn) as Finalizing), decision };
  jobDone(turn, job);
}
