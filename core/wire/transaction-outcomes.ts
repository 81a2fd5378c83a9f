/** What coordinators are told, and what they have in common with the records of a state: who takes part. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { GroupId, Revision } from '../machine/units.js';
import type { KeyValueOutcome } from '../partition/command.js';
import {
  TransactionCode,
  type CommittedKey,
  type Participant,
  type TransactionId,
  type TransactionOutcome,
} from '../partition/transaction-command.js';
import { MAX_TRANSACTION_ID_LENGTH } from '../partition/validate-transaction.js';
import { ephemeralIf, EPHEMERAL, writeEphemeral } from './key-operations.js';
import {
  keepable,
  malformed,
  positive,
  readList,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeList,
  writeNested,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readOutcome, writeOutcome } from './outcomes.js';
import { checkedKey, readTimestamp, writeTimestamp } from './values.js';

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(TransactionCode));

/** The text as the name of a transaction, or as what such names begin with. */
export function checkedTransaction(reader: Reader, text: string, what: string): TransactionId {
  if (text.length === 0 || text.length > MAX_TRANSACTION_ID_LENGTH) {
    malformed(
      reader,
      `${what} must have 1 to ${MAX_TRANSACTION_ID_LENGTH} characters, but has ${text.length}`,
    );
  }
  return text as TransactionId;
}

export function writeParticipant(writer: Writer, participant: Participant): void {
  writeUnsigned(writer, 8, participant.group);
  writeEphemeral(writer, participant);
}

export function readParticipant(reader: Reader): Participant {
  let group = 0;
  let ephemeral = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 8) group = readUnsigned(reader, 'Participant.group');
    else if (tag === EPHEMERAL) ephemeral = readUnsigned(reader, 'Participant.ephemeral');
    else skipField(reader, tag);
  }
  return { group: positive(reader, group, 'Participant.group') as GroupId, ...ephemeralIf(ephemeral) };
}

export function writeTransactionOutcome(writer: Writer, outcome: TransactionOutcome): void {
  const { code, at, participants, revisions, blocker, blockerAnchor, keys } = outcome;
  writeUnsigned(writer, 8, code);
  if (at !== undefined) writeTimestamp(writer, 18, at);
  for (const participant of participants ?? []) writeNested(writer, 26, participant, writeParticipant);
  writeList(writer, 34, revisions ?? []);
  writeText(writer, 42, blocker ?? '');
  writeUnsigned(writer, 48, blockerAnchor ?? 0);
  writeBool(writer, 56, participants !== undefined);
  writeBool(writer, 64, revisions !== undefined);
  for (const key of keys ?? []) writeNested(writer, 74, key, writeCommittedKey);
  writeBool(writer, 80, keys !== undefined);
}

export function readTransactionOutcome(reader: Reader): TransactionOutcome {
  let code = 0;
  let at = ZERO_TIMESTAMP;
  const participants: Participant[] = [];
  let revisions: readonly number[] = [];
  let blocker = '';
  let blockerAnchor = 0;
  let tellsParticipants = false;
  let tellsRevisions = false;
  const keys: CommittedKey[] = [];
  let tellsKeys = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'TransactionOutcome.code');
        break;
      case 18:
        at = readTimestamp(reader);
        break;
      case 26:
        participants.push(readNested(reader, readParticipant));
        break;
      case 34:
        revisions = readList(reader, 'TransactionOutcome.revisions');
        break;
      case 42:
        blocker = readText(reader, 'TransactionOutcome.blocker');
        break;
      case 48:
        blockerAnchor = readUnsigned(reader, 'TransactionOutcome.blocker_anchor');
        break;
      case 56:
        tellsParticipants = readUnsigned(reader, 'TransactionOutcome.tells_participants') !== 0;
        break;
      case 64:
        tellsRevisions = readUnsigned(reader, 'TransactionOutcome.tells_revisions') !== 0;
        break;
      case 74:
        keys.push(readNested(reader, readCommittedKey));
        break;
      case 80:
        tellsKeys = readUnsigned(reader, 'TransactionOutcome.tells_keys') !== 0;
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `TransactionOutcome.code ${code} is unknown`);
  return {
    family: 'transaction',
    code: code as TransactionCode,
    ...(at.node === 0 ? {} : { at }),
    ...(tellsParticipants ? { participants } : {}),
    ...(tellsRevisions ? { revisions: revisions as readonly Revision[] } : {}),
    ...(blocker === '' ? {} : { blocker: checkedTransaction(reader, blocker, 'TransactionOutcome.blocker') }),
    ...(blockerAnchor === 0 ? {} : { blockerAnchor: blockerAnchor as GroupId }),
    ...(tellsKeys ? { keys } : {}),
  };
}

function writeCommittedKey(writer: Writer, { key, outcome }: CommittedKey): void {
  writeText(writer, 10, key);
  writeNested(writer, 18, outcome, writeOutcome);
}

function readCommittedKey(reader: Reader): CommittedKey {
  let key = '';
  let outcome: KeyValueOutcome | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'CommittedKey.key');
    else if (tag === 18) outcome = readNested(reader, readOutcome);
    else skipField(reader, tag);
  }
  checkedKey(reader, key, 'CommittedKey.key');
  if (outcome === undefined) malformed(reader, 'CommittedKey.outcome is missing');
  // Whoever is told keeps it for a while: that must not keep the whole frame.
  return outcome.value === null
    ? { key, outcome }
    : { key, outcome: { ...outcome, value: keepable(outcome.value) } };
}
