/** The public face of the simulator. */

export * from './check/linearizability/index.js';
export { createNodeRules, type NodeObserver, type RuleSettings } from './check/node-rules.js';
export * from './explore/index.js';
export type * from './faults/scenario.js';
export { stormScenario } from './faults/storm.js';
export { recordRun, run, type Report, type RunOptions, type Verdict } from './run.js';
export { describeEffect, describeEvent, describeMessage } from './trace/describe.js';
export { formatTrace, TRACE_FORMAT, type TraceHeader, type TraceLine } from './trace/record.js';
export { parseTrace, replayTrace, type Parting, type Replay, type Trace } from './trace/replay.js';
export { hashText, hashValue } from './trace/state-hash.js';
export * from './world/chance.js';
export * from './world/world.js';
