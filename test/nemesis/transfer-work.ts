/**
 * A client that moves money between accounts of different partitions, by scripts: every transfer leaves a receipt in the same
 * transaction, and now and then all accounts are added up in one. The sum never changes, and a receipt is there if and only if its
 * transfer was told to be done; where nobody could say, either may be.
 */

import { KeyValueCode, ScriptCode } from '../../core/index.js';
import { drawBelow, drawBetween, type Stream } from '../../sim/index.js';
import { unexpected, type Answer, type Asker, type Attempt } from './asking.js';

export interface TransferWorker {
  readonly number: number;
  readonly stream: Stream;
  readonly asker: Asker;
  readonly history: TransferEvent[];
}

export type TransferEvent = Transfer | Total;

interface Asked {
  readonly client: string;
  readonly invokedAt: number;
  readonly answeredAt: number | undefined;
}

/** One that was asked for once, whatever was told. */
export interface Transfer extends Asked {
  readonly type: 'transfer';
  readonly receipt: string;
  readonly told: 'moved' | 'poor' | 'aborted' | undefined;
  /** Whether the receipt was there in the end. */
  readonly stands?: boolean;
}

export interface Total extends Asked {
  readonly type: 'total';
  readonly sum: number | undefined;
}

const ACCOUNTS = 8;
const EACH = 100;
/** What all accounts hold together, for ever. */
export const ALL_MONEY = ACCOUNTS * EACH;
const MOST_MOVED = 30;
const RECEIPTS_AT_ONCE = 16;

/** Names without a slash are spread over the partitions. */
const accountOf = (i: number): string => `nemesis-account-${i}`;

export async function openAccounts({ asker }: Pick<TransferWorker, 'asker'>): Promise<void> {
  const text = Array.from({ length: ACCOUNTS }, (_, i) => `set "${accountOf(i)}" ${EACH}`).join('\n');
  const { answer } = await asker.untilAnswered(RUN, scriptOf(text));
  if (answer.type !== ScriptCode.set) throw unexpected('opening the accounts', answer);
}

const RUN = '/v1/kv/try-execute-tx-script';

function scriptOf(text: string): Readonly<Record<string, unknown>> {
  return { script: Buffer.from(text).toString('base64'), parameters: [], priority: 2 };
}

/** @returns whether there was an answer. */
export async function workOnTransfers(worker: TransferWorker, count: number): Promise<boolean> {
  const { stream } = worker;
  return drawBelow(stream, 100, count) < 25 ? addUp(worker) : transfer(worker, count);
}

async function transfer({ number, stream, asker, history }: TransferWorker, count: number): Promise<boolean> {
  const from = drawBelow(stream, ACCOUNTS, count, 1);
  const to = (from + 1 + drawBelow(stream, ACCOUNTS - 1, count, 2)) % ACCOUNTS;
  const amount = drawBetween(stream, 1, MOST_MOVED, count, 3);
  const receipt = `nemesis-receipt-${number}-${count}`;
  const isOptimistic = drawBelow(stream, 2, count, 4) === 0;
  const attempt = await asker.once(RUN, scriptOf(transferText(from, to, amount, receipt, isOptimistic)));
  const { invokedAt, answeredAt, answer } = attempt;
  const told = answer === undefined ? undefined : toldOf(answer);
  history.push({ type: 'transfer', client: `t${number}`, receipt, invokedAt, answeredAt, told });
  return told !== undefined;
}

function transferText(
  from: number,
  to: number,
  amount: number,
  receipt: string,
  isOptimistic: boolean,
): string {
  return `begin (locking = ${isOptimistic ? 'optimistic' : 'pessimistic'}, autoCommit = true)
    let from = get "${accountOf(from)}"
    let to = get "${accountOf(to)}"
    if to_int(from) < ${amount} then
      return "poor"
    end
    set "${accountOf(from)}" to_int(from) - ${amount}
    set "${accountOf(to)}" to_int(to) + ${amount}
    set "${receipt}" "moved"
    return "moved"
  end`;
}

function toldOf(answer: Answer): Transfer['told'] {
  if (answer.type === ScriptCode.aborted) return 'aborted';
  const text = textIn(answer);
  if (text !== 'moved' && text !== 'poor') throw unexpected('a transfer', answer);
  return text;
}

async function addUp({ number, asker, history }: TransferWorker): Promise<boolean> {
  const { sum, ...asked } = await sumOf(asker);
  history.push({ type: 'total', client: `t${number}`, sum, ...asked });
  return sum !== undefined;
}

async function sumOf(asker: Asker): Promise<Pick<Attempt, 'invokedAt' | 'answeredAt'> & Pick<Total, 'sum'>> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => i);
  const reads = accounts.map((i) => `let a${i} = get "${accountOf(i)}"`).join('\n');
  const terms = accounts.map((i) => `to_int(a${i})`).join(' + ');
  const text = `begin (locking = optimistic, autoCommit = true)\n${reads}\nreturn ${terms}\nend`;
  const { invokedAt, answeredAt, answer } = await asker.once(RUN, scriptOf(text));
  // One that somebody wrote in between: nothing was shown.
  if (answer === undefined || answer.type === ScriptCode.aborted)
    return { invokedAt, answeredAt, sum: undefined };
  const sum = Number(textIn(answer));
  if (!Number.isSafeInteger(sum)) throw unexpected('adding up', answer);
  return { invokedAt, answeredAt, sum };
}

function textIn(answer: Answer): string | undefined {
  if (answer.type !== ScriptCode.got || typeof answer.value !== 'string') return undefined;
  return Buffer.from(answer.value, 'base64').toString();
}

/** The same history, with what became of each receipt, and the sum in the end. */
export async function settleTransfers(
  asker: Asker,
  history: readonly TransferEvent[],
): Promise<readonly TransferEvent[]> {
  const settled: TransferEvent[] = [];
  for (let done = 0; done < history.length; done += RECEIPTS_AT_ONCE) {
    const some = history.slice(done, done + RECEIPTS_AT_ONCE);
    settled.push(...(await Promise.all(some.map((event) => settleOne(asker, event)))));
  }
  for (;;) {
    const { sum, ...asked } = await sumOf(asker);
    if (sum !== undefined) return [...settled, { type: 'total', client: 'the last', sum, ...asked }];
  }
}

async function settleOne(asker: Asker, event: TransferEvent): Promise<TransferEvent> {
  if (event.type === 'total') return event;
  const { answer } = await asker.untilAnswered('/v1/kv/try-get', {
    key: event.receipt,
    revision: -1,
    durability: 1,
  });
  return { ...event, stands: answer.type === KeyValueCode.got };
}

/** What is wrong, in words; undefined when nothing is. */
export function wrongTransfer(history: readonly TransferEvent[]): string | undefined {
  for (const event of history) {
    if (event.type === 'total') {
      if (event.sum === undefined || event.sum === ALL_MONEY) continue;
      return `${event.client} saw ${event.sum} in all accounts, which hold ${ALL_MONEY}`;
    }
    const { told, stands, receipt } = event;
    if (told === undefined || stands === undefined || stands === (told === 'moved')) continue;
    return `${event.client} was told "${told}" of the transfer ${receipt}, which ${stands ? 'was' : 'was not'} done`;
  }
  return undefined;
}
