/** Events and effects in few words, so that a trace reads as a story. */

import {
  isAdminAnswer,
  isTransactionAnswer,
  type TransactionCall,
  SetFlag,
  type GroupHeartbeat,
  type GroupHeartbeatAnswer,
  type AdminCommand,
  type NodeEffect,
  type NodeEvent,
  type NodeMessage,
  type NodeRequest,
  type Operation,
  type Outcome,
  type PartitionState,
  type RaftMessage,
  type Roster,
  type SetOperation,
  type Stored,
} from '../../core/index.js';

export function describeEvent(event: NodeEvent): string {
  switch (event.type) {
    case 'MessageReceived':
      return `from ${event.from}: ${describeMessage(event.message)}`;
    case 'RequestReceived':
      return `client request ${event.token}: ${describeRequest(event.request)}`;
    case 'TimerFired':
      return 'timer';
    case 'WriteCompleted':
      return `write ${event.write} is durable`;
    case 'WriteFailed':
      return `write ${event.write} failed: ${event.reason}`;
    case 'ReadCompleted':
      return `read ${event.read}: ${describeValue(event.value)}`;
    case 'ReadFailed':
      return `read ${event.read} failed: ${event.reason}`;
  }
}

export function describeEffect(effect: NodeEffect): string {
  switch (effect.type) {
    case 'Send':
      return `to ${effect.to}: ${effect.messages.map(describeMessage).join(', ')}`;
    case 'Persist':
      return `write ${effect.write}: ${effect.changes.map(({ type }) => type).join(', ')}`;
    case 'Read':
      return `read ${effect.read}: ${effect.key}`;
    case 'SetTimer':
      return `timer at ${effect.at}`;
    case 'Reply': {
      if (isTransactionAnswer(effect.answer)) {
        const { family, code, reason } = effect.answer;
        return `reply ${effect.token}: ${family} ${code}${reason === undefined ? '' : `, ${reason}`}`;
      }
      if (isAdminAnswer(effect.answer)) {
        const { outcome, refusal, reason } = effect.answer;
        return `reply ${effect.token}: ${outcome}${refusal === undefined ? '' : ` (${refusal})`}, ${reason}`;
      }
      const { reason } = effect.answer;
      return `reply ${effect.token}: ${describeOutcome(effect.answer)}${reason === undefined ? '' : `, ${reason}`}`;
    }
    case 'Halt':
      return `halt: ${effect.reason}`;
  }
}

function describeValue(value: Stored | undefined): string {
  if (value === undefined) return 'nothing there';
  return value.type === 'Value' ? `${value.bytes.length} bytes` : value.type;
}

export function describeMessage(message: NodeMessage): string {
  switch (message.type) {
    case 'Group':
      return `group ${message.group} ${describeRaft(message.message)}`;
    case 'SnapshotChunk': {
      const { group, term, index, snapshotTerm, number, bytes, last } = message;
      const part = bytes.length === 0 ? 'how much is there?' : `chunk ${number}, ${bytes.length} bytes`;
      return `group ${group} SnapshotChunk t${term} of ${index} t${snapshotTerm}: ${part}${last ? ', the last' : ''}`;
    }
    case 'SnapshotAnswer': {
      const { group, term, index, chunks, busy } = message;
      return `group ${group} SnapshotAnswer t${term} of ${index}: ${busy ? 'busy' : `${chunks} chunks`}`;
    }
    case 'Heartbeats': {
      const { beat, items } = message;
      const { count = 0, sum = 0 } = beat?.covers ?? {};
      const said = items.map(describeInGroup);
      if (beat !== undefined) said.push(beat.listed ? 'beat, listed' : `beat for ${count} groups (${sum})`);
      return `heartbeats: ${said.join(', ')}`;
    }
    case 'HeartbeatAnswers': {
      const said = message.items.map(describeInGroup);
      if (message.agrees !== undefined) said.push(message.agrees ? 'agrees' : 'disagrees');
      return `heartbeat answers: ${said.join(', ')}`;
    }
    case 'Forward':
      return `forward ${message.requestId}: ${tellOperation(message.operation)}`;
    case 'ForwardAnswer': {
      const { result } = message;
      const said =
        result.type === 'Executed'
          ? `code ${result.outcome.code} at index ${result.index}`
          : `try again (leader ${result.leader})`;
      return `answer ${message.requestId}: ${said}`;
    }
    case 'RosterAsk':
      return `${message.draining ? 'hands over, and ' : ''}asks for a roster after version ${message.version}`;
    case 'RosterNews':
      return `roster ${message.roster.version}: ${describeRoster(message.roster)}`;
    case 'SurveyAsk':
      return `asks how its groups are`;
    case 'SurveyAnswer':
      return `leads ${message.groups.map(({ group }) => group).join(', ') || 'nothing'}`;
    case 'AdminForward':
      return `forward ${message.id}: ${describeCommand(message.command)}`;
    case 'AdminForwarded':
      return `answer ${message.id}: ${message.answer?.outcome ?? 'leads not'}`;
    case 'SessionForward':
      return `forward ${message.id}: ${describeCall(message.call)}`;
    case 'SessionForwarded':
      return `answer ${message.id}: session ${message.answer.code}`;
    case 'WaitProbe':
      return `${message.path.join(' waits for ')} waits for ${message.on}`;
    case 'Condemn':
      return `a deadlock: ${message.cycle.join(' waits for ')}`;
  }
}

