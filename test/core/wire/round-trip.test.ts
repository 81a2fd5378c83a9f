import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { emptyOrderedMap, mapForEach, mapGet, mapSet } from '../../../core/collections/ordered-map.js';
import {
  logIndex,
  nodeId,
  revision,
  term,
  wallMs,
  type GroupId,
  type LogIndex,
} from '../../../core/machine/units.js';
import type { NodeMessage } from '../../../core/node/protocol.js';
import { KeyValueCode, type Command, type RequestId, type Value } from '../../../core/partition/command.js';
import type { KeyEntry } from '../../../core/partition/key-entry.js';
import { nameIn } from '../../../core/partition/operation.js';
import { applyCommand, EMPTY_PARTITION, type PartitionState } from '../../../core/partition/partition.js';
import { findRetry } from '../../../core/partition/retry-table.js';
import type { Entry } from '../../../core/raft/messages.js';
import {
  decodeCommand,
  decodeFrame,
  decodeNodeMessage,
  decodeStored,
  encodeCommand,
  encodeFrame,
  encodeNodeMessage,
  encodeStored,
  type Decoded,
} from '../../../core/wire/index.js';
import {
  decodeChunk,
  encodeChunk,
  FIRST_CHUNK,
  NO_CHUNKS,
  wholeState,
  type ChunkPlace,
} from '../../../core/wire/snapshot-chunk.js';
import * as any from './arbitraries.js';
import {
  commandObject,
  frameObject,
  nodeMessageObject,
  partitionStateObject,
  storedObject,
} from './schema-objects.js';

// Properties try hundreds of values each; a busy machine may need longer than the usual five seconds.
vi.setConfig({ testTimeout: 60_000 });

function valueOf<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
}

function setCommand(
  fields: Partial<{ requestId: string; key: string; value: Value; compareRevision: number }>,
): Command {
  return {
    requestId: (fields.requestId ?? 'r-1') as RequestId,
    basis: logIndex(0),
    stampedAt: { node: nodeId(1), wall: wallMs(1), counter: 0 },
    operation: {
      type: 'Set',
      key: fields.key ?? 'k',
      value: fields.value ?? null,
      flags: 1,
      compareValue: null,
      compareRevision: revision(fields.compareRevision ?? 0),
    },
  };
}

/** All chunks of a state. */
function chunksOf(state: PartitionState, maxBytes = 1_000): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let place: ChunkPlace = FIRST_CHUNK; place.in !== 'end';) {
    const { bytes, next } = encodeChunk(state, place, maxBytes);
    chunks.push(bytes);
    place = next;
  }
  return chunks;
}

function stateIn(chunks: readonly Uint8Array[]): PartitionState {
  let partial = NO_CHUNKS;
  for (const bytes of chunks) partial = valueOf(decodeChunk(partial, bytes));
  const state = wholeState(partial);
  if (state === undefined) throw new Error('not whole');
  return state;
}

/** What counts on by one with each change of what has this name. */
function countersOf(state: PartitionState, name: string): readonly number[] {
  const record = mapGet(state.sequences, name)?.record;
  return [
    mapGet(state.keys, name)?.revision ?? 0,
    mapGet(state.locks, name)?.fencingToken ?? 0,
    record?.revision ?? 0,
    record?.incarnation ?? 0,
  ];
}

function append(entries: readonly Entry[]): NodeMessage {
  const previousIndex = logIndex(0);
  return {
    type: 'Group',
    group: 1 as GroupId,
    message: {
      type: 'Append',
      term: term(1),
      previousIndex,
      previousTerm: term(0),
      entries,
      commit: logIndex(0),
    },
  };
}

function entriesIn(message: NodeMessage | undefined): readonly Entry[] {
  if (message?.type !== 'Group' || message.message.type !== 'Append') throw new Error('not an append');
  return message.message.entries;
}

