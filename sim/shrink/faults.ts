/** Fewer and simpler faults. */

import { changesMembers, type Fault, type Target } from '../faults/fault.js';
import { machinesOf, type Scenario } from '../faults/scenario.js';
import { attempt, fewer, lower, type Hand, type Pass, type Steps } from './steps.js';

/** As few faults as possible; most of all, no change of the members. */
export function fewerFaults<S>(): Pass<S> {
  return {
    name: 'fewer faults',
    *steps(hand) {
      const others = hand.best.faults.filter((fault) => !changesMembers(fault));
      if (others.length < hand.best.faults.length) {
        yield* attempt(hand, { ...hand.best, faults: others }, 'no change of members');
      }
      yield* fewer(hand, hand.best.faults, (faults) => ({ ...hand.best, faults }), 'fewer faults');
    },
  };
}

/** Each fault as plain, short and weak as possible. */
export function simplerFaults<S>(): Pass<S> {
  return {
    name: 'simpler faults',
    *steps(hand) {
      for (let place = 0; place < hand.best.faults.length; place += 1) yield* simplify(hand, place);
    },
  };
}

function* simplify<S>(hand: Hand<S>, place: number): Steps<S> {
  const fault = (): Fault => hand.best.faults[place] as Fault;
  const put = (changed: Fault): Scenario<S> => ({
    ...hand.best,
    faults: hand.best.faults.map((each, i) => (i === place ? changed : each)),
  });
  for (const plain of plainer(fault())) {
    if (yield* attempt(hand, put(plain), 'a plainer fault')) break;
  }
  const struck = fault();
  if ('target' in struck && 'leaderOf' in struck.target) {
    for (let node = 1; node <= machinesOf(hand.best); node += 1) {
      const target: Target = { node };
      if (yield* attempt(hand, put({ ...struck, target }), 'a node instead of a leader')) break;
    }
  }
  const sided = fault();
  if ('side' in sided) {
    for (const node of sided.side) {
      const now = fault();
      if (!('side' in now) || now.side.length === 1) break;
      const side = now.side.filter((each) => each !== node);
      yield* attempt(hand, put({ ...now, side }), 'a smaller side');
    }
  }
  const paired = fault();
  if (paired.type === 'Partial' && paired.pairs.length > 1) {
    for (const pair of paired.pairs) {
      if (yield* attempt(hand, put({ ...paired, pairs: [pair] }), 'a smaller side')) break;
    }
  }
  const lasting = fault();
  if ('untilMs' in lasting) {
    const { atMs, untilMs } = lasting;
    const lasts = { from: untilMs - atMs, least: 1 };
    yield* lower(hand, lasts, (ms) => put({ ...lasting, untilMs: atMs + ms }), 'a shorter fault');
  }
  for (const [field, least] of STRENGTHS) {
    const now: Readonly<Record<string, unknown>> = { ...fault() };
    const strength = now[field];
    if (typeof strength !== 'number' || strength === least) continue;
    // A strength may be negative; only its size is lowered.
    const sign = strength < 0 ? -1 : 1;
    const build = (size: number): Scenario<S> => put({ ...now, [field]: sign * size } as unknown as Fault);
    yield* lower(hand, { from: Math.abs(strength), least }, build, 'a weaker fault');
  }
}

/** Fields that say how strong a fault is, with the least that they may be. */
const STRENGTHS = [
  ['periodMs', 1],
  ['lossChance', 0],
  ['duplicateChance', 0],
  ['corruptChance', 0],
  ['maxDelayUs', 0],
  ['delayMs', 0],
  ['syncMs', 0],
  ['downMs', 1],
  ['stopAfterMs', 0],
  ['upMs', 1],
  ['wallMs', 0],
  ['monotonicMs', 0],
  ['driftPpm', 0],
  ['turnUs', 0],
] as const;

/** Faults that do less of the same kind, the plainest first. */
function plainer(fault: Fault): readonly Fault[] {
  const { atMs } = fault;
  switch (fault.type) {
    case 'Isolate': {
      const { untilMs, target } = fault;
      return [
        { type: 'Mute', atMs, untilMs, target },
        { type: 'Deafen', atMs, untilMs, target },
      ];
    }
    case 'Flap': {
      const { untilMs, target } = fault;
      return [{ type: 'Isolate', atMs, untilMs, target }];
    }
    case 'CrashLoop':
    case 'TornWrite':
    case 'CrashAtWrite': {
      const { target, downMs } = fault;
      const crash: Fault = { type: 'Crash', atMs, untilMs: atMs + Math.max(1, downMs), target };
      return fault.type === 'TornWrite' ? [crash, { ...fault, type: 'CrashAtWrite' }] : [crash];
    }
    case 'Split':
      return fault.side.map((node) => ({
        type: 'Isolate',
        atMs,
        untilMs: fault.untilMs,
        target: { node },
      }));
    case 'Bridge':
      return [{ type: 'Split', atMs, untilMs: fault.untilMs, side: fault.side }];
    case 'Blackout':
      return [{ type: 'Crash', atMs, untilMs: fault.untilMs, target: { node: 1 } }];
    case 'Upgrade':
      return [
        { type: 'Crash', atMs, untilMs: atMs + Math.max(1, fault.downMs), target: { node: fault.node } },
      ];
    case 'ClockFreeze':
    case 'SlowNode':
    case 'StuckDisk':
      return [{ type: 'Pause', atMs, untilMs: fault.untilMs, target: fault.target }];
    case 'Replace': {
      const { node, spare } = fault;
      return [
        { type: 'Join', atMs, node: spare, role: 'voter' },
        { type: 'Reshape', atMs, join: [spare], leave: [node], stopAfterMs: 0 },
      ];
    }
    case 'Reshape': {
      const { join, leave, stopAfterMs } = fault;
      const less = [
        ...join.map((node) => ({ ...fault, join: join.filter((other) => other !== node) })),
        ...leave.map((node) => ({ ...fault, leave: leave.filter((other) => other !== node) })),
      ].filter((each) => each.join.length + each.leave.length > 0);
      return [
        ...join.map((node): Fault => ({ type: 'Join', atMs, node, role: 'voter' })),
        ...leave.map((node): Fault => ({ type: 'Leave', atMs, node, stopAfterMs })),
        ...less,
      ];
    }
    case 'HandOver': {
      const { node, downMs } = fault;
      return [{ type: 'Crash', atMs, untilMs: atMs + Math.max(1, downMs), target: { node } }];
    }
    case 'Join':
      return fault.role === 'voter' ? [{ ...fault, role: 'learner' }] : [];
    case 'Promote':
    case 'Leave':
    case 'Transfer':
    case 'Deafen':
    case 'Mute':
    case 'Partial':
    case 'Squall':
    case 'Lag':
    case 'SlowLink':
    case 'Throttle':
    case 'SlowDisk':
    case 'FullDisk':
    case 'FailSync':
    case 'BitRot':
    case 'LoseDisk':
    case 'ClockJump':
    case 'ClockDrift':
    case 'Crash':
    case 'Pause':
      return [];
  }
}
