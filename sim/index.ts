/** The public face of the simulator. */

export * from './check/history-files/index.js';
export * from './check/isolation/index.js';
export * from './check/linearizability/index.js';
export * from './check/locks/index.js';
export * from './check/sequences/index.js';
export { createNodeRules, type NodeObserver, type RuleSettings } from './check/node-rules.js';
export type * from './faults/fault.js';
export * from './explore/index.js';
export type * from './faults/scenario.js';
export * from './faults/schema.js';
export { describeProfile, profileNames, scenarioOf, type ProfileName } from './faults/profiles.js';
export { drawConditions, drawFaults, sizesOf, type FaultKind, type Shore } from './faults/storm.js';
export { stormScenario } from './key-value/storm.js';
export type { KeyValueScenario, KeyValueSettings, NodeSettings } from './key-value/settings.js';
export {
  keyValueSystem,
  recordRun,
  run,
  type KeyValueRunOptions,
  type KeyValueSystem,
} from './key-value/system.js';
export { defineSystem, type ClientsOf, type Definition } from './system/define.js';
export {
  always,
  eventually,
  sometimes,
  withProperties,
  type Cluster,
  type Member,
  type Predicate,
  type Property,
} from './system/properties.js';
export { divergenceOf, firstDivergence, runOnceOrTwice } from './sweep/determinism.js';
export { createGuide, type Guide } from './sweep/guide.js';
export * from './sweep/report.js';
export * from './shrink/index.js';
export { runSystem, type Report, type RunOptions } from './system/run.js';
export type { Desk, System, Trial, Verdict } from './system/system.js';
export { describeEffect, describeEvent, describeMessage } from './trace/describe.js';
export {
  formatTrace,
  TRACE_FORMAT,
  type TraceAbout,
  type TraceHeader,
  type TraceLine,
} from './trace/record.js';
export { parseTrace, replayTrace, type Parting, type Replay, type Trace } from './trace/replay.js';
export { hashText, hashValue } from './trace/state-hash.js';
export * from './trace/tools.js';
export { startClients, type Client, type Clients, type Drawn, type Load } from './workload/clients.js';
export * from './world/chance.js';
export * from './world/world.js';
