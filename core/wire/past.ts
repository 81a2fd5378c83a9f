/** Pages of the past: what a state knows of one, and the versions in it. */

import { compareTimestamps, ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { Revision } from '../machine/units.js';
import { MAX_VERSIONS_BYTES, NEVER_WRITTEN, type KeyVersion } from '../partition/key-entry.js';
import type { PastPage } from '../partition/past.js';
import type { ValueReference } from '../partition/value-reference.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  malformed,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeNested,
  writePresentUnsigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readVersion, writeVersion } from './state-records.js';
import { readReference, readReferenceUpTo, writeReference } from './value-reference.js';
import { checkedKey, readTimestamp, writeTimestamp } from './values.js';

export function encodeVersions(versions: readonly KeyVersion[]): Uint8Array {
  return encoded(versions, (writer) => {
    for (const version of versions) writeNested(writer, 10, version, writeVersion);
  });
}

/** The versions in the bytes of a page, newest first, or why they cannot be read; never throws. */
export function decodeVersions(bytes: Uint8Array): Decoded<readonly KeyVersion[]> {
  return decoded(bytes, 'a page of the past', (reader) => {
    const versions: KeyVersion[] = [];
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      if (tag === 10) versions.push(readNested(reader, readVersion));
      else skipField(reader, tag);
    }
    versions.forEach(({ revision }, i) => {
      const newer = versions[i - 1];
      if (newer !== undefined && newer.revision <= revision) {
        malformed(reader, `in PageVersions.versions, ${revision} comes after ${newer.revision}`);
      }
    });
    return versions;
  });
}

export function writePage(writer: Writer, page: PastPage): void {
  writeText(writer, 10, page.key);
  writeUnsigned(writer, 16, page.oldest);
  writeUnsigned(writer, 24, page.newest);
  if (page.before !== NEVER_WRITTEN) writePresentUnsigned(writer, 32, page.before);
  writeTimestamp(writer, 42, page.since);
  writeTimestamp(writer, 50, page.until);
  writeNested(writer, 58, page.versions, writeReference);
  for (const value of page.values) writeNested(writer, 66, value, writeReference);
}

export function readPage(reader: Reader): PastPage {
  let key = '';
  let oldest = 0;
  let newest = 0;
  let before: number = NEVER_WRITTEN;
  let since = ZERO_TIMESTAMP;
  let until = ZERO_TIMESTAMP;
  let versions: ValueReference | undefined;
  const values: ValueReference[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'PastPage.key');
        break;
      case 16:
        oldest = readUnsigned(reader, 'PastPage.oldest');
        break;
      case 24:
        newest = readUnsigned(reader, 'PastPage.newest');
        break;
      case 32:
        before = readUnsigned(reader, 'PastPage.before');
        break;
      case 42:
        since = readTimestamp(reader);
        break;
      case 50:
        until = readTimestamp(reader);
        break;
      case 58:
        versions = readNested(reader, readVersionsReference);
        break;
      case 66:
        values.push(readNested(reader, readReference));
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'PastPage.key');
  if (versions === undefined) malformed(reader, 'PastPage.versions is missing');
  if (newest < oldest) malformed(reader, `PastPage.newest is ${newest}, below the oldest, ${oldest}`);
  if (before >= oldest) malformed(reader, `PastPage.before is ${before}, but the oldest is ${oldest}`);
  if (since.node === 0) malformed(reader, 'PastPage.since is missing');
  if (compareTimestamps(until, since) <= 0) malformed(reader, 'a PastPage ends before it begins');
  const revisions = { oldest: oldest as Revision, newest: newest as Revision, before };
  return { key, ...revisions, since, until, versions, values };
}

function readVersionsReference(reader: Reader): ValueReference {
  return readReferenceUpTo(reader, MAX_VERSIONS_BYTES);
}
