import { describe, expect, it } from 'vitest';
import {
  EMPTY_PARTITION,
  emptyOrderedMap,
  logIndex,
  mapSet,
  nodeId,
  wallMs,
  type HoldEntry,
  type Retention,
  type Timestamp,
} from '../../../core/index.js';
import { hashContents } from '../../../sim/key-value/contents-hash.js';

const at = (wall: number): Timestamp => ({ node: nodeId(1), wall: wallMs(wall), counter: 0 });

const HOLD: HoldEntry = {
  holder: 'backup',
  timestamp: at(5),
  expiresMs: 1_000,
  armedAt: logIndex(3),
  expires: at(1_005),
};

function holding(entry: HoldEntry, changedAt: number): Retention {
  return { type: 'Holds', live: mapSet(emptyOrderedMap(), 'id', entry), changedAt: logIndex(changedAt) };
}

const floorAt = (wall: number): Retention => ({ type: 'Floor', timestamp: at(wall), position: logIndex(1) });

const hashOf = (retention: Retention): number => hashContents({ ...EMPTY_PARTITION, retention });

describe('the hash of what a partition holds', () => {
  it('tells holds apart, and when they changed', () => {
    const hash = hashOf(holding(HOLD, 3));

    expect(hash).not.toBe(hashContents(EMPTY_PARTITION));
    expect(hash).not.toBe(hashOf(holding({ ...HOLD, holder: 'another' }, 3)));
    expect(hash).not.toBe(hashOf(holding(HOLD, 4)));
    expect(hash).toBe(hashOf(holding({ ...HOLD }, 3)));
  });

  it('tells floors apart', () => {
    expect(hashOf(floorAt(5))).not.toBe(hashContents(EMPTY_PARTITION));
    expect(hashOf(floorAt(5))).not.toBe(hashOf(floorAt(6)));
    expect(hashOf(floorAt(5))).toBe(hashOf(floorAt(5)));
  });

  it('does not depend on the order of fields', () => {
    const { holder, timestamp, expiresMs, armedAt, expires } = HOLD;

    expect(hashOf(holding({ expires, armedAt, expiresMs, timestamp, holder }, 3))).toBe(
      hashOf(holding(HOLD, 3)),
    );
  });
});
