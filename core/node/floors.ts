/**
 * Floors: what the leader of group 0 has every partition keep, for the sake of the holds that group 0 has (`partition/holds.ts`).
 *
 * A floor follows from the holds at a position of group 0's history, which it carries: so the partitions, which write it into their
 * own logs, can tell which of two is the newer one, whoever sends them and in whatever order they come. An acquisition is answered
 * when every partition has a floor that is not above the time that is held: from then on nothing is forgotten that it protects.
 *
 * A floor that must be lower is sent at once, and again until all have it. One that may be higher, since a hold has ended, is sent
 * when all have the one before, and some time has passed: so nothing that clients do, however often, keeps others from being
 * answered. A new leader sends the present floor first, since it does not know what its predecessors came to. While nobody
 * holds anything, nothing of this is there, and nothing ticks.
 */

import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import {
  emptyRadixArray,
  radixDelete,
  radixForEach,
  radixGet,
  radixSet,
  type RadixArray,
} from '../collections/radix-array.js';
import { groupId, logIndex, monotonicMs, NO_NODE, term, type GroupId } from '../machine/units.js';
import type { LogIndex, MonotonicMs, Term } from '../machine/units.js';
import { OWN_REQUEST_ID_PREFIX, type Operation, type RequestId } from '../partition/command.js';
import { HoldCode } from '../partition/hold-command.js';
import { lowestHeld } from '../partition/holds.js';
import type { Origin } from './execution.js';
import { execute } from './group.js';
import { keptAnswers } from './kept-answers.js';
import { tryAgain, type Answer } from './proposals.js';
import type { ForwardAnswer, ForwardResult } from './protocol.js';
import { META_GROUP } from './roster.js';
import { currentGroup, openedGroup, sendAtOnce, type NodeTurn, type OpenGroup } from './turn.js';
import { doChoresAt } from './worklist.js';

/** What the leader of group 0 knows of the floors of the partitions. */
export interface Floors {
  readonly term: Term;
  /** The newest floor that was sent, and from which holds it follows: 0 for none yet. */
  readonly timestamp: Timestamp;
  readonly position: LogIndex;
  /** The partitions that have not said yet that they have it, and how many they are. */
  readonly missing: RadixArray<true>;
  readonly lacking: number;
  /** When to send it again to those. */
  readonly sendAt: MonotonicMs;
  /** The holds that were last looked at. */
  readonly seen: LogIndex;
  /** When to send a higher one; undefined while there is none. */
  readonly raiseAt: MonotonicMs | undefined;
}

const NO_FLOORS: Floors = {
  term: term(0),
  timestamp: ZERO_TIMESTAMP,
  position: logIndex(0),
  missing: emptyRadixArray(),
  lacking: 0,
  sendAt: monotonicMs(0),
  seen: logIndex(0),
  raiseAt: undefined,
};

/** A floor rises so long after the end of a hold, so that what comes and goes quickly moves it seldom. */
const RAISE_AFTER_MS = 1_000;

const FLOOR_REQUEST = `${OWN_REQUEST_ID_PREFIX}floor-`;

/** Group 0 has settled: its leader looks whether the holds want another floor, and answers whoever waits for nothing more. */
export function holdsSettled(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { node } = turn;
  const { raft } = opened.raft;
  const { partition } = opened.group;
  if (raft.role !== 'leader') return endFloors(turn, opened, answer);
  const { retention } = partition;
  if (retention?.type !== 'Holds' || partition.applied < raft.termStart) return;
  const known = node.floors?.term === raft.term ? node.floors : { ...NO_FLOORS, term: raft.term };
  if (known.seen < retention.changedAt) {
    node.floors = { ...known, seen: retention.changedAt };
    const wanted = lowestHeld(retention.live);
    if (known.position === 0 || isLower(wanted, known.timestamp)) send(turn, wanted, retention.changedAt);
    else if (compareTimestamps(wanted, known.timestamp) !== 0) raiseLater(turn);
  }
  answerThoseWho(turn, answer);
}

/** No time at all is above all times. */
function isLower(a: Timestamp, b: Timestamp): boolean {
  if (isNone(a)) return false;
  return isNone(b) || compareTimestamps(a, b) < 0;
}

function isNone(timestamp: Timestamp): boolean {
  return compareTimestamps(timestamp, ZERO_TIMESTAMP) === 0;
}

/** It leads no longer: whoever waits turns to the one that does. */
function endFloors(turn: NodeTurn, opened: OpenGroup, answer: Answer): void {
  const { node } = turn;
  node.floors = undefined;
  const kept = keptAnswers(turn);
  node.keptAnswers = undefined;
  const result = tryAgain(opened, 'leadership was lost before every partition had the floor of the hold');
  for (const { origin } of kept) answer(turn, META_GROUP, origin, result);
}

function answerThoseWho(turn: NodeTurn, answer: Answer): void {
  const kept = keptAnswers(turn);
  if (kept.length === 0 || turn.node.floors?.lacking !== 0) return;
  turn.node.keptAnswers = undefined;
  for (const { origin, result } of kept) answer(turn, META_GROUP, origin, result);
}