describe('what is decoded is what was encoded', () => {
  it('for every message between nodes', () => {
    fc.assert(
      fc.property(any.nodeMessage, (message) => {
        const decoded = valueOf(decodeNodeMessage(encodeNodeMessage(message)));

        expect(nodeMessageObject(decoded)).toEqual(nodeMessageObject(message));
        expect(decoded).toEqual(message);
      }),
    );
  });

  it('for every frame', () => {
    fc.assert(
      fc.property(any.frame, (messages) => {
        expect(frameObject(valueOf(decodeFrame(encodeFrame(messages))))).toEqual(frameObject(messages));
      }),
    );
  });

  it('for everything that is stored', () => {
    fc.assert(
      fc.property(any.stored, (stored) => {
        const decoded = valueOf(decodeStored(encodeStored(stored)));

        expect(storedObject(decoded)).toEqual(storedObject(stored));
        expect(decoded).toEqual(stored);
      }),
    );
  });

  it('for every command', () => {
    fc.assert(
      fc.property(any.command, (command) => {
        expect(valueOf(decodeCommand(encodeCommand(command)))).toEqual(command);
        expect(commandObject(valueOf(decodeCommand(encodeCommand(command))))).toEqual(commandObject(command));
      }),
    );
  });

  it('an empty frame has no bytes and holds no messages', () => {
    expect(encodeFrame([])).toHaveLength(0);
    expect(decodeFrame(new Uint8Array(0))).toEqual({ ok: true, value: [] });
  });

  it('null and zero bytes stay different values', () => {
    const none = setCommand({ value: null });
    const empty = setCommand({ value: new Uint8Array(0) });

    expect(encodeCommand(none)).not.toEqual(encodeCommand(empty));
    expect(valueOf(decodeCommand(encodeCommand(none))).operation).toMatchObject({ value: null });
    expect(valueOf(decodeCommand(encodeCommand(empty))).operation).toMatchObject({
      value: new Uint8Array(0),
    });
  });

  it('an empty reason and no reason stay different', () => {
    const outcome = {
      code: KeyValueCode.got,
      revision: revision(-1),
      value: null,
      lastModified: { node: nodeId(0), wall: wallMs(0), counter: 0 },
    };
    const answer = (reason: { reason?: string }): NodeMessage => ({
      type: 'ForwardAnswer',
      group: 1 as GroupId,
      requestId: 'r' as RequestId,
      result: { type: 'Executed', outcome, index: logIndex(1), ...reason },
    });

    expect(valueOf(decodeNodeMessage(encodeNodeMessage(answer({ reason: '' }))))).toEqual(
      answer({ reason: '' }),
    );
    expect(valueOf(decodeNodeMessage(encodeNodeMessage(answer({}))))).toStrictEqual(answer({}));
  });

  it.each([
    0,
    1,
    127,
    128,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 35,
    2 ** 49,
    2 ** 52 + 1,
    2 ** 53 - 1,
  ])('the number %d survives', (number) => {
    const message: NodeMessage = {
      type: 'Group',
      group: 1 as GroupId,
      message: { type: 'Heartbeat', term: term(number), commit: logIndex(number), round: number },
    };

    expect(valueOf(decodeNodeMessage(encodeNodeMessage(message)))).toEqual(message);
  });

  it.each([-1, -2, -64, -65, -(2 ** 31), -(2 ** 32), -(2 ** 53 - 1), 2 ** 53 - 1])(
    'the revision %d to compare with survives',
    (number) => {
      const command = setCommand({ compareRevision: number });

      expect(valueOf(decodeCommand(encodeCommand(command)))).toEqual(command);
    },
  );

  it('a decoded state is a working one: it finds its keys and requests, and goes on as the original does', () => {
    fc.assert(
      fc.property(any.partitionState, any.command, (state, command) => {
        fc.pre(state.applied < Number.MAX_SAFE_INTEGER - 1);
        const next = { ...command, basis: state.applied };
        const index = (state.applied + 1) as LogIndex;

        const decoded = stateIn(chunksOf(state));

        expect(decoded.keys.size).toBe(state.keys.size);
        expect(decoded.retries.indexOf.size).toBe(state.retries.indexOf.size);
        mapForEach(state.keys, (key, entry) => expect(mapGet(decoded.keys, key)).toEqual(entry));
        mapForEach(state.retries.indexOf, (id) => {
          expect(findRetry(decoded.retries, id as RequestId)).toEqual(
            findRetry(state.retries, id as RequestId),
          );
        });
        fc.pre(
          next.stampedAt.wall < Number.MAX_SAFE_INTEGER && state.lastModified.wall < Number.MAX_SAFE_INTEGER,
        );
        fc.pre(countersOf(state, nameIn(next.operation)).every((each) => each < Number.MAX_SAFE_INTEGER));
        const before = applyCommand(state, index, next, 65_536);
        const after = applyCommand(decoded, index, next, 65_536);
        expect(after.outcome).toEqual(before.outcome);
        expect(partitionStateObject(after.state)).toEqual(partitionStateObject(before.state));
      }),
    );
  });

  it('a state that commands made survives', () => {
    let state = EMPTY_PARTITION;
    for (let i = 1; i <= 500; i += 1) {
      const command = setCommand({
        requestId: `r-${i}`,
        key: `key-${(i * 7919) % 97}`,
        value: Uint8Array.of(i & 255),
      });
      state = applyCommand(state, logIndex(i), command, 100).state;
    }

    const decoded = stateIn(chunksOf(state));

    expect(partitionStateObject(decoded)).toEqual(partitionStateObject(state));
    expect(decoded.digest).toBe(state.digest);
  });
});

