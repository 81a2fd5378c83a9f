/**
 * What holds between the partitions of a transaction, whatever any node believes: a decision is made once and stands, a commit rests on
 * all that was to be prepared, everything is settled as it was decided and at one time, and a record is kept while somebody may need
 * it. Judged when an entry is first known to be committed, so from the logs alone.
 */

import {
  compareTimestamps,
  TransactionCode,
  type Command,
  type Participant,
  type Timestamp,
} from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';
import type { Reference } from './reference.js';

export interface TransactionRules {
  /** The reference of a group has executed the command at an index. */
  executed(reference: Reference, index: number, command: Command): void;
  crashed(node: number): void;
  /** What became of the transactions whose names begin so, as the logs have it: at most one end. */
  endOf(prefix: string): 'committed' | 'aborted' | undefined;
}

interface Decided {
  readonly committed: boolean;
  readonly at: Timestamp | undefined;
  /** Which holds the record. */
  readonly group: number;
}

interface Course {
  readonly name: string;
  /** By group: when it was prepared there. */
  readonly prepared: Map<number, Timestamp>;
  /** Those of these groups that hold intents of it, and not only the record. */
  readonly writing: Set<number>;
  /** By group: how it was settled there. */
  readonly settled: Map<number, 'Commit' | 'Abort'>;
  participants: readonly Participant[];
  decided: Decided | undefined;
  /** Its coordinator crashed on the way. */
  orphaned: boolean;
}

/** @param reach takes note of what a run comes by. */
export function createTransactionRules(reach: (feature: string) => void): TransactionRules {
  const courses = new Map<string, Course>();
  const courseOf = (name: string): Course => {
    let course = courses.get(name);
    if (course === undefined) {
      course = {
        name,
        prepared: new Map(),
        writing: new Set(),
        settled: new Map(),
        participants: [],
        decided: undefined,
        orphaned: false,
      };
      courses.set(name, course);
    }
    return course;
  };

  const decide = (course: Course, group: number, committed: boolean, at: Timestamp | undefined): void => {
    const { decided } = course;
    const words = committed ? 'committed' : 'aborted';
    if (decided !== undefined) {
      const isSame = decided.committed === committed && isSameTime(decided.at, at) && decided.group === group;
      if (isSame) return;
      broken(
        'decisions stand',
        course,
        `group ${group} holds it to be ${words}, but it was decided otherwise in group ${decided.group}`,
      );
    }
    course.decided = { committed, at, group };
    if (course.orphaned) reach(`a transaction without a coordinator was ${words}`);
    else reach(`a transaction was ${words} by its record`);
  };

  const checkPrepared = (course: Course, at: Timestamp): void => {
    const { participants, prepared, settled } = course;
    for (const [group, how] of settled) {
      if (how === 'Abort')
        broken(
          'all is settled as it was decided',
          course,
          `it is committed, but group ${group} has dropped it`,
        );
    }
    for (const { group, ephemeral } of participants) {
      if (ephemeral === true) continue;
      const preparedAt = prepared.get(group);
      if (preparedAt === undefined)
        broken('commits are prepared', course, `it is committed, but group ${group} has not prepared it`);
      else if (compareTimestamps(at, preparedAt) < 0)
        broken('commits are prepared', course, `it is committed at a time before group ${group} prepared it`);
    }
    if (participants.length > 1) reach('a transaction over several partitions committed');
  };

  const settle = (
    course: Course,
    group: number,
    type: 'Commit' | 'Abort',
    at: Timestamp | undefined,
  ): void => {
    const { decided } = course;
    course.settled.set(group, type);
    const isRight =
      type === 'Commit'
        ? decided?.committed === true && isSameTime(decided.at, at)
        : decided?.committed !== true;
    if (isRight) return;
    const was =
      decided === undefined ? 'nothing was decided' : `it was ${decided.committed ? 'committed' : 'aborted'}`;
    broken('all is settled as it was decided', course, `group ${group} settles it as ${type}, but ${was}`);
  };

  return {
    executed({ effects }, index, { operation }) {
      if (!('transaction' in operation)) return;
      const effect = effects[index];
      const outcome = effect?.outcome;
      if (outcome?.family !== 'transaction' || effect?.first !== index) return;
      const { code, at } = outcome;
      const course = courseOf(operation.transaction);
      const { group } = operation;
      switch (operation.type) {
        case 'Prepare':
          if (code !== TransactionCode.prepared || at === undefined) return;
          course.prepared.set(group, at);
          if (operation.writes.length > 0) course.writing.add(group);
          if (operation.participants !== undefined) course.participants = operation.participants;
          return;
        case 'CommitAtOnce':
          if (code !== TransactionCode.committed) return;
          decide(course, group, true, at);
          reach('a transaction committed at once');
          return;
        case 'Decide': {
          if (code !== TransactionCode.committed && code !== TransactionCode.aborted) return;
          const isFirst = course.decided === undefined;
          decide(course, group, code === TransactionCode.committed, at);
          if (isFirst && code === TransactionCode.committed && at !== undefined) checkPrepared(course, at);
          return;
        }
        case 'Settle':
          if (effect.settled === undefined) return;
          settle(
            course,
            group,
            operation.decision.type,
            'at' in operation.decision ? operation.decision.at : undefined,
          );
          return;
        case 'Finish':
          for (const place of course.writing) {
            if (course.settled.has(place)) continue;
            broken(
              'records are kept while they are needed',
              course,
              `it is finished, but group ${place} has not settled it`,
            );
          }
          if (course.orphaned) reach('a transaction without a coordinator was settled');
          return;
        case 'Validate':
        case 'GetDecision':
        case 'AcquireTransactionLocks':
        case 'ReleaseTransactionLocks':
          return;
      }
    },
    crashed(node) {
      for (const course of courses.values()) {
        const isUnderWay = course.writing.size > course.settled.size;
        if (!isUnderWay || course.orphaned || !course.name.startsWith(`${node}.`)) continue;
        course.orphaned = true;
        reach(
          course.decided === undefined
            ? 'a coordinator crashed before the decision'
            : 'a coordinator crashed after the decision',
        );
      }
    },
    endOf(prefix) {
      for (const [name, { decided }] of courses) {
        if (name.startsWith(prefix) && decided !== undefined)
          return decided.committed ? 'committed' : 'aborted';
      }
      return undefined;
    },
  };
}

function isSameTime(a: Timestamp | undefined, b: Timestamp | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return compareTimestamps(a, b) === 0;
}

function broken(property: string, { name }: Course, detail: string): never {
  throw new PropertyBroken(property, `transaction ${name}: ${detail}`);
}
