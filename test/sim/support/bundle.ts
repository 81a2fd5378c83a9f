/** The core and the simulator as one script, for realms that have no module loader or no Node. */

import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The name under which the script leaves the simulator's exports in its realm. */
export const BUNDLE_NAME = 'wavetankSim';

/**
 * `es` is a module, for a worker or a browser; `iife` a script that defines one variable, for a bare realm.
 * Everything is inlined: a Node module that the simulator were to import would be missing.
 */
export async function bundleSim(format: 'es' | 'iife'): Promise<string> {
  const built = await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      lib: { entry: 'sim/index.ts', formats: [format], name: BUNDLE_NAME, fileName: 'sim' },
    },
  });
  const outputs = Array.isArray(built) ? built : [built];
  const chunks = outputs.flatMap((one) => ('output' in one ? one.output : []));
  const [chunk] = chunks;
  if (chunk?.type !== 'chunk' || chunks.length !== 1) {
    throw new Error(`the simulator was expected to become one file, but became ${chunks.length}`);
  }
  return chunk.code;
}
