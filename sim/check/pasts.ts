/**
 * Holds of the past, as their clients see them: while one stands, its lease is not cut short, the floor is not above it, and what
 * was there at its time, or later, can go on being read, and does not change.
 *
 * Only what is certain from outside counts. A hold stands from when it is granted until its lease may be over, or until somebody
 * may have released it or given it another lease. What was forgotten before is gone: so a version counts as held when it was
 * read under the hold, or when too little was written since its time for it to have been forgotten before the hold stood.
 */

import {
  compareTimestamps,
  HoldCode,
  KeyValueCode,
  ZERO_TIMESTAMP,
  type ClientAnswer,
  type Operation,
  type Timestamp,
} from '../../core/index.js';
import { PropertyBroken } from '../world/world.js';

/** What was asked and told; times in milliseconds of true time. */
export interface PastEvent {
  readonly client: string;
  readonly operation: Operation;
  readonly invokedAt: number;
  readonly answeredAt: number | undefined;
  readonly answer: ClientAnswer | undefined;
}

/** A hold that stands for certain. */
interface Span {
  readonly hold: string;
  readonly timestamp: Timestamp;
  readonly from: number;
  readonly until: number;
}

type Read = Extract<Operation, { readonly type: 'Get' | 'Exists' | 'Scan' }> & { readonly at: Timestamp };
type ReadEvent = PastEvent & {
  readonly operation: Read;
  readonly answeredAt: number;
  readonly answer: ClientAnswer;
};

/**
 * @param keeps of each key so many superseded versions are kept whether anybody holds them or not.
 * @param roundingMs by so much a lease may be shorter than asked, as clocks show whole milliseconds.
 * @throws PropertyBroken when a hold did not do what it promised.
 */
export function checkPasts(events: readonly PastEvent[], keeps: number, roundingMs: number): void {
  const spans = spansOf(events, roundingMs);
  if (spans.length === 0) return;
  const reads = events.filter(isAnsweredRead).sort((a, b) => a.invokedAt - b.invokedAt);
  for (const span of spans) {
    checkLease(span, events);
    checkReadable(span, reads, events, keeps);
  }
}

function spansOf(events: readonly PastEvent[], roundingMs: number): readonly Span[] {
  const ids = new Map<string, string>();
  for (const { operation, answer } of events) {
    if (operation.type === 'AcquireHold' && answer?.family === 'hold' && answer.code === HoldCode.set) {
      ids.set(nameOf(operation.holder, operation.timestamp), answer.hold);
    }
  }
  const idOf = (operation: Operation): string | undefined => {
    if (operation.type === 'RenewHold' || operation.type === 'ReleaseHold') return operation.hold;
    return operation.type === 'AcquireHold'
      ? ids.get(nameOf(operation.holder, operation.timestamp))
      : undefined;
  };
  const timestamps = new Map<string, Timestamp>();
  for (const { operation } of events) {
    const id = idOf(operation);
    if (id !== undefined && operation.type === 'AcquireHold') timestamps.set(id, operation.timestamp);
  }
  const leaseOf = (operation: Operation): number => ('leaseMs' in operation ? operation.leaseMs : 0);
  return events.flatMap((event): readonly Span[] => {
    const { operation, answer, answeredAt, invokedAt } = event;
    const hold = idOf(operation);
    const timestamp = timestamps.get(hold ?? '');
    const isGrant = answer?.family === 'hold' && answer.code === HoldCode.set;
    if (hold === undefined || timestamp === undefined || answeredAt === undefined || !isGrant) return [];
    // Whatever else was asked for the hold may have come later, as long as its answer does not show that it was earlier.
    const others = events.filter(
      (other) =>
        other !== event && idOf(other.operation) === hold && (other.answeredAt ?? Infinity) >= invokedAt,
    );
    const ends = [event, ...others].map(
      (each) => Math.max(each.invokedAt, each === event ? 0 : invokedAt) + leaseOf(each.operation),
    );
    const until = Math.min(...ends) - roundingMs;
    return until > answeredAt ? [{ hold, timestamp, from: answeredAt, until }] : [];
  });
}

function nameOf(holder: string, { wall, counter, node }: Timestamp): string {
  return `${holder}@${wall}.${counter}.${node}`;
}

function isWithin({ from, until }: Span, { invokedAt, answeredAt }: PastEvent): boolean {
  return invokedAt >= from && answeredAt !== undefined && answeredAt <= until;
}

