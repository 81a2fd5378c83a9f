import { runInContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNode, mixBytes, type NodeMachine } from '../../core/index.js';
import { run, stormScenario, type Report } from '../../sim/index.js';
import { createBareRealm, loadSim } from './support/bare-realm.js';
import { bundleSim } from './support/bundle.js';
import { changedBytes, openProof, pureMachine } from './support/pure-machine.js';

describe('a node under a storm', () => {
  it.each([1, 5])('takes only pure steps, under seed %i', (seed) => {
    const proof = openProof();

    const watched = run(stormScenario(seed), {
      machineOf: (options) => pureMachine(createNode(options), proof),
    });

    expect(watched.failure).toBeUndefined();
    expect(watched).toEqual(run(stormScenario(seed)));
    expect(proof.steps).toBeGreaterThan(1_000);
    expect(proof.bytes.size).toBeGreaterThan(100);
    expect(changedBytes(proof)).toBe(0);
  });
});

describe('the proof of purity', () => {
  const runWith = (spoil: (machine: NodeMachine) => NodeMachine): Report =>
    run(stormScenario(1), { machineOf: (options) => pureMachine(spoil(createNode(options)), openProof()) });

  it('refuses a machine that counts its calls', () => {
    let calls = 0;
    const spoil = ({ start, step }: NodeMachine): NodeMachine => ({
      start,
      step: (state, turn) => {
        const next = step(state, turn);
        calls += 1;
        return { ...next, state: { ...next.state, nextRead: calls } };
      },
    });

    expect(() => runWith(spoil)).toThrow('gives two states');
  });

  it('refuses a machine that says something else the second time', () => {
    let calls = 0;
    const spoil = ({ start, step }: NodeMachine): NodeMachine => ({
      start,
      step: (state, turn) => {
        calls += 1;
        const next = step(state, turn);
        return calls % 2 === 0 ? { ...next, effects: [...next.effects, ...next.effects] } : next;
      },
    });

    expect(() => runWith(spoil)).toThrow('gives two lists of effects');
  });

  it('refuses a machine that writes into its state', () => {
    const spoil = ({ start, step }: NodeMachine): NodeMachine => ({
      start,
      step: (state, turn) => {
        (state as { nextRead: number }).nextRead += 1;
        return step(state, turn);
      },
    });

    expect(() => runWith(spoil)).toThrow(TypeError);
  });

  it('sees bytes that were overwritten', () => {
    const proof = openProof();
    const value = new Uint8Array([1, 2, 3]);
    proof.bytes.set(value, mixBytes(0, value));

    value[1] = 9;

    expect(changedBytes(proof)).toBe(1);
  });

  it('refuses a machine that empties its inbox', () => {
    const spoil = ({ start, step }: NodeMachine): NodeMachine => ({
      start,
      step: (state, turn) => {
        (turn.events as unknown[]).length = 0;
        return step(state, turn);
      },
    });

    expect(() => runWith(spoil)).toThrow(TypeError);
  });
});

describe('a bare realm', () => {
  let script: string;

  beforeAll(async () => {
    script = await bundleSim('iife');
  });

  it('is enough for the core and the simulator', () => {
    const sim = loadSim(script);

    const there = sim.run(sim.stormScenario(9));

    expect(JSON.stringify(there)).toBe(JSON.stringify(run(stormScenario(9))));
  });

  it.each([
    'Date.now()',
    'new Date()',
    'Math.random()',
    'new Promise(() => {})',
    'Promise.resolve()',
    'setTimeout(() => {}, 0)',
    'setInterval(() => {}, 0)',
    'queueMicrotask(() => {})',
    'performance.now()',
    'process.hrtime()',
    'Buffer.from("a")',
    'crypto.getRandomValues(new Uint8Array(1))',
    'fetch("/")',
    'require("node:fs")',
    'new Intl.Collator()',
    '"a".localeCompare("b")',
    'new WeakRef({})',
  ])('refuses %s', (impurity) => {
    const realm = createBareRealm();

    expect(() => runInContext(impurity, realm) as unknown).toThrow();
  });
});
