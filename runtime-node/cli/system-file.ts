/** The system that a command tries: ours, or one that a file exports. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { keyValueSystem, scenarioOf, type System } from '../../sim/index.js';
import { reasonOf } from './refuse.js';

/** A system whose types nobody knows here: only the tank handles its values. */
export type AnySystem = System<unknown, unknown, unknown, unknown, unknown, unknown>;

export const DEFAULT_PROFILE = 'storm';

/**
 * @param file a module that exports `system`; ours when undefined.
 * @param profile the flavour of our storms; only for our own system.
 * @throws Error that says what is wrong with the file, or names the profiles when there is none of this name.
 */
export async function loadSystem(file: string | undefined, profile = DEFAULT_PROFILE): Promise<AnySystem> {
  if (file === undefined) {
    scenarioOf(profile, 0);
    const storm = (seed: number): ReturnType<typeof scenarioOf> => scenarioOf(profile, seed);
    const system = keyValueSystem();
    return (profile === DEFAULT_PROFILE
      ? system
      : { ...system, storm, flavours: [] }) as unknown as AnySystem;
  }
  if (profile !== DEFAULT_PROFILE) throw new Error('--profile knows only our own system; leave out --system');
  let module: { readonly system?: Partial<AnySystem> };
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as typeof module;
  } catch (error) {
    throw new Error(`cannot load ${file}: ${reasonOf(error)}`, {
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
