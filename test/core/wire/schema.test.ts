import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import protobufjs from 'protobufjs';
import { describe, expect, it, vi } from 'vitest';
import {
  decodeCommand,
  decodeFrame,
  decodeNodeMessage,
  decodeStored,
  decodeTransactionCall,
  encodeCommand,
  encodeFrame,
  encodeNodeMessage,
  encodeStored,
  encodeTransactionCall,
  type Decoded,
} from '../../../core/wire/index.js';
import {
  decodeChunk,
  encodeChunk,
  FIRST_CHUNK,
  NO_CHUNKS,
  wholeState,
} from '../../../core/wire/snapshot-chunk.js';
import { decodeVersions, encodeVersions } from '../../../core/wire/past.js';
import * as any from './arbitraries.js';
import {
  callObject,
  commandObject,
  frameObject,
  nodeMessageObject,
  partitionStateObject,
  storedObject,
  versionsObject,
} from './schema-objects.js';

// Properties try hundreds of values each; a busy machine may need longer than the usual five seconds.
vi.setConfig({ testTimeout: 60_000 });

const { root } = protobufjs.parse(
  readFileSync(new URL('../../../core/wire/wavetank.proto', import.meta.url), 'utf8'),
);

interface Codec<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Decoded<T>;
  readonly toObject: (value: T) => Record<string, unknown>;
}

/** Everything the schema read, defaults filled in; 64-bit numbers as text, so that none is rounded. */
function seen(type: protobufjs.Type, message: protobufjs.Message): unknown {
  return type.toObject(message, { longs: String, arrays: true, defaults: true, bytes: Array });
}

function agree<T>(typeName: string, values: fc.Arbitrary<T>, { encode, decode, toObject }: Codec<T>): void {
  const type = root.lookupType(`wavetank.v1.${typeName}`);

  it(`what is written as a ${typeName}, the schema reads with the same meaning`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const object = toObject(value);
        const bySchema = type.decode(encode(value));

        expect(type.verify(object)).toBeNull();
        expect(seen(type, bySchema)).toEqual(seen(type, type.fromObject(object)));
      }),
    );
  });

  it(`what the schema writes as a ${typeName} is read with the same meaning`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = type.encode(type.fromObject(toObject(value))).finish();
        const decoded = decode(bytes);

        expect(decoded.ok ? toObject(decoded.value) : decoded.reason).toEqual(toObject(value));
      }),
    );
  });
}

describe('the schema and the codecs agree', () => {
  agree('TransactionCall', any.transactionCall, {
    encode: encodeTransactionCall,
    decode: decodeTransactionCall,
    toObject: callObject,
  });
  agree('NodeMessage', any.nodeMessage, {
    encode: encodeNodeMessage,
    decode: decodeNodeMessage,
    toObject: nodeMessageObject,
  });
  agree('Frame', any.frame, { encode: encodeFrame, decode: decodeFrame, toObject: frameObject });
  agree('Stored', any.stored, { encode: encodeStored, decode: decodeStored, toObject: storedObject });
  agree('Command', any.command, { encode: encodeCommand, decode: decodeCommand, toObject: commandObject });

  agree('StateChunk', any.partitionState, {
    encode: (state) => encodeChunk(state, FIRST_CHUNK, Number.MAX_SAFE_INTEGER).bytes,
    decode: (bytes) => {
      const chunk = decodeChunk(NO_CHUNKS, bytes);
      if (!chunk.ok) return chunk;
      const value = wholeState(chunk.value);
      return value === undefined ? { ok: false, reason: 'not whole' } : { ok: true, value };
    },
    toObject: partitionStateObject,
  });

  agree('PageVersions', any.versions, {
    encode: encodeVersions,
    decode: decodeVersions,
    toObject: versionsObject,
  });

  it('every message of the schema is reached from one of those', () => {
    const reached = new Set<string>();
    const visit = (type: protobufjs.Type): void => {
      if (reached.has(type.name)) return;
      reached.add(type.name);
      for (const field of type.fieldsArray) {
        const fieldType = field.resolve().resolvedType;
        if (fieldType instanceof protobufjs.Type) visit(fieldType);
      }
    };
    for (const name of ['Frame', 'Stored', 'StateChunk', 'Command', 'PageVersions'])
      visit(root.lookupType(`wavetank.v1.${name}`));
    const all = root.lookup('wavetank.v1') as protobufjs.Namespace;

    expect(reached).toEqual(
      new Set(all.nestedArray.filter((each) => each instanceof protobufjs.Type).map((each) => each.name)),
    );
  });

  it('every field and message of the schema is documented or has a name that its message explains', () => {
    const { root: documented } = protobufjs.parse(
      readFileSync(new URL('../../../core/wire/wavetank.proto', import.meta.url), 'utf8'),
      { alternateCommentMode: true },
    );
    const all = documented.lookup('wavetank.v1') as protobufjs.Namespace;
    const bare = all.nestedArray
      .filter((each): each is protobufjs.Type => each instanceof protobufjs.Type)
      .filter((type) => type.comment === null && type.fieldsArray.every((field) => field.comment === null))
      .map((type) => type.name);

    // These answer the request that stands before them, or are named by the field that holds them.
    expect(bare.sort()).toEqual(['VoteAnswer']);
  });
});
