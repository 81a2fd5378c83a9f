import * as fc from 'fast-check';
import protobufjs from 'protobufjs/minimal.js';
import { describe, expect, it, vi } from 'vitest';
import { nodeId } from '../../../core/machine/units.js';
import { KeyValueCode } from '../../../core/partition/command.js';
import { HoldCode } from '../../../core/partition/hold-command.js';
import { LockCode } from '../../../core/partition/lock-command.js';
import { TransactionCode } from '../../../core/partition/transaction-command.js';
import { SequenceCode } from '../../../core/partition/sequence-command.js';
import { SessionCode } from '../../../core/transactions/calls.js';
import {
  decodeCommand,
  decodeFrame,
  decodeNodeMessage,
  decodeRoster,
  decodeStored,
  encodeCommand,
  encodeFrame,
  encodeNodeMessage,
  encodeRoster,
  encodeStored,
  type Decoded,
} from '../../../core/wire/index.js';
import { FIRST_PAGE } from '../../../core/partition/past.js';
import { decodeVersions } from '../../../core/wire/past.js';
import { decodeChunk, NO_CHUNKS } from '../../../core/wire/snapshot-chunk.js';
import * as any from './arbitraries.js';

// Properties try hundreds of values each; a busy machine may need longer than the usual five seconds.
vi.setConfig({ testTimeout: 60_000 });

type Fill = (writer: protobufjs.Writer) => void;

/** Bytes written field by field, as no codec of ours would. */
function raw(fill: Fill): Uint8Array {
  const writer = new protobufjs.Writer();
  fill(writer);
  return writer.finish();
}

function nested(writer: protobufjs.Writer, tag: number, fill: Fill): void {
  writer.uint32(tag).fork();
  fill(writer);
  writer.ldelim();
}

const DECODERS: Record<string, (bytes: Uint8Array) => Decoded<unknown>> = {
  message: decodeNodeMessage,
  frame: decodeFrame,
  'stored record': decodeStored,
  command: decodeCommand,
};

const LEAST: Record<string, number> = {
  compareRevision: -Infinity,
  askedMs: -Infinity,
  digest: -(2 ** 31),
  revision: -1,
  group: 0,
  firstIndex: 1,
  increment: 1,
  limit: 1,
  window: 1,
  start: -Infinity,
  end: -Infinity,
  currentValue: -Infinity,
  initialValue: -Infinity,
  maxValue: -Infinity,
};
const MOST: Record<string, number> = {
  flags: 63,
  counter: 2 ** 32 - 1,
  digest: 2 ** 31 - 1,
  expiresMs: 2 ** 31 - 1,
};
const TEXT_BOUNDS: Record<string, { least: number; most: number }> = {
  requestId: { least: 1, most: 128 },
  key: { least: 1, most: Infinity },
  prefix: { least: 1, most: Infinity },
  resource: { least: 1, most: Infinity },
  name: { least: 1, most: Infinity },
  idempotencyKey: { least: 1, most: Infinity },
};

/** The codes of an outcome, by its family. */
function codesOf(outcome: object): readonly number[] {
  if (!('family' in outcome) || outcome.family === 'page') return Object.values(KeyValueCode);
  if (outcome.family === 'transaction') return Object.values(TransactionCode);
  if (outcome.family === 'session') return Object.values(SessionCode);
  if (outcome.family === 'hold') return Object.values(HoldCode);
  return Object.values(outcome.family === 'lock' ? LockCode : SequenceCode);
}

