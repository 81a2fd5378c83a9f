/**
 * A realm in which everything impure throws or is missing: only the language itself is there, and of that neither
 * clocks, chance nor promises.
 */

import { createContext, runInContext, type Context } from 'node:vm';
import type * as sim from '../../../sim/index.js';
import { BUNDLE_NAME } from './bundle.js';

/**
 * A fresh vm context has the language's globals and nothing of Node or of a browser: timers, `process`, `Buffer`,
 * `performance`, `crypto` and the like are missing already. What the language itself has of the impure is taken away
 * too. Text encoding is a pure function, and protobufjs wants it when it is loaded.
 */
const TRAPS = `
  'use strict';
  const trap = (name) => function () { throw new Error('impure: ' + name); };
  const replace = (owner, field) => Object.defineProperty(owner, field, { value: trap(field), writable: false, configurable: false });
  replace(Math, 'random');
  for (const name of ['Date', 'Promise', 'WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Intl']) {
    replace(globalThis, name);
  }
  for (const name of ['toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase', 'localeCompare', 'normalize']) {
    replace(String.prototype, name);
  }
  for (const name of ['toLocaleString']) {
    replace(Number.prototype, name);
    replace(Array.prototype, name);
  }
`;

export function createBareRealm(): Context {
  const realm = createContext(
    { TextEncoder, TextDecoder },
    {
      codeGeneration: { strings: false, wasm: false },
    },
  );
  runInContext(TRAPS, realm);
  return realm;
}

/** Evaluates the `iife` bundle in such a realm; the exports are values of that realm. */
export function loadSim(script: string, realm: Context = createBareRealm()): typeof sim {
  return runInContext(`${script}\n;${BUNDLE_NAME}`, realm) as typeof sim;
}
