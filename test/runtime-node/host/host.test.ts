import { describe, expect, it } from 'vitest';

import { nodeId, writeNumber, type NodeId, type Persist } from '../../../core/machine/index.js';
import {
  HostStopped,
  startHost,
  type Host,
  type StoragePort,
  type TransportPort,
  type WriteListener,
} from '../../../runtime-node/index.js';
import { journalMachine, type JournalState } from '../support/journal-machine.js';
import { recordingLog, type RecordingLog } from '../support/recording-log.js';

interface Rig {
  readonly host: Host<JournalState, string, string>;
  readonly log: RecordingLog;
  /** Writes that were asked for; none is durable until the test says so. */
  readonly persists: Persist<string>[];
  readonly sent: { readonly to: NodeId; readonly messages: readonly string[] }[];
  readonly fatal: Promise<string>;
  readonly fatals: string[];
  complete(write: number): void;
  failWrite(write: number): void;
  receive(from: number, messages: readonly string[]): void;
}

function rig(): Rig {
  const log = recordingLog();
  const persists: Persist<string>[] = [];
  const sent: { readonly to: NodeId; readonly messages: readonly string[] }[] = [];
  const fatals: string[] = [];
  const cold = new Map<string, string>();
  let listener: WriteListener | undefined;
  let receive: ((from: NodeId, messages: readonly string[]) => void) | undefined;
  let isFatal: (reason: string) => void = () => undefined;
  const storage: StoragePort<string> = {
    start: (given) => (listener = given),
    write: (persist) => persists.push(persist),
    read: (key) => Promise.resolve(cold.get(key)),
  };
  const transport: TransportPort<string> = {
    start: (given) => (receive = given),
    send: (to, messages) => sent.push({ to, messages }),
  };
  const fatal = new Promise<string>((resolve) => (isFatal = resolve));
  const onFatal = (reason: string): void => {
    fatals.push(reason);
    isFatal(reason);
  };
  const host = startHost({ machine: journalMachine, stored: [], storage, transport, log, onFatal });
  return {
    host,
    log,
    persists,
    sent,
    fatal,
    fatals,
    complete: (write) => listener?.completed(writeNumber(write)),
    failWrite: (write) => listener?.failed(writeNumber(write), 'the disk is gone'),
    receive: (from, messages) => receive?.(nodeId(from), messages),
  };
}

/** Everything that is due now has happened when this resolves. */
async function turnsTaken(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a turn', () => {
  it('holds all that came in one turn of the event loop, in order, and makes one write of it', async () => {
    const { host, persists, receive } = rig();

    void host.request('a');
    receive(2, ['x', 'y']);
    void Promise.resolve().then(() => host.request('b'));
    await turnsTaken();

    expect(host.state().turns).toEqual([
      ['RequestReceived', 'MessageReceived', 'MessageReceived', 'RequestReceived'],
    ]);
    expect(host.state().received).toEqual(['2: x', '2: y']);
    expect(persists).toEqual([
      { type: 'Persist', write: 1, changes: [{ type: 'Put', key: 'line/00000001', value: 'a b' }] },
    ]);
  });

  it('sends one frame to a destination', async () => {
    const { host, sent } = rig();

    void host.request('send x');
    void host.request('send y');
    await turnsTaken();

    expect(sent).toEqual([{ to: 2, messages: ['x', 'y'] }]);
  });
});

describe('a request', () => {
  it('is answered when the machine replies to it, and not before', async () => {
    const { host, complete } = rig();
    let answered = false;

    const answer = host.request('a');
    void answer.then(() => (answered = true));
    await turnsTaken();
    expect(answered).toBe(false);
    expect(host.waiting()).toBe(1);
    complete(1);

    expect(await answer).toBe('wrote in write 1');
    expect(host.waiting()).toBe(0);
  });

  it('is turned away when the host stops, and so is every later one', async () => {
    const { host } = rig();

    const waiting = host.request('never');
    await turnsTaken();
    host.stop();

    await expect(waiting).rejects.toThrow(HostStopped);
    await expect(host.request('a')).rejects.toThrow(HostStopped);
  });
});

describe('a timer', () => {
  it('that is due at once fires, and once only', async () => {
    const { host } = rig();

    void host.request('timer');
    const fired = async (): Promise<void> => {
      while (host.state().timers === 0) await new Promise((resolve) => setImmediate(resolve));
    };
    await fired();
    await turnsTaken();

    expect(host.state().timers).toBe(1);
  });

  it('is looked at after whatever else came in its turn, a message behind which it fired included', async () => {
    const { host, receive } = rig();

    void host.request('timer');
    await new Promise((resolve) => setImmediate(resolve));
    // Both are overdue when the event loop comes round to its timers, in this order.
    setTimeout(() => receive(2, ['x']), 1);
    const overdueAt = performance.now() + 5;
    while (performance.now() < overdueAt);
    while (host.state().timers === 0) await new Promise((resolve) => setImmediate(resolve));

    expect(host.state().turns.at(-1)).toEqual(['MessageReceived', 'TimerFired']);
  });
});

describe('a machine that can go on no longer', () => {
  it('is stopped when it fails an assertion: what it saw is logged, who waits is told, nothing more is done', async () => {
    const { host, log, persists, fatal, fatals } = rig();
    const waiting = host.request('never');

    await turnsTaken();
    void host.request('a').catch(() => undefined);
    void host.request('break').catch(() => undefined);

    expect(await fatal).toBe('a turn failed: ImpossibleState: two and two are five');
    await expect(waiting).rejects.toThrow('two and two are five');
    expect(persists).toEqual([]);
    expect(log.lines[0]).toMatchObject({ level: 'fatal', fields: { events: { RequestReceived: 2 } } });
    void host.request('a').catch(() => undefined);
    await turnsTaken();
    expect(persists).toEqual([]);
    expect(fatals).toHaveLength(1);
  });

  it('is stopped when it halts, and the effects after the halt are not performed', async () => {
    const { host, persists, fatal } = rig();

    const waiting = host.request('halt');
    void host.request('a').catch(() => undefined);

    expect(await fatal).toBe('the machine halted: it was asked to');
    await expect(waiting).rejects.toThrow(HostStopped);
    expect(persists).toEqual([]);
  });

  it('is stopped when a write fails, once', async () => {
    const { host, fatal, fatals, failWrite, complete } = rig();
    const waiting = host.request('a');

    await turnsTaken();
    failWrite(1);
    complete(1);

    expect(await fatal).toBe('write 1 failed: the disk is gone');
    await expect(waiting).rejects.toThrow('write 1 failed');
    await turnsTaken();
    expect(fatals).toHaveLength(1);
    expect(host.state().turns).toEqual([['RequestReceived']]);
  });
});
