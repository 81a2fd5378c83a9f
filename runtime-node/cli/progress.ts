/** A progress bar with rate and time left, on a terminal; nothing at all in a pipe. */

const WIDTH = 30;
const REDRAW_MS = 100;

export interface Progress {
  advance(): void;
  /** Clears the line. */
  finish(): void;
}

/** @param quiet draw nothing, wherever the output goes. */
export function createProgress(total: number, quiet: boolean): Progress {
  const stream = process.stderr;
  const silent = quiet || !stream.isTTY;
  const startedAt = performance.now();
  let done = 0;
  let drawnAt = 0;
  const draw = (): void => {
    const now = performance.now();
    if (now - drawnAt < REDRAW_MS && done < total) return;
    drawnAt = now;
    const seconds = (now - startedAt) / 1_000;
    const rate = done / Math.max(seconds, 0.001);
    const filled = Math.round((done / total) * WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    const left = rate > 0 ? `${Math.ceil((total - done) / rate)} s left` : '';
    stream.write(`\r[${bar}] ${done}/${total}  ${rate.toFixed(1)} seeds/s  ${left}\x1b[K`);
  };
  return {
    advance() {
      done += 1;
      if (!silent) draw();
    },
    finish() {
      if (!silent) stream.write('\r\x1b[K');
    },
  };
}

/** A line of figures that changes in place, on a terminal; nothing at all in a pipe. */
export interface Meter {
  /** @param text makes the line, from the seconds since the start; called only when it is drawn. */
  show(text: (seconds: number) => string): void;
  /** Clears the line. */
  finish(): void;
}

/** For work of which nobody knows how much there is. */
export function createMeter(quiet: boolean): Meter {
  const stream = process.stderr;
  const silent = quiet || !stream.isTTY;
  const startedAt = performance.now();
  let drawnAt = 0;
  return {
    show(text) {
      if (silent) return;
      const now = performance.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      stream.write(`\r${text(Math.max((now - startedAt) / 1_000, 0.001))}\x1b[K`);
    },
    finish() {
      if (!silent) stream.write('\r\x1b[K');
    },
  };
}
