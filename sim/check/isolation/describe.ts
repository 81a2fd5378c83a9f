/** Transactions and values as they are shown to people. */
import { show } from './facts.js';
import type { Element, MicroOperation, Transaction } from './history.js';

const elementsShown = 12;

export function showList(values: readonly Element[]): string {
  const shown = values.slice(-elementsShown).map(show).join(' ');
  return values.length > elementsShown ? `[… ${shown}]` : `[${shown}]`;
}

const operationsShown = 12;

/** `T3 (client c1, 0 to 7): read "x" as [1 2]; appended 4 to "y".` */
export function describeTransaction({
  id,
  client,
  outcome,
  invokedAt,
  answeredAt,
  operations,
}: Transaction): string {
  const end = outcome === 'committed' && answeredAt !== undefined ? `${answeredAt}` : 'unknown';
  const shown = operations.slice(0, operationsShown).map(describeOperation);
  const more = operations.length > operationsShown ? ['…'] : [];
  return `T${id} (client ${client}, ${invokedAt} to ${end}): ${[...shown, ...more].join('; ')}.`;
}

function describeOperation(operation: MicroOperation): string {
  switch (operation.type) {
    case 'append':
      return `appended ${show(operation.value)} to ${show(operation.key)}`;
    case 'write':
      return `wrote ${show(operation.key)} = ${show(operation.value)}`;
    case 'list':
      return `read ${show(operation.key)}${operation.values === undefined ? '' : ` as ${showList(operation.values)}`}`;
    case 'read': {
      const { value } = operation;
      return `read ${show(operation.key)}${value === undefined ? '' : value === null ? ' as absent' : ` = ${show(value)}`}`;
    }
    case 'scan': {
      const found = operation.found?.map(([key, value]) => `${show(key)} = ${show(value)}`).join(', ');
      return `scanned ${show(operation.prefix)}${found === undefined ? '' : ` and found ${found === '' ? 'nothing' : found}`}`;
    }
  }
}
