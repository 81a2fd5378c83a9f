/** Worker threads that run scenarios, a few at a time, until there are no more or nobody wants more. */

import { Worker } from 'node:worker_threads';
import type { SeedResult } from '../../sim/index.js';
import type { Task, WorkerSettings, WorkerWord } from './sim-worker.js';

/** @param place that of the scenario in its task, or as the task says. */
export type OnResult = (result: SeedResult, place: number) => void;

export interface Pool {
  /** Runs every task that `next` gives, until it gives none, and hands over each result as it comes. */
  run(next: () => Task | undefined, onResult: OnResult): Promise<void>;
  close(): void;
}

export function createPool(size: number, settings: WorkerSettings): Pool {
  const workers = Array.from(
    { length: size },
    () => new Worker(new URL('./sim-worker.js', import.meta.url), { workerData: settings }),
  );
  return {
    async run(next, onResult) {
      await Promise.all(workers.map((worker) => feed(worker, next, onResult)));
    },
    close() {
      for (const worker of workers) worker.postMessage('stop' satisfies Task);
    },
  };
}

/** Gives one worker task after task. */
function feed(worker: Worker, next: () => Task | undefined, onResult: OnResult): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      worker.off('message', hear).off('error', fail).off('exit', leave);
    };
    const giveOne = (): void => {
      const task = next();
      if (task !== undefined) worker.postMessage(task);
      else {
        end();
        resolve();
      }
    };
    const hear = (word: WorkerWord): void => {
      if (word === 'done') giveOne();
      else onResult(word.result, word.place);
    };
    const fail = (error: unknown): void => {
      end();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const leave = (code: number): void => fail(new Error(`a worker ended with code ${code}`));
    worker.on('message', hear).on('error', fail).on('exit', leave);
    giveOne();
  });
}
