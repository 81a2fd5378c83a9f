/** Mistakes of the node: requests, waiters, forwarding and routing. */

import { bugsOf, edit, type Bug } from './bug.js';

const GATEWAY = 'core/node/gateway.ts';
const GROUP = 'core/node/group.ts';
const APPLYING = 'core/node/applying.ts';
const PROPOSALS = 'core/node/proposals.ts';

const bug = bugsOf('node');

export const NODE: readonly Bug[] = [
  bug(
    'answers-in-order-assumed',
    'an answer of the leader is given to whoever asked first',
    edit(
      GATEWAY,
      'const tokens = mapGet(turn.node.tokensOf, message.requestId) ?? EMPTY_LIST;',
      'const tokens: number[] = [];\n  radixForEach(turn.node.requests, (request) => {\n    if (tokens.length === 0 && request.group === message.group && request.sentTo === from) tokens.push(request.token);\n  });',
    ),
  ),
  bug(
    'answered-before-commit',
    'a write is answered when it is proposed',
    edit(
      PROPOSALS,
      '  const waiter: Waiter = { term: proposal.term, requestId, operation, origins: [origin] };\n',
      "  answer(turn, group, origin, { type: 'Executed', outcome: applyCommand(opened.group.partition, proposal.index, command, turn.options.retryWindow).outcome, index: proposal.index });\n  const waiter: Waiter = { term: proposal.term, requestId, operation, origins: [origin] };\n",
    ),
  ),
  bug(
    'answered-twice',
    'a request stays on the books after it was answered',
    edit(GATEWAY, '  node.requests = radixDelete(node.requests, token);\n', ''),
    edit(GATEWAY, '{ radixDelete, radixGet }', '{ radixGet }'),
  ),
  bug(
    'retry-under-new-id',
    'an attempt after a timeout has a new request id',
    edit(
      GATEWAY,
      '  attempt(turn, request, knownLeader(turn, request.group), 0);\n}',
      "  const again = request.operation.type === 'Get' || request.operation.type === 'Exists' ? request : { ...request, requestId: `${request.requestId}+` as RequestId };\n  if (again !== request) turn.node.tokensOf = mapSet(turn.node.tokensOf, again.requestId, [token]);\n  attempt(turn, again, knownLeader(turn, request.group), 0);\n}",
    ),
  ),
  bug(
    'overwritten-told-success',
    'whoever waits for an entry is told the outcome of the one that replaced it',
    edit(
      PROPOSALS,
      'if (raft.role === before.raft.role && raft.term === before.raft.term) return;',
      'if (raft.term >= 0) return;',
    ),
    edit(APPLYING, 'waiter.term === entry.term;\n', 'waiter.term > 0;\n'),
  ),
  bug(
    'waiters-kept',
    'those who wait at a leader are kept when it is deposed',
    edit(
      PROPOSALS,
      'if (raft.role === before.raft.role && raft.term === before.raft.term) return;',
      'if (raft.term >= 0) return;',
    ),
  ),
  bug(
    'short-leadership-kept',
    'those who ask a leader that is elected and deposed within one turn are kept waiting',
    edit(
      PROPOSALS,
      'if (raft.role === before.raft.role && raft.term === before.raft.term) return;',
      "if (before.raft.role !== 'leader') return;",
    ),
  ),
  bug(
    'wrong-partition',
    'one node places every key in the first partition',
    edit(
      GATEWAY,
      'const group = groupOfOperation(operation, options.partitions);',
      'const group = groupOfOperation(operation, options.node === 2 ? 1 : options.partitions);',
    ),
  ),
  bug(
    'timeout-told-as-failure',
    'a request that was not answered in time is said to have failed',
    edit(
      GATEWAY,
      "...refusalOf(request.operation, 'mustRetry'),\n      reason: whyGivenUp(turn, request),",
      "...refusalOf(request.operation, 'mustRetry'),\n      ...('key' in request.operation ? { code: request.operation.type === 'Set' ? 1 : 103 } : {}),\n      reason: whyGivenUp(turn, request),",
    ),
  ),
  bug(
    'lost-leadership-told-as-failure',
    'whoever waits at a deposed leader is told that the write was refused',
    edit(
      PROPOSALS,
      "const result = tryAgain(opened, 'leadership was lost before the write was committed');",
      "const result: ForwardResult = { type: 'Executed', outcome: refusal(KeyValueCode.notSet), index: opened.group.partition.applied };",
    ),
  ),
  bug(
    'joined-by-key',
    'a request joins whoever waits for a write of the same key',
    edit(
      PROPOSALS,
      'const inFlight = mapGet(opened.group.proposed, requestId);',
      'let inFlight = mapGet(opened.group.proposed, requestId);\n  radixForEach(opened.group.waiting, (waiter) => {\n    if (describeWrite(waiter.operation) === describeWrite(operation)) inFlight = mapGet(opened.group.proposed, waiter.requestId);\n  });',
    ),
  ),
  bug(
    'waiter-one-off',
    'a waiter is told the outcome of the entry before its own',
    edit(
      APPLYING,
      'const waiter = radixGet(group.waiting, index);',
      'const waiter = radixGet(group.waiting, index + 1) ?? radixGet(group.waiting, index);',
    ),
    edit(
      APPLYING,
      'if (waiter !== undefined) {\n      group.waiting = radixDelete(group.waiting, index);\n',
      'if (waiter !== undefined) {\n      group.waiting = radixDelete(radixDelete(group.waiting, index), index + 1);\n',
    ),
  ),
  bug(
    'entry-skipped',
    'an entry that comes together with many others is not applied',
    edit(
      APPLYING,
      'if (payload.length === 0) {',
      'if (payload.length === 0 || (opened.raft.raft.commit - index > 4 && index % 7 === 0)) {',
    ),
  ),
  bug(
    'read-of-another-key',
    'reads that are confirmed together are answered from the first of them',
    edit(
      GROUP,
      'for (const number of tokens) serveConfirmed(turn, opened, takeRead(turn, number), answer);',
      'for (const number of tokens) {\n      const read = takeRead(turn, number);\n      const { execution } = read;\n      first ??= execution.operation;\n      const same = first.type === execution.operation.type && first.mode === execution.operation.mode;\n      serveConfirmed(turn, opened, same ? { ...read, execution: { ...execution, operation: first } } : read, answer);\n    }',
    ),
    edit(
      GROUP,
      '  for (const { tokens, index } of readsReady) {\n',
      '  let first;\n  for (const { tokens, index } of readsReady) {\n',
    ),
  ),
];
