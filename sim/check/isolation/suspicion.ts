/** Findings about reads of single versions, in the words of either model. */
import { idOf, isAborted, show, writerOf, type Facts } from './facts.js';
import { find, type Findings } from './findings.js';
import { at } from './ints.js';

/** Reports a read of what an aborted transaction wrote, or of what its writer replaced itself. */
export function judgeRead(facts: Facts, findings: Findings, reader: number, version: number): void {
  const writer = writerOf(facts, version);
  if (isAborted(facts, writer)) reportAbortedRead(facts, findings, { reader, version });
  else if (facts.overwritten.items[version] === 1 && writer !== reader) {
    find(findings, 'G1b', () => ({
      transactions: [idOf(facts, writer), idOf(facts, reader)],
      explanation: [
        `T${idOf(facts, writer)} ${wrote(facts, version)}, and then wrote the key again.`,
        `T${idOf(facts, reader)} read the key in between, and saw ${show(facts.valueOf[version] ?? null)}.`,
      ],
    }));
  }
}

export function reportAbortedRead(
  facts: Facts,
  findings: Findings,
  { reader, version }: { readonly reader: number; readonly version: number },
): void {
  const writer = writerOf(facts, version);
  find(findings, 'G1a', () => ({
    transactions: [idOf(facts, writer), idOf(facts, reader)],
    explanation: [
      `T${idOf(facts, writer)} ${wrote(facts, version)}, and was aborted.`,
      `T${idOf(facts, reader)} read ${keyName(facts, version)} and saw ${show(facts.valueOf[version] ?? null)} in it.`,
    ],
  }));
}

export function reportDirtyUpdate(
  facts: Facts,
  findings: Findings,
  { aborted, version }: { readonly aborted: number; readonly version: number },
): void {
  const [victim, updater] = [writerOf(facts, aborted), writerOf(facts, version)];
  find(findings, 'dirty-update', () => ({
    transactions: [idOf(facts, victim), idOf(facts, updater)],
    explanation: [
      `T${idOf(facts, victim)} ${wrote(facts, aborted)}, and was aborted.`,
      `T${idOf(facts, updater)} ${wrote(facts, version)} on top of that, and was committed.`,
    ],
  }));
}

export function reportFutureRead(facts: Facts, findings: Findings, version: number): void {
  const transaction = writerOf(facts, version);
  find(findings, 'future-read', () => ({
    transactions: [idOf(facts, transaction)],
    explanation: [
      `T${idOf(facts, transaction)} ${wrote(facts, version)}, which it had read before it wrote it.`,
    ],
  }));
}

export function reportGarbage(
  facts: Facts,
  findings: Findings,
  { reader, key, value }: { readonly reader: number; readonly key: string; readonly value: number | string },
): void {
  find(findings, 'garbage-read', () => ({
    transactions: [idOf(facts, reader)],
    explanation: [`T${idOf(facts, reader)} saw ${show(value)} in ${show(key)}, which no transaction wrote.`],
  }));
}

export function reportDuplicate(
  facts: Facts,
  findings: Findings,
  { reader, key, value }: { readonly reader: number; readonly key: string; readonly value: number | string },
): void {
  find(findings, 'duplicate-elements', () => ({
    transactions: [idOf(facts, reader)],
    explanation: [
      `T${idOf(facts, reader)} read ${show(key)} with ${show(value)} in it twice, which was appended once.`,
    ],
  }));
}

export function reportInternal(facts: Facts, findings: Findings, transaction: number, what: string): void {
  find(findings, 'internal', () => ({
    transactions: [idOf(facts, transaction)],
    explanation: [`T${idOf(facts, transaction)} ${what}`],
  }));
}

/** "appended 3 to "x"" */
export function wrote(facts: Facts, version: number): string {
  const value = show(facts.valueOf[version] ?? null);
  return facts.model === 'list-append'
    ? `appended ${value} to ${keyName(facts, version)}`
    : `wrote ${keyName(facts, version)} = ${value}`;
}

export const keyName = (facts: Facts, version: number): string =>
  show(facts.keys[at(facts.keyOf.items, version)] ?? '');
