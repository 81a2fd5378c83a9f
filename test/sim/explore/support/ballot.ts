/**
 * A small machine to explore: nodes elect one leader, once and for all.
 *
 * Whose timer fires votes for itself and asks the others. Everybody votes once, for the first who asks, and says so
 * when the vote is durable. Whoever has a majority leads. A hasty one says so at once.
 */

import {
  machineModel,
  put,
  PropertyBroken,
  type Bounds,
  type MachineModel,
  type MachineSpec,
} from '../../../../sim/index.js';
import type {
  HostEffect,
  HostEvent,
  Machine,
  MonotonicMs,
  NodeId,
  WriteNumber,
} from '../../../../core/index.js';

export interface BallotState {
  readonly vote: number;
  readonly asks: boolean;
  readonly grants: readonly number[];
  readonly leads: boolean;
  readonly writes: number;
}

export type BallotMessage = 'ask' | 'grant';
type Effect = HostEffect<BallotMessage, never, number>;
type Ballot = Machine<BallotState, BallotMessage, never, never, number>;

export function createBallot(self: NodeId, nodes: readonly NodeId[], hasty: boolean): Ballot {
  const others = nodes.filter((node) => node !== self);
  const isMajority = (grants: readonly number[]): boolean => (grants.length + 1) * 2 > nodes.length;

  const vote = (state: BallotState, candidate: NodeId): [BallotState, Effect[]] => {
    const write = (state.writes + 1) as WriteNumber;
    const changes = [{ type: 'Put' as const, key: 'vote', value: candidate as number }];
    return [{ ...state, vote: candidate, writes: write }, [{ type: 'Persist', write, changes }]];
  };
  const say = (message: BallotMessage, to: readonly NodeId[]): Effect[] =>
    to.map((node) => ({ type: 'Send', to: node, messages: [message] }));

  const happen = (state: BallotState, event: HostEvent<BallotMessage, never>): [BallotState, Effect[]] => {
    switch (event.type) {
      case 'TimerFired':
        return state.vote === 0 ? vote({ ...state, asks: true }, self) : [state, []];
      case 'WriteCompleted':
        if (state.vote === self) return [state, say('ask', others)];
        return [state, hasty ? [] : say('grant', [state.vote as NodeId])];
      case 'MessageReceived': {
        if (event.message === 'ask') {
          if (state.vote !== 0) return [state, []];
          const [voted, effects] = vote(state, event.from);
          return [voted, hasty ? [...effects, ...say('grant', [event.from])] : effects];
        }
        if (!state.asks || state.leads || state.grants.includes(event.from)) return [state, []];
        const grants = [...state.grants, event.from];
        return [{ ...state, grants, leads: isMajority(grants) }, []];
      }
      case 'RequestReceived':
      case 'WriteFailed':
      case 'ReadCompleted':
      case 'ReadFailed':
        return [state, []];
    }
  };
  return {
    start: ({ stored }) => ({
      state: { vote: stored[0]?.value ?? 0, asks: false, grants: [], leads: false, writes: 0 },
      effects: [{ type: 'SetTimer', at: 1 as MonotonicMs }],
    }),
    step: (before, { events }) => {
      let state = before;
      const effects: Effect[] = [];
      for (const event of events) {
        const [after, wanted] = happen(state, event);
        state = after;
        effects.push(...wanted);
      }
      return { state, effects };
    },
  };
}

export interface BallotSettings {
  readonly hasty?: boolean;
  readonly bounds: Bounds;
  readonly disk?: 'instant' | 'slow';
  readonly projected?: boolean;
  readonly symmetry?: boolean;
  readonly reduction?: boolean;
}

export type BallotModel = MachineModel<BallotState, BallotMessage, never, never, number, readonly number[]>;
type Spec = MachineSpec<BallotState, BallotMessage, never, never, number, readonly number[]>;

/** The history is who ever led. */
export function ballotModel(settings: BallotSettings): BallotModel {
  const {
    hasty = false,
    bounds,
    disk = 'slow',
    projected = true,
    symmetry = false,
    reduction = true,
  } = settings;
  const nodes = [1, 2, 3] as NodeId[];
  const projection: NonNullable<Spec['projection']> = {
    state: (into, { vote, asks, grants, leads }, _now, names) => {
      put(into, names[vote] as number);
      put(into, (asks ? 1 : 0) + (leads ? 2 : 0));
      for (const grant of grants.map((node) => names[node] as number).sort((a, b) => a - b)) put(into, grant);
    },
    message: (into, message) => {
      put(into, message === 'ask' ? 1 : 2);
    },
    stored: (into, vote, names) => {
      put(into, names[vote] as number);
    },
    // Whoever leads has its own vote on its disk: it never asks again.
    ignores: ({ leads }, _stored, message) => leads && message === 'grant',
  };
  return machineModel<BallotState, BallotMessage, never, never, number, readonly number[]>({
    nodes: nodes.length,
    machineOf: (node) => createBallot(node, nodes, hasty),
    disk,
    bounds,
    symmetry,
    reduction,
    ...(projected ? { projection } : {}),
    watch: {
      initial: [],
      after: (leaders, _world, { node, after }) => {
        if (!after.leads || leaders.includes(node)) return leaders;
        if (leaders.length > 0) {
          throw new PropertyBroken('one leader', `node ${node} leads, and node ${String(leaders[0])} did`);
        }
        return [node];
      },
      fingerprint: (into, leaders, names) => {
        for (const leader of leaders) put(into, names[leader] as number);
      },
    },
  });
}