/** Fails unless everything in the value keeps the rules of its type. */
function expectValid(value: unknown, name = ''): void {
  if (typeof value === 'number') {
    expect(Number.isSafeInteger(value), `${name} ${value}`).toBe(true);
    expect(value, name).toBeGreaterThanOrEqual(LEAST[name] ?? 0);
    expect(value, name).toBeLessThanOrEqual(MOST[name] ?? Infinity);
  } else if (typeof value === 'string') {
    const { least, most } = TEXT_BOUNDS[name] ?? { least: 0, most: Infinity };
    expect(value.length >= least && value.length <= most && value.isWellFormed(), `${name} "${value}"`).toBe(
      true,
    );
  } else if (value instanceof Uint8Array) {
    expect(value.constructor).toBe(Uint8Array);
  } else if (Array.isArray(value)) {
    for (const each of value) expectValid(each, name);
  } else if (typeof value === 'object' && value !== null) {
    if ('code' in value) expect(codesOf(value)).toContain(value.code);
    // The bound of a scan may be the empty text; the lease that a session asks for is judged by the node that has the session.
    const isBound = 'inclusive' in value;
    const isAsked = 'type' in value && value.type === 'LockInTransaction';
    for (const [field, each] of Object.entries(value)) {
      expectValid(each, isBound ? 'bound' : isAsked && field === 'leaseMs' ? 'askedMs' : field);
    }
  }
}

function expectDecent(bytes: Uint8Array): void {
  for (const [what, decode] of Object.entries(DECODERS)) {
    const decoded = decode(bytes);
    if (decoded.ok) expectValid(decoded.value);
    else expect(decoded.reason).toMatch(new RegExp(`^a ${what}: .{5}`, 's'));
  }
}

const someEncoding = fc.oneof(
  any.frame.map(encodeFrame),
  any.nodeMessage.map(encodeNodeMessage),
  any.stored.map(encodeStored),
  any.command.map(encodeCommand),
);

