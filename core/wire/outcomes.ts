/**
 * Outcomes of operations on keys: of one, and of a page.
 *
 * Which field of the message around it an outcome is says what family it is of; see `Executed` and `RetryRecord`.
 */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { Revision } from '../machine/units.js';
import {
  KeyValueCode,
  type KeyValueOutcome,
  type PageItem,
  type PageOutcome,
  type Value,
} from '../partition/command.js';
import {
  malformed,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedKey, readTimestamp, readValue, writeTimestamp } from './values.js';

export function writeOutcome(writer: Writer, outcome: KeyValueOutcome): void {
  writeUnsigned(writer, 8, outcome.code);
  writeSigned(writer, 16, outcome.revision);
  writeOptionalBytes(writer, 26, outcome.value);
  writeTimestamp(writer, 34, outcome.lastModified);
  if (outcome.expires !== undefined) writeTimestamp(writer, 42, outcome.expires);
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(KeyValueCode));

function checkedCode(reader: Reader, code: number, what: string): KeyValueCode {
  if (!KNOWN_CODES.has(code)) malformed(reader, `${what} ${code} is unknown`);
  return code as KeyValueCode;
}

export function readOutcome(reader: Reader): KeyValueOutcome {
  let code = 0;
  let revision = 0;
  let value: Value = null;
  let lastModified = ZERO_TIMESTAMP;
  let expires = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'Outcome.code');
        break;
      case 16:
        revision = readSigned(reader, 'Outcome.revision');
        break;
      case 26:
        value = readValue(reader, 'Outcome.value');
        break;
      case 34:
        lastModified = readTimestamp(reader);
        break;
      case 42:
        expires = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (revision < -1) malformed(reader, `Outcome.revision is ${revision}, below -1`);
  const outcome = {
    code: checkedCode(reader, code, 'Outcome.code'),
    revision: revision as Revision,
    value,
    lastModified,
  };
  return expires.node === 0 ? outcome : { ...outcome, expires };
}

export function writePage(writer: Writer, page: PageOutcome): void {
  writeUnsigned(writer, 8, page.code);
  for (const item of page.items) writeNested(writer, 18, item, writeItem);
  writeBool(writer, 24, page.hasMore);
  writeText(writer, 34, page.lastKey);
  writeTimestamp(writer, 42, page.at);
}

export function readPage(reader: Reader): PageOutcome {
  let code = 0;
  const items: PageItem[] = [];
  let hasMore = false;
  let lastKey = '';
  let at = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'Page.code');
        break;
      case 18:
        items.push(readNested(reader, readItem));
        break;
      case 24:
        hasMore = readUnsigned(reader, 'Page.has_more') !== 0;
        break;
      case 34:
        lastKey = readText(reader, 'Page.last_key');
        break;
      case 42:
        at = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { family: 'page', code: checkedCode(reader, code, 'Page.code'), items, hasMore, lastKey, at };
}

function writeItem(writer: Writer, item: PageItem): void {
  writeText(writer, 10, item.key);
  writeOptionalBytes(writer, 18, item.value);
  writeUnsigned(writer, 24, item.revision);
  writeTimestamp(writer, 34, item.lastModified);
  if (item.expires !== undefined) writeTimestamp(writer, 42, item.expires);
}

function readItem(reader: Reader): PageItem {
  let key = '';
  let value: Value = null;
  let revision = 0;
  let lastModified = ZERO_TIMESTAMP;
  let expires = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'PageItem.key');
        break;
      case 18:
        value = readValue(reader, 'PageItem.value');
        break;
      case 24:
        revision = readUnsigned(reader, 'PageItem.revision');
        break;
      case 34:
        lastModified = readTimestamp(reader);
        break;
      case 42:
        expires = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'PageItem.key');
  const item = { key, value, revision: revision as Revision, lastModified };
  return expires.node === 0 ? item : { ...item, expires };
}