describe('a state in chunks', () => {
  it('is the same in chunks of any size', () => {
    fc.assert(
      fc.property(any.partitionState, fc.integer({ min: 1, max: 300 }), (state, maxBytes) => {
        expect(partitionStateObject(stateIn(chunksOf(state, maxBytes)))).toEqual(partitionStateObject(state));
      }),
    );
  });

  it('has chunks that pass their size by less than a record', () => {
    let state = EMPTY_PARTITION;
    for (let i = 1; i <= 200; i += 1) {
      state = applyCommand(
        state,
        logIndex(i),
        setCommand({ requestId: `r-${i}`, key: `key-${i}` }),
        100,
      ).state;
    }

    const sizes = chunksOf(state, 500).map(({ length }) => length);

    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThan(500 + 60);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(500);
  });

  it('is no state without its last chunk', () => {
    const state = applyCommand(EMPTY_PARTITION, logIndex(1), setCommand({}), 10).state;
    const chunks = chunksOf(state, 1);

    expect(() => stateIn(chunks.slice(0, -1))).toThrow('not whole');
  });

  it('refuses a chunk that comes again, and one after the last', () => {
    const state = applyCommand(EMPTY_PARTITION, logIndex(1), setCommand({}), 10).state;
    const [first, ...rest] = chunksOf(state, 1) as [Uint8Array, ...Uint8Array[]];

    expect(() => stateIn([first, first])).toThrow('not in ascending order');
    expect(() => stateIn([first, ...rest, first])).toThrow('it comes after the last one');
  });

  it('refuses what no log leads to', () => {
    const state = applyCommand(EMPTY_PARTITION, logIndex(7), setCommand({}), 10).state;

    expect(() => stateIn(chunksOf({ ...state, applied: logIndex(6) }))).toThrow('not after 6');
  });
});

describe('encoding is canonical', () => {
  it('what was decoded is encoded to the same bytes', () => {
    fc.assert(
      fc.property(any.frame, any.stored, any.command, (frame, stored, command) => {
        const bytes = {
          frame: encodeFrame(frame),
          stored: encodeStored(stored),
          command: encodeCommand(command),
        };

        expect(encodeFrame(valueOf(decodeFrame(bytes.frame)))).toEqual(bytes.frame);
        expect(encodeStored(valueOf(decodeStored(bytes.stored)))).toEqual(bytes.stored);
        expect(encodeCommand(valueOf(decodeCommand(bytes.command)))).toEqual(bytes.command);
      }),
    );
  });

  it('maps that hold the same have the same bytes, whatever the order of their making', () => {
    fc.assert(
      fc.property(any.partitionState, fc.integer(), (state, seed) => {
        const entries: [string, KeyEntry][] = [];
        mapForEach(state.keys, (key, entry) => {
          entries.push([key, entry]);
        });
        const order = entries.map((_, i) => Math.imul(i + 1, seed | 1));
        let keys = emptyOrderedMap<KeyEntry>();
        for (const i of [...entries.keys()].sort((a, b) => (order[a] as number) - (order[b] as number))) {
          const [key, entry] = entries[i] as [string, KeyEntry];
          keys = mapSet(keys, key, entry);
        }

        expect(chunksOf({ ...state, keys }, 50)).toEqual(chunksOf(state, 50));
      }),
    );
  });

  it('the bytes are a plain Uint8Array in a buffer of its own', () => {
    const bytes = encodeFrame([append([{ term: term(1), payload: Uint8Array.of(1, 2, 3) }])]);

    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
  });

  it('an encoding that failed does not spoil the next one', () => {
    const good = append([{ term: term(1), payload: Uint8Array.of(1) }]);
    const bytes = encodeNodeMessage(good);
    const impossible = append([{ term: -1 as Entry['term'], payload: Uint8Array.of(1) }]);

    expect(() => encodeNodeMessage(impossible)).toThrow('must be 0 or more');

    expect(encodeNodeMessage(good)).toEqual(bytes);
  });

  it('a large encoding leaves no trace in the next one', () => {
    const small = append([{ term: term(1), payload: Uint8Array.of(1) }]);
    const bytes = encodeNodeMessage(small);

    const large = append([{ term: term(1), payload: new Uint8Array(3 << 20).fill(7) }]);

    const payload = entriesIn(valueOf(decodeNodeMessage(encodeNodeMessage(large))))[0]?.payload;
    expect(payload?.length).toBe(3 << 20);
    expect(payload?.every((byte) => byte === 7)).toBe(true);
    expect(encodeNodeMessage(small)).toEqual(bytes);
  });

  it('half a surrogate pair, which no request may hold, is written as U+FFFD', () => {
    const command = setCommand({ key: 'a\ud800b' });

    expect(nameIn(valueOf(decodeCommand(encodeCommand(command))).operation)).toBe('a\ufffdb');
  });
});