describe('decoding survives any bytes, and never gives a value that breaks a rule', () => {
  it('with random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectDecent(bytes)),
      { numRuns: 2000 },
    );
  });

  it('with tags that are right and contents that are not', () => {
    const likelyByte = fc.oneof(
      fc.constantFrom(8, 10, 16, 18, 24, 26, 34, 42, 50, 66, 74, 82, 90, 98, 106, 114, 122),
      fc.nat(12),
      fc.nat(255),
    );
    fc.assert(
      fc.property(fc.array(likelyByte, { maxLength: 40 }), (bytes) => expectDecent(Uint8Array.from(bytes))),
      { numRuns: 5000 },
    );
  });

  it('with encodings in which some bytes were changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(someEncoding, changes, (encoding, each) => {
        const bytes = encoding.slice();
        if (bytes.length > 0) for (const [at, byte] of each) bytes[at % bytes.length] = byte;
        expectDecent(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('with encodings that lost or gained bytes', () => {
    fc.assert(
      fc.property(
        someEncoding,
        fc.nat(),
        fc.nat(5),
        fc.uint8Array({ maxLength: 5 }),
        (encoding, at, lost, gained) => {
          const cut = at % (encoding.length + 1);
          expectDecent(
            Uint8Array.from([...encoding.slice(0, cut), ...gained, ...encoding.slice(cut + lost)]),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('with a frame that is cut short anywhere within a message', () => {
    fc.assert(
      fc.property(any.nodeMessage, fc.nat(), (message, at) => {
        const bytes = encodeFrame([message]);
        const cut = bytes.slice(0, 1 + (at % (bytes.length - 1)));

        expect(decodeFrame(cut).ok).toBe(false);
      }),
    );
  });
});

describe('decoding says what is wrong, and where', () => {
  function heartbeat(fill: Fill, group = 1): Uint8Array {
    return raw((writer) => {
      writer.uint32(8).uint32(group);
      nested(writer, 74, fill);
    });
  }

  function reasonOf(decoded: Decoded<unknown>): string {
    return decoded.ok ? 'it was accepted' : decoded.reason;
  }

  function command(fields: { requestId?: string; node?: number; operation?: Fill }): Uint8Array {
    const { requestId = 'r', node = 1, operation } = fields;
    return raw((writer) => {
      writer.uint32(10).string(requestId);
      nested(writer, 26, (stamp) => stamp.uint32(8).uint32(node));
      (operation ?? ((inside) => nested(inside, 42, (del) => del.uint32(10).string('k'))))(writer);
    });
  }

  it('the example itself is good', () => {
    expect(decodeCommand(command({})).ok).toBe(true);
    expect(decodeNodeMessage(heartbeat((writer) => writer.uint32(8).uint32(3))).ok).toBe(true);
  });

  it('a number of 2^53 is refused', () => {
    const bytes = heartbeat((writer) => writer.uint32(16).uint64(2 ** 53));

    expect(reasonOf(decodeNodeMessage(bytes))).toBe(
      'a message: Heartbeat.commit is not within 0 … 2^53 - 1, at byte 13',
    );
  });

  it('a negative number is refused', () => {
    const bytes = heartbeat((writer) => writer.uint32(24).int64(-1));

    expect(reasonOf(decodeNodeMessage(bytes))).toContain('Heartbeat.round is not within 0 … 2^53 - 1');
  });

  it('a number that never ends is refused', () => {
    const bytes = heartbeat((writer) => writer.uint32(8).raw(new Uint8Array(12).fill(0xff)));

    expect(reasonOf(decodeNodeMessage(bytes))).toContain('Heartbeat.term is a number of more than ten bytes');
  });

  it('a message without a group is one of group 0', () => {
    const bytes = heartbeat((writer) => writer.uint32(8).uint32(3), 0);

    expect(decodeNodeMessage(bytes)).toMatchObject({ ok: true, value: { group: 0 } });
  });

  it('a roster in which no node votes is refused', () => {
    const member = { node: nodeId(1), address: '', role: 'learner' as const, priority: 1, since: 0 };

    const bytes = encodeRoster({ version: 1, members: [member] });

    expect(decodeRoster(bytes)).toEqual({
      ok: false,
      reason: expect.stringContaining('Roster.members: no voter is left') as string,
    });
  });

  it.each([
    ['out of order', [2, 1]],
    ['twice the same', [1, 1]],
  ])('a roster whose members are %s is refused', (_what, nodes) => {
    const members = nodes.map((node) => ({
      node: nodeId(node),
      address: '',
      role: 'voter' as const,
      priority: 1,
      since: 0,
    }));

    expect(decodeRoster(encodeRoster({ version: 1, members })).ok).toBe(false);
  });

  it('a message of an unknown kind is refused', () => {
    const bytes = raw((writer) => {
      writer.uint32(8).uint32(1);
      nested(writer, 99 * 8 + 2, (inside) => inside.uint32(8).uint32(1));
    });

    expect(reasonOf(decodeNodeMessage(bytes))).toContain('holds no message that this version knows');
    expect(reasonOf(decodeFrame(raw((frame) => frame.uint32(10).bytes(bytes))))).toMatch(
      /^a frame: .*this version knows/,
    );
  });

  const transactions =
    (...names: readonly string[]): Fill =>
    (writer) =>
      names.forEach((each) => writer.uint32(10).string(each));
  const many = Array.from({ length: 65 }, (_, i) => `1.${i}.0.run`);

  it.each<[string, number, Fill, string]>([
    ['a probe from nobody', 498, (w) => w.uint32(18).string('1.1.0.run'), 'WaitProbe.path must name 1 to 64'],
    ['a probe to nobody', 498, transactions('1.1.0.run'), 'WaitProbe.on must have 1 to 256 characters'],
    ['a probe on too long a path', 498, transactions(...many), 'WaitProbe.path must name 1 to 64'],
    ['a path with no name on it', 498, transactions(''), 'WaitProbe.path must have 1 to 256 characters'],
    ['a deadlock of one', 506, transactions('1.1.0.run'), 'Condemn.cycle must name 2 to 64 transactions'],
    ['a deadlock of too many', 506, transactions(...many), 'Condemn.cycle must name 2 to 64 transactions'],
    ['a name that is too long', 506, transactions('x'.repeat(257)), 'must have 1 to 256 characters'],
  ])('%s is refused', (_what, tag, fill, reason) => {
    const bytes = raw((writer) => nested(writer, tag, fill));

    expect(reasonOf(decodeNodeMessage(bytes))).toContain(reason);
  });

  it('an empty record is refused', () => {
    expect(reasonOf(decodeStored(new Uint8Array(0)))).toContain('holds nothing that this version knows');
  });

  it.each([0, 129])('a request id of %d characters is refused', (length) => {
    expect(reasonOf(decodeCommand(command({ requestId: 'x'.repeat(length) })))).toContain(
      `Command.request_id must have 1 to 128 characters, but has ${length}`,
    );
  });

  it('a command from node 0 is refused', () => {
    expect(reasonOf(decodeCommand(command({ node: 0 })))).toContain('Command.stamped_at is missing');
  });

  it('a command of an operation that is not known is refused', () => {
    const operation: Fill = (writer) => nested(writer, 23 * 8 + 2, (it) => it.uint32(10).string('k'));

    expect(reasonOf(decodeCommand(command({ operation })))).toContain(
      'holds no operation that this version knows',
    );
  });

  it('a command that takes something, but reserves nothing, is refused', () => {
    const operation: Fill = (writer) => {
      nested(writer, 42, (del) => del.uint32(10).string('k'));
      nested(writer, 170, (block) => block.uint32(8).uint32(1));
    };

    expect(reasonOf(decodeCommand(command({ operation })))).toContain('but the operation is Delete');
  });

  it('a command that trims the past beside a write is refused', () => {
    const operation: Fill = (writer) => {
      nested(writer, 42, (del) => del.uint32(10).string('k'));
      nested(writer, 442, (trim) => trim.uint32(24).uint32(1));
    };

    expect(reasonOf(decodeCommand(command({ operation })))).toContain(
      'Command.trim is there, but the operation is Delete',
    );
  });

  const name = (writer: protobufjs.Writer): protobufjs.Writer => writer.uint32(10).string('k');
  const owner = (writer: protobufjs.Writer): protobufjs.Writer => writer.uint32(18).bytes(Uint8Array.of(1));

  it.each<[string, number, Fill, string]>([
    ['a time to live that is too long', 34, (w) => name(w).uint32(48).uint32(0x8000_0000), 'Set.expires_ms'],
    ['an extension without a time to live', 66, name, 'Extend.expires_ms'],
    ['a page of no keys', 74, name, 'Scan.limit'],
    ['a scan of everything', 74, (w) => w.uint32(40).uint32(1), 'Scan.prefix is missing or empty'],
    ['a lock without a name', 106, () => undefined, 'the resource of a lock is missing'],
    ['a lock without an owner', 82, name, 'the owner of a lock is missing or empty'],
    [
      'an owner without bytes',
      98,
      (w) => name(w).uint32(18).bytes(new Uint8Array(0)),
      'the owner of a lock is missing or',
    ],
    ['a lock without a lease', 82, (w) => owner(name(w)), 'the lease of a lock'],
    [
      'a lease that is too long',
      90,
      (w) =>
        owner(name(w))
          .uint32(24)
          .uint32(2 ** 31),
      'the lease of a lock',
    ],
    ['a sequence without an increment', 114, name, 'CreateSequence.increment'],
    ['a sequence without a name', 146, () => undefined, 'the name of a sequence is missing'],
    ['a reservation of nothing', 130, name, 'ReserveSequence.count'],
    ['an unknown read mode', 50, (w) => name(w).uint32(160).uint32(9), 'the mode of a read is 9'],
  ])('%s is refused', (_what, tag, fill, words) => {
    const operation: Fill = (writer) => nested(writer, tag, fill);

    expect(reasonOf(decodeCommand(command({ operation })))).toContain(words);
  });

  it('an unknown flag is refused', () => {
    const operation: Fill = (writer) =>
      nested(writer, 34, (set) => set.uint32(10).string('k').uint32(24).uint32(64));

    expect(reasonOf(decodeCommand(command({ operation })))).toContain('Set.flags is 64, above 63');
  });

  it('an empty key is refused', () => {
    const operation: Fill = (writer) => nested(writer, 42, () => undefined);

    expect(reasonOf(decodeCommand(command({ operation })))).toContain('Delete.key is missing or empty');
  });

  it('a text that is not UTF-8 is refused', () => {
    const operation: Fill = (writer) =>
      nested(writer, 42, (del) => del.uint32(10).bytes(Uint8Array.of(0xff, 0xfe)));

    expect(reasonOf(decodeCommand(command({ operation })))).toContain('is cut short or not UTF-8');
  });

  it.each([
    ['Outcome', 10, 5],
    ['Page', 34, 5],
    ['LockOutcome', 42, 5],
    ['SequenceOutcome', 50, 7],
  ])('an unknown code of %s is refused', (what, tag, code) => {
    const bytes = raw((writer) => {
      writer.uint32(8).uint32(1);
      nested(writer, 106, (answer) => {
        answer.uint32(10).string('r');
        nested(answer, 18, (executed) => nested(executed, tag, (outcome) => outcome.uint32(8).uint32(code)));
      });
    });

    expect(reasonOf(decodeNodeMessage(bytes))).toContain(`${what}.code ${code} is unknown`);
  });

  it('an append that passes the last index is refused', () => {
    const bytes = raw((writer) => {
      writer.uint32(8).uint32(1);
      nested(writer, 50, (append) => {
        append.uint32(16).uint64(Number.MAX_SAFE_INTEGER);
        nested(append, 34, (entry) => entry.uint32(8).uint32(1));
      });
    });

    expect(reasonOf(decodeNodeMessage(bytes))).toContain('passes 2^53 - 1');
  });

  it('a part that is longer than the whole is refused', () => {
    const bytes = raw((writer) => writer.uint32(8).uint32(1).uint32(74).uint32(100).uint32(8).uint32(1));

    expect(reasonOf(decodeNodeMessage(bytes))).toContain('does not fit into what is left');
  });

  describe('in a snapshot', () => {
    const read = (fill: Fill) => decodeChunk(NO_CHUNKS, raw(fill));
    const keyEntry =
      (key: string): Fill =>
      (entry) => {
        entry.uint32(10).string(key);
        nested(entry, 42, (stamp) => stamp.uint32(8).uint32(1));
      };
    const retry =
      (requestId: string, index: number): Fill =>
      (record) => {
        record.uint32(10).string(requestId).uint32(16).uint32(index);
        nested(record, 34, () => undefined);
      };

    it('keys out of order are refused', () => {
      const chunk = read((state) => {
        nested(state, 10, keyEntry('b'));
        nested(state, 10, keyEntry('a'));
      });

      expect(reasonOf(chunk)).toContain('not in ascending order');
    });

    it('keys out of order are refused across chunks', () => {
      const first = read((state) => nested(state, 10, keyEntry('b')));

      expect(first.ok).toBe(true);
      const second = raw((state) => nested(state, 10, keyEntry('a')));
      expect(reasonOf(decodeChunk(first.ok ? first.value : NO_CHUNKS, second))).toContain(
        'not in ascending order',
      );
    });

    it('a request that was applied in the future is refused', () => {
      const chunk = read((state) => {
        nested(state, 18, retry('r', 6));
        nested(state, 26, (head) => head.uint32(8).uint32(5));
      });

      expect(reasonOf(chunk)).toContain('RetryRecords are at 6 to 6, but must lie after 0 and not after 5');
    });

    it('a request that should be forgotten is refused', () => {
      const chunk = read((state) => {
        nested(state, 18, retry('r', 2));
        nested(state, 26, (head) => head.uint32(8).uint32(5).uint32(32).uint32(2));
      });

      expect(reasonOf(chunk)).toContain('must lie after 2');
    });

    it('a request that is there twice is refused', () => {
      const chunk = read((state) => {
        nested(state, 18, retry('r', 3));
        nested(state, 18, retry('r', 4));
      });

      expect(reasonOf(chunk)).toContain('the request id of the RetryRecord at 4 is there twice');
    });

    it('requests out of order are refused', () => {
      const chunk = read((state) => {
        nested(state, 18, retry('r', 3));
        nested(state, 18, retry('s', 3));
      });

      expect(reasonOf(chunk)).toContain('a RetryRecord is at 3, but comes after 3');
    });

    const stamp: Fill = (inside) => inside.uint32(8).uint32(1);
    const lock =
      (resource: string, fill: Fill = () => undefined): Fill =>
      (entry) => {
        entry.uint32(10).string(resource);
        fill(entry);
        nested(entry, 66, stamp);
      };
    const sequence =
      (name: string): Fill =>
      (entry) =>
        nested(entry, 10, (record) => record.uint32(10).string(name).uint32(32).uint32(1));

    it('the examples themselves are good', () => {
      const chunk = read((state) => {
        nested(state, 10, keyEntry('a'));
        nested(state, 34, lock('a'));
        nested(state, 42, sequence('a'));
      });

      expect(chunk.ok).toBe(true);
    });

    it.each<[string, number, (name: string) => Fill]>([
      ['locks', 34, lock],
      ['sequences', 42, sequence],
    ])('%s out of order are refused, also across chunks', (what, tag, entry) => {
      const first = read((state) => nested(state, tag, entry('b')));
      const second = raw((state) => nested(state, tag, entry('a')));
      const both = read((state) => {
        nested(state, tag, entry('b'));
        nested(state, tag, entry('b'));
      });

      expect(reasonOf(both)).toContain(`the ${what} of a state are not in ascending order`);
      expect(reasonOf(decodeChunk(first.ok ? first.value : NO_CHUNKS, second))).toContain(
        `the ${what} of a state are not in ascending order`,
      );
    });

    /** A page of the key `a` with the revisions 0 to 3, but for what is filled in after it. */
    const page =
      (fill: Fill = () => undefined): Fill =>
      (record) => {
        record.uint32(10).string('a').uint32(24).uint32(3);
        nested(record, 42, (at) => at.uint32(8).uint32(1).uint32(16).uint32(1));
        nested(record, 50, (at) => at.uint32(8).uint32(1).uint32(16).uint32(2));
        nested(record, 58, versionsAt(FIRST_PAGE));
        fill(record);
      };
    const versionsAt =
      (index: number): Fill =>
      (reference) =>
        reference.uint32(8).uint64(index).uint32(26).bytes(new Uint8Array(32));
    /** A whole state with the key at revision 4. */
    const withPages = (...pages: readonly Fill[]): Decoded<unknown> =>
      read((state) => {
        nested(state, 10, (entry) => {
          keyEntry('a')(entry);
          entry.uint32(24).uint32(4);
        });
        for (const one of pages) nested(state, 410, one);
        nested(state, 26, (head) => head.uint32(8).uint32(9).uint32(416).uint32(1));
      });

    it('the example of a page is good', () => {
      expect(withPages(page()).ok).toBe(true);
    });

    it('pages out of order are refused, also across chunks', () => {
      const first = read((state) => nested(state, 410, page()));
      const second = raw((state) => nested(state, 410, page()));

      expect(reasonOf(withPages(page(), page()))).toContain(
        'the pages of a state are not in ascending order',
      );
      expect(reasonOf(decodeChunk(first.ok ? first.value : NO_CHUNKS, second))).toContain(
        'the pages of a state are not in ascending order',
      );
    });

    it.each<[string, Fill, string]>([
      ['of no key', (w) => w.uint32(10).string(''), 'PastPage.key'],
      ['of a key that is not there', (w) => w.uint32(10).string('b'), 'but the key has come to -1'],
      ['of revisions that are still to come', (w) => w.uint32(24).uint32(4), 'the key has come to 4'],
      ['that ends before it begins', (w) => w.uint32(16).uint32(4), 'PastPage.newest is 3'],
      ['that follows itself', (w) => w.uint32(32).uint32(0), 'PastPage.before is 0, but the oldest is 0'],
      [
        'that was superseded before it was written',
        (w) => nested(w, 50, (at) => at.uint32(8).uint32(1).uint32(16).uint32(1)),
        'a PastPage ends before it begins',
      ],
      ['named like a value', (w) => nested(w, 58, versionsAt(7)), 'is named 7, but 1 were written'],
      ['that was never written', (w) => nested(w, 58, versionsAt(FIRST_PAGE + 1)), 'but 1 were written'],
    ])('a page %s is refused', (_what, fill, words) => {
      expect(reasonOf(withPages(page(fill)))).toContain(words);
    });

    it('a page of no time, or whose versions are nowhere, is refused', () => {
      const bare = (fill: Fill): Decoded<unknown> => withPages((w) => fill(w.uint32(10).string('a')));

      expect(reasonOf(bare(() => undefined))).toContain('PastPage.versions is missing');
      expect(reasonOf(bare((w) => nested(w, 58, versionsAt(FIRST_PAGE))))).toContain(
        'PastPage.since is missing',
      );
    });

    it('versions of a page out of order are refused', () => {
      const version: Fill = (w) => nested(w, 34, (at) => at.uint32(8).uint32(1));
      const bytes = raw((w) => {
        nested(w, 10, version);
        nested(w, 10, version);
      });

      expect(reasonOf(decodeVersions(bytes))).toContain('in PageVersions.versions, 0 comes after 0');
    });

    it.each<[string, Fill, string]>([
      ['a time to live from nowhere', (w) => w.uint32(64).uint32(5), 'but armed_at is 0'],
      ['a time to live of nothing', (w) => w.uint32(72).uint32(5), 'KeyEntry.expires_ms is 0'],
      [
        'a tombstone with a time to live',
        (w) => w.uint32(32).bool(true).uint32(64).uint32(5).uint32(72).uint32(5),
        'a KeyEntry is over, but has a time to live',
      ],
      [
        'a tombstone with a value',
        (w) => w.uint32(18).bytes(Uint8Array.of(1)).uint32(32).bool(true),
        'but has a value',
      ],
      [
        'a history that is not older',
        (w) => nested(w, 82, (version) => nested(version, 34, stamp)),
        'in KeyEntry.history, 0 comes after 0',
      ],
      [
        'a version without a time',
        (w) => nested(w.uint32(24).uint32(1), 82, () => undefined),
        'KeyVersion.last_modified is missing',
      ],
    ])('a key that has %s is refused', (_what, fill, words) => {
      const chunk = read((state) =>
        nested(state, 10, (entry) => {
          keyEntry('a')(entry);
          fill(entry);
        }),
      );

      expect(reasonOf(chunk)).toContain(words);
    });

    it.each<[string, Fill, string]>([
      ['a lease without an owner', (w) => w.uint32(32).uint32(5).uint32(40).uint32(5), 'nobody who holds it'],
      ['an owner without a lease', (w) => w.uint32(18).bytes(Uint8Array.of(1)), 'the other way round'],
      ['lapsed, though nobody held it', (w) => w.uint32(56).bool(true), 'its owner is missing'],
    ])('a lock that has %s is refused', (_what, fill, words) => {
      expect(reasonOf(read((state) => nested(state, 34, lock('a', fill))))).toContain(words);
    });

    const intent = (name: string, key: string): Fill => {
      return (prepared) => {
        prepared.uint32(10).string(name).uint32(16).uint32(1);
        nested(prepared, 26, (at) => at.uint32(8).uint32(1));
        prepared.uint32(32).uint32(2);
        nested(prepared, 42, (write) =>
          write.uint32(8).uint32(2).uint32(18).string(key).uint32(32).uint32(1),
        );
      };
    };
    const record = (name: string, state: number, index: number): Fill => {
      return (it) => {
        it.uint32(10).string(name).uint32(16).uint32(state);
        if (state <= 2) nested(it, 26, (at) => at.uint32(8).uint32(1));
        it.uint32(48).uint32(index);
      };
    };
    const headAt = (applied: number, forgotten: number): Fill => {
      return (state) => nested(state, 26, (it) => it.uint32(8).uint32(applied).uint32(32).uint32(forgotten));
    };

    it.each<[string, readonly [number, Fill][], Fill | undefined, string]>([
      [
        'two intents on a key',
        [
          [50, intent('a', 'k')],
          [50, intent('b', 'k')],
        ],
        undefined,
        'two intents',
      ],
      [
        'no order',
        [
          [50, intent('b', 'k')],
          [50, intent('a', 'l')],
        ],
        undefined,
        'not in ascending order',
      ],
      ['no time', [[50, (w) => w.uint32(10).string('a')]], undefined, 'prepared_at is missing'],
      ['an open abort', [[58, record('a', 3, 2)]], undefined, 'is open, but Aborted'],
      ['a closed doubt', [[66, record('a', 1, 2)]], undefined, 'closed, but Undecided'],
      ['an unknown state', [[66, record('a', 5, 2)]], undefined, 'state 5 is unknown'],
      [
        'open and closed',
        [
          [58, record('a', 2, 2)],
          [66, record('a', 2, 3)],
        ],
        undefined,
        'open and closed',
      ],
      [
        'one index twice',
        [
          [66, record('a', 3, 2)],
          [66, record('b', 3, 2)],
        ],
        undefined,
        'closed at 2',
      ],
      ['what is to come', [[50, intent('a', 'k')]], headAt(1, 0), 'not after 1'],
      ['what is forgotten', [[66, record('a', 3, 2)]], headAt(9, 2), 'must lie after 2'],
    ])('transactions with %s are refused', (_what, parts, head, words) => {
      const chunk = read((state) => {
        for (const [tag, fill] of parts) nested(state, tag, fill);
        head?.(state);
      });

      expect(reasonOf(chunk)).toContain(words);
    });

    it('a retry record of a page, which nothing remembers, is refused', () => {
      const chunk = read((state) =>
        nested(state, 18, (record) => {
          record.uint32(10).string('r').uint32(16).uint32(3);
          nested(record, 66, () => undefined);
        }),
      );

      expect(reasonOf(chunk)).toContain('RetryRecord holds no outcome that this version knows');
    });

    it('a digest of more than 32 bits is refused', () => {
      const chunk = read((state) => nested(state, 26, (head) => head.uint32(24).sint64(2 ** 31)));

      expect(reasonOf(chunk)).toContain('not a signed 32-bit number');
    });
  });

  it('unknown fields are passed over', () => {
    const bytes = heartbeat((writer) => {
      writer.uint32(8).uint32(3);
      writer.uint32(15 * 8).uint64(2 ** 60);
      writer.uint32(15 * 8 + 1).fixed64(1);
      writer.uint32(15 * 8 + 2).string('from the future');
      writer.uint32(15 * 8 + 5).fixed32(1);
      writer.uint32(24).uint32(7);
    });

    expect(decodeNodeMessage(bytes)).toEqual({
      ok: true,
      value: { type: 'Group', group: 1, message: { type: 'Heartbeat', term: 3, commit: 0, round: 7 } },
    });
  });
});
