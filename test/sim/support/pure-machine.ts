/** Wraps a machine so that every step has to prove that it is pure. */

import { mixBytes, type Boot, type NodeMachine, type NodeState, type Stored } from '../../../core/index.js';
import { hashValue } from '../../../sim/index.js';
import { deepFreeze } from '../../core/support/pure.js';

type Turn = Parameters<NodeMachine['step']>[1];
type Step = ReturnType<NodeMachine['step']>;

export interface Proof {
  steps: number;
  /** Every byte array that went in or came out, with a digest of what it held then: bytes cannot be frozen. */
  readonly bytes: Map<Uint8Array, number>;
}

export function openProof(): Proof {
  return { steps: 0, bytes: new Map() };
}

/** How many byte arrays hold something else than when they were first seen. */
export function changedBytes({ bytes }: Proof): number {
  return [...bytes].filter(([array, digest]) => mixBytes(0, array) !== digest).length;
}

/** Every input and state is frozen, deep down, and every step is taken twice and must say the same. */
export function pureMachine(machine: NodeMachine, proof: Proof): NodeMachine {
  const twice = (what: string, inputs: readonly unknown[], take: () => Step): Step => {
    for (const input of inputs) deepFreeze(input);
    const first = take();
    const second = take();
    if (hashValue(first.state) !== hashValue(second.state)) {
      throw new Error(`${what}, taken twice, gives two states`);
    }
    if (hashValue(first.effects) !== hashValue(second.effects)) {
      throw new Error(`${what}, taken twice, gives two lists of effects`);
    }
    proof.steps += 1;
    noteBytes(proof, first.effects);
    return deepFreeze(first);
  };
  return {
    start(boot: Boot<Stored>) {
      noteBytes(proof, boot.stored);
      return twice('a start', [boot], () => machine.start(boot));
    },
    step(state: NodeState, turn: Turn) {
      noteBytes(proof, turn.events);
      return twice('a step', [state, turn], () => machine.step(state, turn));
    },
  };
}

function noteBytes(proof: Proof, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Uint8Array) {
    if (!proof.bytes.has(value)) proof.bytes.set(value, mixBytes(0, value));
    return;
  }
  for (const part of Object.values(value)) noteBytes(proof, part);
}
