/** Every fault of `fault.ts` as a shape. The compiler refuses this file when a fault or one of its fields is missing. */

import type { Fault } from './fault.js';
import type { RecordShape, Shape } from './shape.js';

const MOST = Number.MAX_SAFE_INTEGER;
/** A year: more virtual time than any run has. */
const MOST_MS = 31_536_000_000;

export function milliseconds(about: string, least = 0): Shape {
  return { type: 'whole', about, least, most: MOST_MS };
}

export function microseconds(about: string, least = 0): Shape {
  return { type: 'whole', about, least, most: MOST_MS * 1_000 };
}

export function perMillion(about: string): Shape {
  return { type: 'whole', about: `${about} In parts per million.`, least: 0, most: 1_000_000 };
}

export function count(about: string, least = 0, most = MOST): Shape {
  return { type: 'whole', about, least, most };
}

const nodeNumber: Shape = count('A node of the scenario, by number from 1.', 1);

const atMs = milliseconds('When it strikes, in milliseconds of virtual time.');
const untilMs = milliseconds('When it ends, later than it begins.', 1);
const downMs = milliseconds('How long the node stays down.');
const stopAfterMs = milliseconds('How long its machine goes on after that.');
const nodesOf = (about: string): Shape => ({ type: 'list', about, of: nodeNumber });
const target: Shape = {
  type: 'either',
  about: 'Whom it strikes: {"node": 2}, or {"leaderOf": 1} for whoever leads group 1 at that moment.',
  of: { node: nodeNumber, leaderOf: count('A group, by number from 1.', 1) },
};
const side: Shape = {
  type: 'list',
  about: 'The nodes on one side; the others are on the other.',
  of: nodeNumber,
  least: 1,
};

