/** What a request about backups must say, whether or not there are any (REST specification, section 12). */

import type { RequestReader } from '../request-reader.js';

/** Why a request makes no sense; undefined where it does. */
export type ProblemWith = (reader: RequestReader) => string | undefined;

const GUID = /^([0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})$/i;

/** @param id as text, which a wire may leave out where it has a default of its own for that. */
export function problemWithId(name: string, id: string | null): string | undefined {
  if (id === null || GUID.test(id)) return undefined;
  return `${name} must be a GUID, but is ${JSON.stringify(id)}`;
}

export const problemWithParent: ProblemWith = (reader) =>
  problemWithId('parentBackupId', reader.optionalText('parentBackupId'));

export const problemWithLeaf: ProblemWith = (reader) =>
  problemWithId('leafBackupId', reader.optionalText('leafBackupId'));

export const problemWithRestore: ProblemWith = (reader) =>
  problemWithLeaf(reader) ?? (reader.text('targetDir').trim() === '' ? 'targetDir is blank' : undefined);

/** Whoever does not say whether anything may be deleted is not asked to guess. */
export function problemWithDryRun(dryRun: unknown): string | undefined {
  const isSaid = typeof dryRun === 'string' && /^(true|false)$/i.test(dryRun);
  return isSaid ? undefined : 'dryRun must be said, as true or false: /v1/backups/gc?dryRun=true';
}
