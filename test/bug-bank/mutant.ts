/**
 * A mutant: the core and the simulator with a change planted in a copy of their source, and what a sweep makes of it.
 *
 * The copy is transpiled without a type check, so that a change may be as crude as it likes, into a folder of its own
 * and run in a process of its own: a mutant that hangs or eats memory harms nobody.
 */

import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { RaftBound } from '../../sim/index.js';

const ROOT = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url),
);
const ROOMS = ['core', 'sim'] as const;

/** One replacement in one file. `find` must stand there exactly once, or the mutant is out of date. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** What is changed, as the end of a sentence. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The storms in which it is hunted; the default ones when absent. */
  readonly profile?: string;
}

export interface Found {
  readonly seed: number;
  /** Of the mutant's process alone. */
  readonly seconds: number;
  readonly property: string;
  readonly detail: string;
}

export interface Hunt {
  /** The seeds that are run, in this order, until one fails. */
  readonly seeds: readonly number[];
  /** Scenarios chosen by a guide instead: the seeds then only count them, from the first on. */
  readonly guided?: boolean;
  /** A process that is silent for so long over one seed hangs, and that is a failure too. */
  readonly patienceMs?: number;
}

/** The first seed under which the mutant breaks something; undefined when it survives all of them. */
export async function hunt(
  mutant: Mutant,
  { seeds, guided = false, patienceMs = 120_000 }: Hunt,
): Promise<Found | undefined> {
  const folder = writeMutant(mutant.edits);
  try {
    const words = [guided ? 'guided' : 'plain', mutant.profile ?? 'storm', ...seeds.map(String)];
    return await runSeeds(folder, words, seeds, patienceMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is explored of a mutant's Raft; what is not said is as in `DEFAULT_RAFT_BOUND`. */
export interface Search {
  readonly bound: Partial<RaftBound>;
  /** Steps that lead to where the exploration starts; from the beginning when absent. */
  readonly after?: readonly string[];
  readonly maxStates: number;
}

export interface Explored {
  readonly verdict: 'holds' | 'broken' | 'unknown';
  readonly states: number;
  readonly generated: number;
  readonly depth: number;
  readonly seconds: number;
  readonly breach?: { readonly property: string; readonly detail: string };
  /** The shortest way from where the exploration started. */
  readonly steps?: readonly string[];
}

/** Explores a mutant's Raft, breadth-first, in a process of its own. */
export async function exploreMutant(mutant: Mutant, search: Search): Promise<Explored> {
  const folder = writeMutant(mutant.edits);
  try {
    return await runExplorer(folder, search);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runExplorer(folder: string, search: Search): Promise<Explored> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, 'explore.js'), JSON.stringify(search)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Explored);
      else reject(new Error(`the mutant was not explored: ${complaints}`));
    });
  });
}

/** The text of a file with the edits that are meant for it. */
export function applyEdits(file: string, source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { file: target, find, replace } of edits) {
    if (target !== file) continue;
    const places = text.split(find).length - 1;
    if (places !== 1) {
      throw new Error(
        `the text to be changed stands ${places} times in ${file}, not once; has the code moved on?\n${find}`,
      );
    }
    text = text.replace(find, () => replace);
  }
  return text;
}

/** Writes the mutant into a folder of its own, with `runner` as what its process does. Gives the folder. */
export function writeMutant(edits: readonly Edit[], runner = RUNNER): string {
  for (const { file } of edits) {
    if (!sources().has(file)) throw new Error(`there is no ${file} to be changed`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'wavetank-mutant-'));
  const edited = new Set(edits.map(({ file }) => file));
  for (const [file, { source, script }] of sources()) {
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, edited.has(file) ? transpile(applyEdits(file, source, edits)) : script);
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  writeFileSync(join(folder, 'main.js'), runner);
  writeFileSync(join(folder, 'explore.js'), EXPLORER);
  return folder;
}

let cached: ReadonlyMap<string, { readonly source: string; readonly script: string }> | undefined;

function sources(): ReadonlyMap<string, { readonly source: string; readonly script: string }> {
  cached ??= new Map(
    ROOMS.flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
        .map((name) => {
          const file = `${room}/${name.replaceAll('\\', '/')}`;
          const source = readFileSync(join(ROOT, file), 'utf8');
          return [file, { source, script: transpile(source) }] as const;
        }),
    ),
  );
  return cached;
}

function transpile(source: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

/**
 * Runs in the mutant's own process: one line of JSON for each seed, and an end at the first failure. A run that needs
 * more events than any scenario of its kind may have hangs in virtual time, however fast it does so.
 */
const RUNNER = `
import { createGuide, keyValueSystem, run, scenarioOf } from './sim/index.js';
const say = (line) => process.stdout.write(JSON.stringify(line) + '\\n');
const [way, profile, ...seeds] = process.argv.slice(2);
const storm = (seed) => scenarioOf(profile, seed);
const guide = way === 'guided' ? createGuide({ ...keyValueSystem(), storm }, Number(seeds[0])) : undefined;
let number = 0;
for (const seed of seeds.map(Number)) {
  let failure;
  number += 1;
  try {
    const scenario = guide === undefined ? storm(seed) : guide.next(number);
    const report = run(scenario);
    guide?.learn(scenario, report);
    if (report.verdict === 'invalid') failure = report.failure;
    else if (report.verdict === 'unknown' && report.excuse?.includes('events')) {
      failure = { property: 'no end', detail: report.excuse };
    }
  } catch (error) {
    failure = { property: 'exception', detail: String(error?.stack ?? error) };
  }
  const { user, system } = process.cpuUsage();
  const seconds = (user + system) / 1e6;
  say({ seed, seconds, property: failure?.property, detail: failure?.detail });
  if (failure !== undefined) break;
}
`;

/** Runs in the mutant's own process, too. */
const EXPLORER = `
import { DEFAULT_RAFT_BOUND, explore, raftModel, startAfter } from './sim/explore/index.js';
const { bound, after, maxStates } = JSON.parse(process.argv[2]);
const whole = raftModel({ ...DEFAULT_RAFT_BOUND, ...bound });
const model = after === undefined ? whole : startAfter(whole, after);
const startedAt = performance.now();
const result = explore(model, { order: 'breadth', maxStates });
const { verdict, states, generated, depth, breach, counterexample } = result;
const seconds = Math.round(performance.now() - startedAt) / 1000;
const steps = counterexample?.map((action) => model.describe(action));
process.stdout.write(JSON.stringify({ verdict, states, generated, depth, seconds, breach, steps }));
`;

function runSeeds(
  folder: string,
  words: readonly string[],
  seeds: readonly number[],
  patienceMs: number,
): Promise<Found | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, 'main.js'), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let complaints = '';
    let hung = false;
    const giveUp = (): void => {
      hung = true;
      child.kill('SIGKILL');
    };
    let alarm = setTimeout(giveUp, patienceMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      clearTimeout(alarm);
      alarm = setTimeout(giveUp, patienceMs);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(alarm);
      const lines = output
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Partial<Found> & { readonly seed: number });
      const found = lines.find((line): line is Found => line.property !== undefined);
      if (found !== undefined) resolve(found);
      else if (hung || code !== 0) {
        const seed = seeds[lines.length];
        if (seed === undefined || (lines.length === 0 && !hung))
          reject(new Error(`the mutant in ${folder} did not run: ${complaints}`));
        else
          resolve({
            seed,
            seconds: lines.at(-1)?.seconds ?? 0,
            property: hung ? 'hang' : 'crash',
            detail: complaints,
          });
      } else resolve(undefined);
    });
  });
}
