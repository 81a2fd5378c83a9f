import { describe, expect, it } from 'vitest';
import {
  HoldCode,
  KeyValueCode,
  nodeId,
  revision,
  SetFlag,
  wallMs,
  ZERO_TIMESTAMP,
  type ClientAnswer,
  type Operation,
  type Timestamp,
} from '../../../core/index.js';
import { checkPasts, type PastEvent } from '../../../sim/check/pasts.js';
import { verdictOf } from './support/states.js';

const KEEPS = 2;
const at = (wall: number): Timestamp => ({ node: nodeId(1), wall: wallMs(wall), counter: 0 });
const HELD = at(100);

function event(
  operation: Operation,
  invokedAt: number,
  answer: ClientAnswer | undefined,
  took = 1,
): PastEvent {
  const answeredAt = answer === undefined ? undefined : invokedAt + took;
  return { client: '1.0', operation, invokedAt, answeredAt, answer };
}

function ofHold(
  code: HoldCode,
  told: { readonly hold?: string; readonly floor?: Timestamp } = {},
): ClientAnswer {
  const { hold = '', floor = ZERO_TIMESTAMP } = told;
  return { family: 'hold', code, hold, expires: ZERO_TIMESTAMP, floor, live: 0 };
}

const granted = ofHold(HoldCode.set, { hold: 'h' });
const acquire = (invokedAt: number, answer: ClientAnswer | undefined = granted, leaseMs = 1_000): PastEvent =>
  event({ type: 'AcquireHold', holder: 'a', timestamp: HELD, leaseMs }, invokedAt, answer);
const renew = (invokedAt: number, answer: ClientAnswer | undefined, leaseMs = 1_000): PastEvent =>
  event({ type: 'RenewHold', hold: 'h', leaseMs }, invokedAt, answer);
const release = (invokedAt: number, answer?: ClientAnswer): PastEvent =>
  event({ type: 'ReleaseHold', hold: 'h' }, invokedAt, answer);
const floor = (invokedAt: number, told: Timestamp): PastEvent =>
  event({ type: 'GetFloor' }, invokedAt, ofHold(HoldCode.got, { floor: told }));

const forgotten = {
  code: KeyValueCode.errored,
  revision: revision(0),
  value: null,
  lastModified: ZERO_TIMESTAMP,
};
const found = (number: number) => ({
  code: KeyValueCode.got,
  revision: revision(number),
  value: new Uint8Array([number]),
  lastModified: HELD,
});
const read = (invokedAt: number, answer: ClientAnswer, time = HELD): PastEvent =>
  event({ type: 'Get', key: 'k', at: time }, invokedAt, answer);
const write = (invokedAt: number, wall: number): PastEvent =>
  event(
    {
      type: 'Set',
      key: 'k',
      value: null,
      flags: SetFlag.set,
      compareValue: null,
      compareRevision: revision(0),
    },
    invokedAt,
    { code: KeyValueCode.set, revision: revision(1), value: null, lastModified: at(wall) },
  );

const verdict = (...events: readonly PastEvent[]): string => verdictOf(() => checkPasts(events, KEEPS, 2));
/** So much was written that nobody can say whether the version was there when the hold came to stand. */
const MUCH = [write(0, 101), write(1, 102)];

describe('what is held', () => {
  it('can be read for as long as the hold stands, and no longer', () => {
    expect(verdict(acquire(10), read(20, found(0)), read(30, found(0)))).toBe('holds');
    expect(verdict(...MUCH, acquire(10), read(20, found(0)), read(30, forgotten))).toBe('the past is held');
    expect(verdict(...MUCH, acquire(10), read(20, found(0)), read(1_006, forgotten))).toBe(
      'the past is held',
    );
    expect(verdict(...MUCH, acquire(10), read(20, found(0)), read(1_008, forgotten))).toBe('holds');
  });

  it('is what was not forgotten before: what was read, or had little written after it', () => {
    expect(verdict(...MUCH, acquire(10), read(30, forgotten))).toBe('holds');
    expect(verdict(write(0, 101), acquire(10), read(30, forgotten))).toBe('the past is held');
    expect(verdict(write(0, 99), write(1, 101), acquire(10), read(30, forgotten))).toBe('the past is held');
  });

  it('is the time of the hold and all after it', () => {
    expect(verdict(acquire(10), read(30, forgotten, at(99)))).toBe('holds');
    expect(verdict(acquire(10), read(30, forgotten, at(101)))).toBe('the past is held');
  });

  it('does not change', () => {
    expect(verdict(acquire(10), read(20, found(0)), read(30, found(1)))).toBe('the past is held');
    expect(verdict(acquire(10), read(20, found(0)), read(20, found(1)))).toBe('holds');
  });

  it('is nothing where the hold was never granted, or not yet', () => {
    expect(verdict(acquire(10, ofHold(HoldCode.mustRetry)), read(30, forgotten))).toBe('holds');
    expect(verdict(acquire(10), read(10, forgotten))).toBe('holds');
  });

  it('is let go by a release, and by a shorter lease, from when they are asked for', () => {
    expect(verdict(acquire(10), release(20), read(30, forgotten))).toBe('holds');
    expect(verdict(acquire(10), renew(20, undefined, 5), read(30, forgotten))).toBe('holds');
    expect(verdict(acquire(10), read(15, forgotten), release(20))).toBe('the past is held');
  });

  it('stays for longer when the hold is renewed', () => {
    expect(verdict(acquire(10), renew(900, granted), read(1_500, forgotten))).toBe('the past is held');
    expect(verdict(acquire(10), renew(900, ofHold(HoldCode.mustRetry)), read(1_500, forgotten))).toBe(
      'holds',
    );
  });
});

describe('a hold that stands', () => {
  it('can be renewed', () => {
    expect(verdict(acquire(10), renew(900, ofHold(HoldCode.doesNotExist)))).toBe('the past is held');
    expect(verdict(acquire(10), renew(1_100, ofHold(HoldCode.doesNotExist)))).toBe('holds');
  });

  it('is not below the floor that is told', () => {
    expect(verdict(acquire(10), floor(20, HELD))).toBe('holds');
    expect(verdict(acquire(10), floor(20, at(101)))).toBe('the past is held');
    expect(verdict(acquire(10), floor(20, ZERO_TIMESTAMP))).toBe('the past is held');
    expect(verdict(acquire(10), floor(1_100, ZERO_TIMESTAMP))).toBe('holds');
  });
});
