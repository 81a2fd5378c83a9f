/** Ending a long-running command: the first signal asks it to stop, the second one does not ask. */

import { ExitCode } from './exit-codes.js';

/**
 * Runs `stop` on SIGINT, SIGTERM, SIGHUP, or when the process that started this one over an IPC channel is gone; then
 * exits with 0.
 *
 * @param stop is told whether others go on: SIGTERM stops one process, the rest are a person or a parent that stops all.
 */
export function stopOnSignals(
  stop: (othersGoOn: boolean) => Promise<void>,
  atOnce: () => void = () => undefined,
): void {
  let stopping = false;
  const asked = (signal: string): void => {
    if (stopping) {
      atOnce();
      process.exit(ExitCode.interrupted);
    }
    stopping = true;
    stop(signal === 'SIGTERM').then(
      () => process.exit(ExitCode.ok),
      (error: unknown) => {
        process.stderr.write(`error: could not stop cleanly: ${String(error)}\n`);
        process.exit(ExitCode.fatal);
      },
    );
  };
  process.on('SIGINT', asked);
  process.on('SIGTERM', asked);
  process.on('SIGHUP', asked);
  if (process.connected) process.on('disconnect', () => asked('disconnect'));
}
