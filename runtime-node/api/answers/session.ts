/** From the answers about sessions, their locks and scripts to JSON (REST specification, sections 6 and 7). */

import type { RunAnswer, ScriptEntry, SessionAnswer } from '../../../core/index.js';
import { bytesJson, reasonJson, timeJson } from './json.js';

export function startJson({ code, id, reason }: SessionAnswer): string {
  return `{"servedFrom":null,"type":${code},"transactionId":${timeJson(id)}${reasonJson(reason)}}`;
}

/** Of a commit or a rollback. */
export function endJson({ code, anchorKey, reason }: SessionAnswer): string {
  const anchor = JSON.stringify(anchorKey ?? null);
  return `{"servedFrom":null,"type":${code},"recordAnchorKey":${anchor}${reasonJson(reason)}}`;
}

/** Of taking a lock of a session, or giving it back. */
export function sessionLockJson({ code, holder, reason }: SessionAnswer): string {
  return `{"servedFrom":null,"type":${code},"holderTransactionId":${timeJson(holder)}${reasonJson(reason)}}`;
}

/** The first entry stands on the outside too, as it did before there were several. */
export function runJson({ code, entries, reason }: RunAnswer): string {
  const [first = NO_ENTRY] = entries;
  return (
    `{"servedFrom":null,"type":${code},"value":${bytesJson(first.value ?? null)},"revision":${first.revision},` +
    `"expires":${timeJson(first.expires)},"reason":${JSON.stringify(reason ?? null)},` +
    `"values":[${entries.map(entryJson).join(',')}]}`
  );
}

const NO_ENTRY: ScriptEntry = { revision: 0 };

function entryJson({ key, value, revision, expires, lastModified }: ScriptEntry): string {
  return (
    `{"key":${JSON.stringify(key ?? null)},"value":${bytesJson(value ?? null)},"revision":${revision},` +
    `"expires":${timeJson(expires)},"lastModified":${timeJson(lastModified)}}`
  );
}