function describeRoster({ members }: Roster): string {
  return members.map(({ node, role }) => `${node}${role === 'voter' ? '' : ' learns'}`).join(', ');
}

function describeRequest(request: NodeRequest): string {
  if ('admin' in request) return describeCommand(request.admin);
  if ('transaction' in request) return describeCall(request.transaction);
  return tellOperation(request.operation);
}

function describeCall(call: TransactionCall): string {
  switch (call.type) {
    case 'StartTransaction':
      return 'start a transaction';
    case 'RunScript':
      return `run a script of ${call.script.length} bytes`;
    case 'OperateInTransaction': {
      const { operation } = call;
      const { wall, counter } = call.handle.id;
      const said = 'need' in operation ? operation.type : tellOperation(operation);
      return `in ${wall}.${counter}: ${said}`;
    }
    case 'CommitTransaction':
      return `commit ${call.handle.id.wall}.${call.handle.id.counter}`;
    case 'RollbackTransaction':
      return `roll back ${call.handle.id.wall}.${call.handle.id.counter}`;
  }
}

function describeCommand(command: AdminCommand): string {
  switch (command.type) {
    case 'ListMembers':
      return 'list the members';
    case 'HandOver':
      return 'hand over all that it leads';
    case 'TransferLeadership':
      return `group ${command.group} to be led by ${command.target === 0 ? 'another' : command.target}`;
    case 'ChangeMembers': {
      const { add, promote, remove, priorities } = command;
      return [
        ...add.map(({ node, role }) => `add ${node} as ${role}`),
        ...promote.map((node) => `promote ${node}`),
        ...remove.map((node) => `remove ${node}`),
        ...priorities.map(({ node, priority }) => `priority ${priority} for ${node}`),
      ].join(', ');
    }
  }
}

function describeInGroup({ group, message }: GroupHeartbeat | GroupHeartbeatAnswer): string {
  return `group ${group} ${describeRaft(message)}`;
}

function describeRaft(message: RaftMessage<PartitionState>): string {
  const head = `${message.type} t${message.term}`;
  switch (message.type) {
    case 'PreVoteRequest':
      return `${head} last ${message.lastIndex} t${message.lastTerm}`;
    case 'VoteRequest':
      return `${head} last ${message.lastIndex} t${message.lastTerm}${message.handedOver ? ' handed over' : ''}`;
    case 'PreVoteAnswer':
    case 'VoteAnswer':
      return `${head} ${message.granted ? 'granted' : 'refused'}`;
    case 'Append':
      return (
        `${head} after ${message.previousIndex} t${message.previousTerm}, ` +
        `${message.entries.length} entries, commit ${message.commit}`
      );
    case 'AppendAccepted':
      return `${head} up to ${message.index}`;
    case 'AppendRefused':
      return `${head} at ${message.refused}, hint ${message.hintIndex} t${message.hintTerm}`;
    case 'Heartbeat':
      return `${head} commit ${message.commit} round ${message.round}${message.sleep === true ? ' sleep' : ''}`;
    case 'ReadIndexRequest':
    case 'ReadIndexRefused':
      return `${head} batch ${message.batch}`;
    case 'ReadIndexAnswer':
      return `${head} batch ${message.batch} at ${message.index}`;
    case 'HeartbeatAnswer':
      return `${head} round ${message.round}${message.asleep === true ? ' asleep' : ''}`;
    case 'InstallSnapshot':
      return `${head} at ${message.snapshot.index} t${message.snapshot.term}`;
    case 'CampaignNow':
      return head;
    case 'NotMember':
      return `${head} since ${message.index}`;
  }
}

