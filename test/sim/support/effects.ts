/** Counts what the storm did to a run, as seen from the machines: a fault that leaves no trace here did nothing. */

import type { NodeObserver } from '../../../sim/check/node-rules.js';

export interface Effects {
  /** Messages that were sent and never arrived, and that arrived. */
  lost: number;
  arrived: number;
  /** Messages that arrived once more. */
  repeated: number;
  /** Messages that arrived after one that was sent later over the same link. */
  overtaken: number;
  /** From the sending of a message to the turn that handles it. */
  longestDelayMs: number;
  crashes: number;
  /** Starts that are not a node's first. */
  restarts: number;
  /** Writes that were handed to a disk and lost with a crash, and that survived one without having been reported. */
  lostWrites: number;
  keptWrites: number;
  /** The longest time for which a running node took no turn. */
  longestSilenceMs: number;
  /** By how much the clocks of two nodes came to disagree about the time that had passed. */
  drift: number;
  largestTurn: number;
}

export function noEffects(): Effects {
  return {
    lost: 0,
    arrived: 0,
    repeated: 0,
    overtaken: 0,
    longestDelayMs: 0,
    crashes: 0,
    restarts: 0,
    lostWrites: 0,
    keptWrites: 0,
    longestSilenceMs: 0,
    drift: 0,
    largestTurn: 0,
  };
}

interface Watched {
  starts: number;
  up: boolean;
  lastTurnUs: number;
  startedUs: number;
  startedMonotonic: number;
  rate: number;
  /** Writes issued in this run, and how many of them were synced. */
  issued: number;
  synced: number;
  told: number;
}

/** An observer for `RunOptions.observer`; read the effects when the run is over. */
export function watchEffects(effects: Effects): (nowUs: () => number) => NodeObserver {
  return (nowUs) => {
    const nodes = new Map<number, Watched>();
    const sentAt = new Map<object, number>();
    const heard = new Set<object>();
    const newest = new Map<string, number>();
    const of = (node: number): Watched => {
      let watched = nodes.get(node);
      if (watched === undefined) {
        watched = {
          starts: 0,
          up: false,
          lastTurnUs: 0,
          startedUs: 0,
          startedMonotonic: 0,
          rate: 1,
          issued: 0,
          synced: 0,
          told: 0,
        };
        nodes.set(node, watched);
      }
      return watched;
    };
    type Step = Parameters<NodeObserver['stepped']>[3];
    const noteEffects = (node: number, step: Step): void => {
      for (const effect of step.effects) {
        if (effect.type === 'Persist') of(node).issued = effect.write;
        if (effect.type !== 'Send') continue;
        for (const message of effect.messages) {
          sentAt.set(message, nowUs());
          effects.lost += 1;
        }
      }
    };
    return {
      started(node, boot, step) {
        const watched = of(node);
        watched.starts += 1;
        if (watched.starts > 1) effects.restarts += 1;
        Object.assign(watched, {
          up: true,
          lastTurnUs: nowUs(),
          startedUs: nowUs(),
          issued: 0,
          synced: 0,
          told: 0,
        });
        watched.startedMonotonic = boot.now.monotonic;
        noteEffects(node, step);
      },
      stepped(node, _before, turn, step) {
        const watched = of(node);
        effects.longestSilenceMs = Math.max(effects.longestSilenceMs, (nowUs() - watched.lastTurnUs) / 1_000);
        effects.largestTurn = Math.max(effects.largestTurn, turn.events.length);
        watched.lastTurnUs = nowUs();
        const elapsedUs = nowUs() - watched.startedUs;
        if (elapsedUs > 1_000_000) {
          watched.rate = ((turn.now.monotonic - watched.startedMonotonic) * 1_000) / elapsedUs;
          for (const other of nodes.values()) {
            effects.drift = Math.max(effects.drift, Math.abs(other.rate - watched.rate));
          }
        }
        for (const event of turn.events) {
          if (event.type === 'WriteCompleted') watched.told = event.write;
          if (event.type !== 'MessageReceived') continue;
          const at = sentAt.get(event.message) ?? 0;
          effects.longestDelayMs = Math.max(effects.longestDelayMs, (nowUs() - at) / 1_000);
          if (heard.has(event.message)) effects.repeated += 1;
          else {
            heard.add(event.message);
            effects.lost -= 1;
            effects.arrived += 1;
          }
          const link = `${event.from}>${node}`;
          if (at < (newest.get(link) ?? 0)) effects.overtaken += 1;
          newest.set(link, Math.max(newest.get(link) ?? 0, at));
        }
        noteEffects(node, step);
      },
      synced(node, writes) {
        const last = writes.at(-1);
        if (last !== undefined) of(node).synced = last.write;
      },
      crashed(node) {
        const watched = of(node);
        watched.up = false;
        effects.crashes += 1;
        effects.lostWrites += watched.issued - watched.synced;
        effects.keptWrites += watched.synced - watched.told;
      },
    };
  };
}