/** Of each fault: what it does, and its fields besides `type`. */
const FAULTS: {
  readonly [T in Fault['type']]: readonly [
    about: string,
    fields: { readonly [F in Exclude<keyof Extract<Fault, { readonly type: T }>, 'type'>]: Shape },
  ];
} = {
  Isolate: ['No message passes between the target and the others.', { atMs, untilMs, target }],
  Deafen: ['The target hears nobody, but is heard.', { atMs, untilMs, target }],
  Mute: ['The target is heard by nobody, but hears.', { atMs, untilMs, target }],
  Split: ['No message passes between the nodes of the side and the others.', { atMs, untilMs, side }],
  Partial: [
    'These pairs cannot talk, and everybody else can.',
    {
      atMs,
      untilMs,
      pairs: {
        type: 'list',
        about: 'Pairs of nodes.',
        of: {
          type: 'list',
          about: 'Two different nodes, such as [1, 3].',
          of: nodeNumber,
          least: 2,
          most: 2,
        },
        least: 1,
      },
    },
  ],
  Bridge: ['A split in which one node talks to both sides.', { atMs, untilMs, side, bridge: nodeNumber }],
  Flap: [
    "The target's links go and come.",
    { atMs, untilMs, target, periodMs: milliseconds('How long each time.', 1) },
  ],
  Squall: [
    'Messages are lost, repeated, damaged and late more often.',
    {
      atMs,
      untilMs,
      lossChance: perMillion('Messages that are lost.'),
      duplicateChance: perMillion('Messages that are repeated.'),
      corruptChance: perMillion('Messages that are damaged.'),
      maxDelayUs: microseconds('The longest delay, in microseconds.'),
    },
  ],
  Lag: [
    'Everything that is sent to the target is longer on its way.',
    { atMs, untilMs, target, delayMs: milliseconds('By how much.') },
  ],
  SlowLink: [
    'One link is slow, in one direction.',
    { atMs, untilMs, from: nodeNumber, to: nodeNumber, delayMs: milliseconds('By how much.') },
  ],
  Throttle: [
    'The links from the target carry only so much.',
    { atMs, untilMs, target, bytesPerSecond: count('Bytes in a second, on each link.', 1) },
  ],
  SlowDisk: ['Every sync takes longer.', { atMs, untilMs, target, syncMs: milliseconds('By how much.') }],
  StuckDisk: ['No sync finishes.', { atMs, untilMs, target }],
  FullDisk: ['Every write fails.', { atMs, untilMs, target }],
  FailSync: ['The next sync fails.', { atMs, target }],
  TornWrite: ['A crash in the middle of the next write.', { atMs, downMs, target }],
  BitRot: ['A bit of a stored record turns over, and the node starts again.', { atMs, node: nodeNumber }],
  LoseDisk: ['Everything on the disk is gone, and the process with it.', { atMs, node: nodeNumber }],
  ClockJump: [
    'The clocks are set.',
    {
      atMs,
      target,
      wallMs: count('By how much the wall clock is moved; negative for back.', -MOST_MS, MOST_MS),
      monotonicMs: milliseconds('By how much the monotonic clock is moved forward.'),
    },
  ],
  ClockFreeze: ['The clocks stand still.', { atMs, untilMs, target }],
  ClockDrift: [
    'The clocks run at another rate.',
    {
      atMs,
      untilMs,
      target,
      driftPpm: count('Parts per million by which they run fast; negative for slow.', -900_000, 10_000_000),
    },
  ],
  Crash: ["The target's process ends, and starts again from its disk.", { atMs, untilMs, target }],
  CrashAtWrite: ['The same, when the target next writes to its disk.', { atMs, downMs, target }],
  CrashLoop: [
    'The target crashes again and again.',
    {
      atMs,
      untilMs,
      target,
      upMs: milliseconds('How long it is up each time.', 1),
      downMs: milliseconds('How long it is down each time.', 1),
    },
  ],
  Blackout: ['All nodes crash at once, and start again one after another.', { atMs, untilMs }],
  Pause: ["The target's process stands still; what arrives waits.", { atMs, untilMs, target }],
  SlowNode: [
    'Every turn of the target takes longer.',
    { atMs, untilMs, target, turnUs: microseconds('By how much, in microseconds.') },
  ],
  Upgrade: [
    'The node stops, and starts again as another version.',
    { atMs, downMs, node: nodeNumber, version: count('A version of the machine, from 0.') },
  ],
  Join: [
    'A spare starts and is taken in.',
    {
      atMs,
      node: nodeNumber,
      role: { type: 'choice', about: 'What it is to be; a voter learns first.', of: ['voter', 'learner'] },
    },
  ],
  Promote: ['A learner is to vote.', { atMs, node: nodeNumber }],
  Leave: ['The node is taken out of the cluster.', { atMs, node: nodeNumber, stopAfterMs }],
  Replace: [
    "The node's machine and disk are lost, and a spare takes its place.",
    { atMs, node: nodeNumber, spare: nodeNumber },
  ],
  Reshape: [
    'Spares come and nodes go, all in one step.',
    { atMs, join: nodesOf('The spares that come.'), leave: nodesOf('The nodes that go.'), stopAfterMs },
  ],
  Transfer: [
    'The node is to lead the group.',
    { atMs, group: count('A group, by number.'), node: nodeNumber },
  ],
  HandOver: [
    'The node hands over all that it leads, stops, and starts again.',
    { atMs, node: nodeNumber, downMs },
  ],
};

const SHAPES: Readonly<Record<string, RecordShape>> = Object.fromEntries(
  Object.entries(FAULTS).map(([name, [about, fields]]) => [
    name,
    {
      type: 'record',
      about,
      fields: { type: { type: 'choice', about: 'The kind of fault.', of: [name] }, ...fields },
    },
  ]),
);

/** The kinds of fault, in the order of `fault.ts`. */
export const FAULT_KINDS = Object.keys(FAULTS) as readonly Fault['type'][];

export const faultShape: Shape = {
  type: 'tagged',
  about: 'What goes wrong; "type" says which kind of fault it is.',
  by: 'type',
  of: SHAPES,
};
