/** The system that a command tries: ours, or one that a file exports. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { keyValueSystem, type Scenario, type System } from '../../sim/index.js';

/** A system whose types nobody knows here: only the tank handles its values. */
export type AnySystem = System<unknown, unknown, unknown, unknown, unknown, unknown>;

/**
 * @param file a module that exports `system`; ours when undefined.
 * @throws Error that says what is wrong with the file.
 */
export async function loadSystem(file: string | undefined): Promise<AnySystem> {
  if (file === undefined) return keyValueSystem() as unknown as AnySystem;
  let module: { readonly system?: Partial<AnySystem> };
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as typeof module;
  } catch (error) {
    throw new Error(`cannot load ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const { system } = module;
  if (typeof system?.begin !== 'function' || typeof system.storm !== 'function') {
    throw new Error(
      `${file} exports no system: it must hold \`export const system = defineSystem({ … })\` (see sim/system/README.md)`,
    );
  }
  return system as AnySystem;
}

export type AnyScenario = Scenario;