function checkLease(span: Span, events: readonly PastEvent[]): void {
  for (const event of events) {
    const { operation, answer } = event;
    if (answer?.family !== 'hold' || !isWithin(span, event)) continue;
    if (
      operation.type === 'RenewHold' &&
      operation.hold === span.hold &&
      answer.code === HoldCode.doesNotExist
    ) {
      throw broken(span, `it was over at ${event.answeredAt} ms, when ${event.client} renewed it`);
    }
    if (operation.type !== 'GetFloor' || answer.code !== HoldCode.got) continue;
    const isNone = compareTimestamps(answer.floor, ZERO_TIMESTAMP) === 0;
    if (isNone || compareTimestamps(answer.floor, span.timestamp) > 0) {
      throw broken(span, `the floor that ${event.client} was told at ${event.answeredAt} ms is above it`);
    }
  }
}

function checkReadable(
  span: Span,
  reads: readonly ReadEvent[],
  events: readonly PastEvent[],
  keeps: number,
): void {
  const seen = new Map<string, ReadEvent[]>();
  for (const read of reads) {
    const { operation, answer } = read;
    if (compareTimestamps(operation.at, span.timestamp) < 0 || !isWithin(span, read)) continue;
    const name = whatIsRead(operation);
    const earlier = seen.get(name)?.find(({ answeredAt }) => answeredAt <= read.invokedAt);
    if (answer.code === KeyValueCode.errored) {
      const isHeld = earlier !== undefined || isRemembered(operation, span, events, keeps);
      if (!isHeld) continue;
      throw broken(
        span,
        `${read.client} was told at ${read.answeredAt} ms that what it reads of ${name} is forgotten`,
      );
    }
    if (answer.code === KeyValueCode.mustRetry) continue;
    if (earlier !== undefined && told(earlier.answer) !== told(answer)) {
      throw broken(
        span,
        `${read.client} was told ${told(answer)} of ${name} at ${read.answeredAt} ms, and before ${told(earlier.answer)}`,
      );
    }
    const known = seen.get(name);
    if (known === undefined) seen.set(name, [read]);
    else known.push(read);
  }
}

/** Whether so little was written of the key since that time, before the hold stood, that nothing of it was forgotten. */
function isRemembered(operation: Read, span: Span, events: readonly PastEvent[], keeps: number): boolean {
  if (operation.type === 'Scan') return false;
  let written = 0;
  for (const event of events) {
    const { answer, operation: other } = event;
    if ((other.type !== 'Set' && other.type !== 'Delete') || other.key !== operation.key) continue;
    if (event.invokedAt > span.from) continue;
    const isEarlier =
      answer !== undefined &&
      'lastModified' in answer &&
      compareTimestamps(answer.lastModified, span.timestamp) <= 0;
    if (!isEarlier) written += 1;
  }
  return written < keeps;
}

function whatIsRead(operation: Read): string {
  const { wall, counter, node } = operation.at;
  const what = operation.type === 'Scan' ? `${operation.prefix}/ up to ${operation.limit}` : operation.key;
  return `${operation.type} ${what} at ${wall}.${counter}.${node}`;
}

/** What an answer says of the past, and not of where and when it was given. */
function told(answer: ClientAnswer): string {
  const { code } = answer;
  if (answer.family === 'page') {
    const items = answer.items.map(({ key, revision, value }) => `${key} ${version(revision, value)}`);
    return `code ${code}, ${items.join(', ') || 'no keys'}`;
  }
  return answer.family === undefined
    ? `code ${code}, ${version(answer.revision, answer.value)}`
    : `code ${code}`;
}

function version(revision: number, value: Uint8Array | null): string {
  return `revision ${revision} [${value?.join(' ') ?? ''}]`;
}

function isAnsweredRead(event: PastEvent): event is ReadEvent {
  const { operation, answer, answeredAt } = event;
  const isRead = operation.type === 'Get' || operation.type === 'Exists' || operation.type === 'Scan';
  return isRead && operation.at !== undefined && answer !== undefined && answeredAt !== undefined;
}

function broken({ hold, from, until }: Span, what: string): PropertyBroken {
  return new PropertyBroken(
    'the past is held',
    `hold ${hold} stands from ${from} to ${until} ms, but ${what}`,
  );
}