describe('what is decoded keeps no large buffer alive', () => {
  const small = Uint8Array.of(1, 2, 3);
  const large = new Uint8Array(100_000).fill(9);

  it('the payloads of an append that is most of its frame are views of the frame', () => {
    const frame = encodeFrame([
      append([
        { term: term(1), payload: large },
        { term: term(1), payload: small },
      ]),
    ]);

    const entries = entriesIn(valueOf(decodeFrame(frame))[0]);

    expect(entries.map((entry) => entry.payload.buffer)).toEqual([frame.buffer, frame.buffer]);
    expect(entries[0]?.payload.buffer).toBe(frame.buffer);
  });

  it('the payloads of an append that is little of its frame share a copy of their own', () => {
    const entries = [
      { term: term(1), payload: small },
      { term: term(1), payload: small },
    ];
    const frame = encodeFrame([append(entries), append([{ term: term(1), payload: large }])]);

    const [first, second] = entriesIn(valueOf(decodeFrame(frame))[0]);

    expect(first?.payload).toEqual(small);
    expect(first?.payload.buffer).not.toBe(frame.buffer);
    expect(first?.payload.buffer).toBe(second?.payload.buffer);
    expect(first?.payload.buffer.byteLength).toBeLessThan(40);
  });

  it.each([7, 1000])('entries are found in a frame that begins at byte %d of its buffer', (offset) => {
    const message = append([
      { term: term(1), payload: small },
      { term: term(2), payload: Uint8Array.of(4, 5) },
    ]);
    const frame = encodeFrame([message]);
    const buffer = new Uint8Array(offset + frame.length);
    buffer.set(frame, offset);

    expect(valueOf(decodeFrame(buffer.subarray(offset)))).toEqual([message]);
  });

  it('the value of a command that lies in a larger buffer is a copy', () => {
    const payload = encodeCommand(setCommand({ value: small }));
    const frame = new Uint8Array(10_000);
    frame.set(payload, 100);

    const { operation } = valueOf(decodeCommand(frame.subarray(100, 100 + payload.length)));

    expect(operation.type === 'Set' && operation.value?.buffer.byteLength).toBe(3);
  });

  it('the values of a snapshot are copies, so that the last small one does not keep the whole', () => {
    const state = applyCommand(EMPTY_PARTITION, logIndex(1), setCommand({ value: small }), 10).state;
    const chunks = chunksOf(
      applyCommand(state, logIndex(2), setCommand({ requestId: 'r-2', key: 'z', value: large }), 10).state,
    );

    const decoded = stateIn(chunks);

    expect((mapGet(decoded.keys, 'k')?.value as Uint8Array).buffer.byteLength).toBe(3);
  });

  it('bytes in a Node Buffer give plain arrays', () => {
    const frame = Buffer.from(encodeFrame([append([{ term: term(1), payload: small }])]));

    expect(entriesIn(valueOf(decodeFrame(frame))[0])[0]?.payload.constructor).toBe(Uint8Array);
  });
});
