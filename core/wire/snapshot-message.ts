/** What two nodes say to each other while one sends the other a snapshot. */

import type { LogIndex, Term } from '../machine/units.js';
import type { CarriedValue, SnapshotAnswer, SnapshotChunk } from '../node/protocol.js';
import type { Configuration } from '../raft/configuration.js';
import { readConfiguration, writeConfiguration } from './configuration.js';
import {
  keepable,
  malformed,
  positive,
  readNested,
  readNumbers,
  readDigest,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readKeptApart } from './values.js';

const NO_BYTES = new Uint8Array(0);

export function writeSnapshotChunk(writer: Writer, chunk: SnapshotChunk): void {
  writeUnsigned(writer, 8, chunk.term);
  writeUnsigned(writer, 16, chunk.index);
  writeUnsigned(writer, 24, chunk.snapshotTerm);
  writeUnsigned(writer, 32, chunk.number);
  writeOptionalBytes(writer, 42, chunk.bytes.length === 0 ? null : chunk.bytes);
  writeSigned(writer, 48, chunk.digest);
  writeBool(writer, 56, chunk.last);
  writeNested(writer, 66, chunk.config, writeConfiguration);
  for (const value of chunk.values ?? []) writeNested(writer, 74, value, writeCarriedValue);
}

export function readSnapshotChunk(reader: Reader): Omit<SnapshotChunk, 'group'> {
  let term = 0;
  let index = 0;
  let snapshotTerm = 0;
  let number = 0;
  let bytes: Uint8Array = NO_BYTES;
  let digest = 0;
  let last = false;
  let config: Configuration | undefined;
  const values: CarriedValue[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        term = readUnsigned(reader, 'SnapshotChunk.term');
        break;
      case 16:
        index = readUnsigned(reader, 'SnapshotChunk.index');
        break;
      case 24:
        snapshotTerm = readUnsigned(reader, 'SnapshotChunk.snapshot_term');
        break;
      case 32:
        number = readUnsigned(reader, 'SnapshotChunk.number');
        break;
      case 42:
        bytes = keepable(reader.bytes());
        break;
      case 48:
        digest = readDigest(reader, 'SnapshotChunk.digest');
        break;
      case 56:
        last = readUnsigned(reader, 'SnapshotChunk.last') !== 0;
        break;
      case 66:
        config = readNested(reader, readConfiguration);
        break;
      case 74:
        values.push(readNested(reader, readCarriedValue));
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (config === undefined) malformed(reader, 'SnapshotChunk.config is missing');
  return {
    type: 'SnapshotChunk',
    term: term as Term,
    index: positive(reader, index, 'SnapshotChunk.index') as LogIndex,
    snapshotTerm: snapshotTerm as Term,
    config,
    number,
    bytes,
    digest,
    last,
    ...(values.length === 0 ? {} : { values }),
  };
}

function writeCarriedValue(writer: Writer, { index, bytes }: CarriedValue): void {
  writeUnsigned(writer, 8, index);
  writeOptionalBytes(writer, 18, bytes.length === 0 ? null : bytes);
}

function readCarriedValue(reader: Reader): CarriedValue {
  let index = 0;
  let bytes: Uint8Array = NO_BYTES;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        index = readUnsigned(reader, 'CarriedValue.index');
        break;
      case 18:
        bytes = keepable(readKeptApart(reader, 'CarriedValue.bytes'));
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { index: positive(reader, index, 'CarriedValue.index') as LogIndex, bytes };
}

export function writeSnapshotAnswer(writer: Writer, answer: SnapshotAnswer): void {
  writeUnsigned(writer, 8, answer.term);
  writeUnsigned(writer, 16, answer.index);
  writeUnsigned(writer, 24, answer.snapshotTerm);
  writeUnsigned(writer, 32, answer.chunks);
  writeBool(writer, 40, answer.asked);
  writeBool(writer, 48, answer.busy);
}

const SNAPSHOT_ANSWER = [
  'SnapshotAnswer.term',
  'SnapshotAnswer.index',
  'SnapshotAnswer.snapshot_term',
  'SnapshotAnswer.chunks',
  'SnapshotAnswer.asked',
  'SnapshotAnswer.busy',
];

export function readSnapshotAnswer(reader: Reader): Omit<SnapshotAnswer, 'group'> {
  const [term = 0, index = 0, snapshotTerm = 0, chunks = 0, asked, busy] = readNumbers(
    reader,
    SNAPSHOT_ANSWER,
  );
  return {
    type: 'SnapshotAnswer',
    term: term as Term,
    index: positive(reader, index, 'SnapshotAnswer.index') as LogIndex,
    snapshotTerm: snapshotTerm as Term,
    chunks,
    asked: asked !== 0,
    busy: busy !== 0,
  };
}