/** An outcome in few words: its code, and what else tells two of them apart. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.family) {
    case undefined:
      return `code ${outcome.code}, revision ${outcome.revision}`;
    case 'page':
      return `code ${outcome.code}, ${outcome.items.length} keys${outcome.hasMore ? ' and more' : ''}`;
    case 'lock':
      return `code ${outcome.code}, token ${outcome.fencingToken}`;
    case 'sequence': {
      const { code, allocation, record } = outcome;
      if (allocation !== null) return `code ${code}, ${allocation.start} to ${allocation.end}`;
      return record === null ? `code ${code}` : `code ${code}, up to ${record.currentValue}`;
    }
    case 'transaction': {
      const { code, at, blocker } = outcome;
      const when = at === undefined ? '' : `, at ${at.wall}.${at.counter}`;
      return `code ${code}${when}${blocker === undefined ? '' : `, ${blocker} is in the way`}`;
    }
    case 'hold':
      return `code ${outcome.code}`;
  }
}

/** An operation in few words. */
export function tellOperation(operation: Operation): string {
  const kept = 'ephemeral' in operation && operation.ephemeral === true ? ', ephemeral' : '';
  return `${tellAsked(operation)}${kept}`;
}

function tellAsked(operation: Operation): string {
  switch (operation.type) {
    case 'Set':
      return tellSet(operation);
    case 'Delete':
      return `delete ${operation.key}`;
    case 'Extend':
      return `extend ${operation.key} by ${operation.expiresMs} ms`;
    case 'Get':
    case 'Exists': {
      const { type, key, mode, revision, at } = operation;
      const which = [
        mode,
        revision === undefined ? undefined : `revision ${revision}`,
        at && `as of ${at.wall}`,
      ];
      const said = which.filter((word) => word !== undefined);
      return `${type.toLowerCase()} ${key}${said.length === 0 ? '' : ` (${said.join(', ')})`}`;
    }
    case 'Scan':
      return `scan ${operation.prefix}, ${operation.limit} keys`;
    case 'AcquireLock':
      return `acquire ${operation.resource} for ${operation.expiresMs} ms`;
    case 'ExtendLock':
      return `extend the lease of ${operation.resource} by ${operation.expiresMs} ms`;
    case 'ReleaseLock':
      return `release ${operation.resource}`;
    case 'GetLock':
      return `who holds ${operation.resource}?`;
    case 'CreateSequence':
      return `create sequence ${operation.name} in steps of ${operation.increment} from ${operation.initialValue}`;
    case 'UpdateSequence':
      return `update sequence ${operation.name}`;
    case 'ReserveSequence': {
      const { name, count, idempotencyKey } = operation;
      return `reserve ${count} of ${name}${idempotencyKey === undefined ? '' : ` under ${idempotencyKey}`}`;
    }
    case 'DeleteSequence':
      return `delete sequence ${operation.name}`;
    case 'GetSequence':
      return `get sequence ${operation.name}`;
    case 'Prepare':
    case 'CommitAtOnce': {
      const { type, transaction, writes, reads } = operation;
      return `${type} ${transaction}: ${writes.length} writes, ${reads.length} seen`;
    }
    case 'Validate':
      return `validate ${operation.transaction}: ${operation.reads.length} seen`;
    case 'Decide':
    case 'Settle':
      return `${operation.type.toLowerCase()} ${operation.transaction}: ${operation.decision.type}`;
    case 'Finish':
      return `finish ${operation.transaction}`;
    case 'GetDecision':
      return `what became of ${operation.transaction}?`;
    case 'AcquireTransactionLocks':
      return `lock ${operation.needs.length} things for ${operation.transaction}`;
    case 'ReleaseTransactionLocks':
      return `unlock ${operation.needs?.length ?? 'all'} things of ${operation.transaction}`;
    case 'AcquireHold':
      return `hold ${operation.timestamp.wall} ms as ${operation.holder} for ${operation.leaseMs} ms`;
    case 'RenewHold':
      return `renew hold ${operation.hold} for ${operation.leaseMs} ms`;
    case 'ReleaseHold':
      return `release hold ${operation.hold}`;
    case 'GetFloor':
      return 'which time is held?';
    case 'SetFloor':
      return `keep all from ${operation.timestamp.wall} ms on, as of index ${operation.position}`;
  }
}

function tellSet({ key, flags, compareRevision, expiresMs }: SetOperation): string {
  const conditions = [
    ...((flags & SetFlag.ifExists) === 0 ? [] : ['if it exists']),
    ...((flags & SetFlag.ifNotExists) === 0 ? [] : ['if it does not exist']),
    ...((flags & SetFlag.ifEqualToValue) === 0 ? [] : ['if the value is equal']),
    ...((flags & SetFlag.ifEqualToRevision) === 0 ? [] : [`if at revision ${compareRevision}`]),
    ...((flags & SetFlag.noRevision) === 0 ? [] : ['without a revision of what was']),
    ...(expiresMs === undefined ? [] : [`for ${expiresMs} ms`]),
  ];
  return ['set', key, ...conditions].join(' ');
}