/** A new floor for all partitions; the chores send it. */
function send(turn: NodeTurn, timestamp: Timestamp, position: LogIndex): void {
  const { node, now, options } = turn;
  let missing = emptyRadixArray<true>();
  for (let group = 1; group <= options.partitions; group += 1) missing = radixSet(missing, group, true);
  const { term: inTerm, seen } = floorsOf(turn);
  const sendAt = now.monotonic;
  const lacking = options.partitions;
  node.floors = { term: inTerm, timestamp, position, missing, lacking, sendAt, seen, raiseAt: undefined };
  doChoresAt(turn, now.monotonic);
}

function floorsOf({ node }: NodeTurn): Floors {
  return node.floors ?? NO_FLOORS;
}

function raiseLater(turn: NodeTurn): void {
  const floors = floorsOf(turn);
  const raiseAt = floors.raiseAt ?? monotonicMs(turn.now.monotonic + RAISE_AFTER_MS);
  turn.node.floors = { ...floors, raiseAt };
  doChoresAt(turn, raiseAt);
}

/** A chore: what is due is sent to those who lack it. */
export function spreadFloors(turn: NodeTurn, answer: Answer): void {
  raiseIfDue(turn);
  const { node, now, options } = turn;
  const { floors } = node;
  if (floors === undefined || floors.lacking === 0) return;
  if (now.monotonic < floors.sendAt) return doChoresAt(turn, floors.sendAt);
  let leaderless = false;
  const groups: GroupId[] = [];
  radixForEach(floors.missing, (_, group) => groups.push(groupId(group)));
  for (const group of groups) leaderless = !sendTo(turn, group, floors, answer) || leaderless;
  const patience = leaderless ? options.heartbeatIntervalMs : options.forwardTimeoutMs;
  const sendAt = monotonicMs(now.monotonic + patience);
  // An answer may have come at once.
  node.floors = { ...floorsOf(turn), sendAt };
  doChoresAt(turn, sendAt);
}

/** The holds as they are by now say which floor it is. */
function raiseIfDue(turn: NodeTurn): void {
  const { node, now } = turn;
  const { floors } = node;
  if (floors?.raiseAt === undefined) return;
  const { retention } = currentGroup(turn, META_GROUP).partition;
  if (retention?.type !== 'Holds') return;
  if (now.monotonic < floors.raiseAt) return doChoresAt(turn, floors.raiseAt);
  if (floors.lacking > 0) {
    const raiseAt = monotonicMs(now.monotonic + RAISE_AFTER_MS);
    node.floors = { ...floors, raiseAt };
    return doChoresAt(turn, raiseAt);
  }
  const wanted = lowestHeld(retention.live);
  if (compareTimestamps(wanted, floors.timestamp) === 0) node.floors = { ...floors, raiseAt: undefined };
  else send(turn, wanted, retention.changedAt);
}

/** @returns false when nobody leads the partition. */
function sendTo(turn: NodeTurn, group: GroupId, { timestamp, position }: Floors, answer: Answer): boolean {
  const { raft, partition } = currentGroup(turn, group);
  const leader = (openedGroup(turn, group)?.raft.raft ?? raft).leader;
  if (leader === NO_NODE) return false;
  const requestId = `${FLOOR_REQUEST}${position}-${group}` as RequestId;
  const operation: Operation = { type: 'SetFloor', group, timestamp, position };
  const basis = partition.applied;
  if (leader === turn.options.node) {
    const origin: Origin = { type: 'Floor', position };
    execute(turn, { group, requestId, basis, operation, origin }, answer);
  } else {
    sendAtOnce(turn, leader, { type: 'Forward', group, requestId, basis, operation });
  }
  return true;
}

/** Another node answers what this one sent it. False when it is no floor that it speaks of. */
export function floorAnswered(
  turn: NodeTurn,
  { group, requestId, result }: ForwardAnswer,
  answer: Answer,
): boolean {
  if (!requestId.startsWith(FLOOR_REQUEST)) return false;
  const position = Number.parseInt(requestId.slice(FLOOR_REQUEST.length), 10);
  floorTaken(turn, group, position, result, answer);
  return true;
}

/** A partition has a floor, or is to be asked again. */
export function floorTaken(
  turn: NodeTurn,
  group: GroupId,
  position: number,
  result: ForwardResult,
  answer: Answer,
): void {
  const { node, now, options } = turn;
  const { floors } = node;
  if (floors?.position !== position || radixGet(floors.missing, group) === undefined) return;
  const isTaken =
    result.type === 'Executed' && result.outcome.family === 'hold' && result.outcome.code === HoldCode.set;
  if (isTaken) {
    node.floors = { ...floors, missing: radixDelete(floors.missing, group), lacking: floors.lacking - 1 };
    return answerThoseWho(turn, answer);
  }
  const soon = now.monotonic + options.heartbeatIntervalMs;
  node.floors = { ...floors, sendAt: monotonicMs(Math.min(floors.sendAt, soon)) };
  doChoresAt(turn, node.floors.sendAt);
}
