/** The public face of the tools for traces: timelines, causes, the debugger, comparisons and exports. */

export {
  findCauses,
  inFlight,
  linesBehind,
  requestOf,
  type Causes,
  type EventCause,
  type Sent,
} from './causes.js';
export { compareTraces, tellComparison, type Comparison, type NodeParting } from './compare.js';
export { parseCondition, strikes, type Condition } from './condition/condition.js';
export { ConditionError } from './condition/lexer.js';
export { command as debugCommand, complete as debugCompletion, type Completion } from './debugger.js';
export { tellConditionError } from './debugger/moves.js';
export { openSession, tellPlace, type Answer, type Session } from './debugger/session.js';
export { toPerfetto, type PerfettoEvent } from './export/perfetto.js';
export { SHIVIZ_PATTERN, toShiViz } from './export/shiviz.js';
export { toSpaceTime } from './export/space-time.js';
export { rangeOf, type Range } from './export/range.js';
export { happenedBefore, vectorClocks, type VectorClocks } from './happened-before.js';
export { nodeSubject } from './node-subject.js';
export { walkTrace, type Moment, type Walk } from './replay.js';
export { diffStates, tellDiff, type Change, type DiffLimits, type StateDiff } from './state-diff.js';
export type { AnyEffect, AnyEvent, AnyMachine, Contents, StateField, TraceSubject } from './subject.js';
export { tellMoment } from './tell.js';
export {
  buildTimeline,
  lastLine,
  lastOfNode,
  momentAt,
  nextOfNode,
  stateAt,
  stateBefore,
  type Timeline,
} from './timeline.js';
export { unfoldCollection } from './unfold.js';
export {
  chainTo,
  lastChange,
  tellChain,
  tellWhy,
  type Chain,
  type ChainLink,
  type FieldChange,
} from './why.js';
