/**
 * What scripts cost by themselves: parsing, planning and evaluating, with a store that answers at once.
 *
 * Processor time of this process, which the rest of the machine disturbs least. The rows of one kind grow by four: what they cost for each
 * statement must not.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  DEFAULT_SCRIPT_LIMITS,
  emptyPlanCache,
  findPlan,
  monotonicMs,
  prepareScript,
  ScriptCode,
  startScript,
  stepScript,
  wallMs,
  type ScriptAnswer,
  type ScriptEffect,
  type ScriptPlan,
} from '../../core/index.js';
import { median, type Section } from './table.js';

const REPETITIONS = 5;

const WINDOW_MICROSECONDS = 60_000;

/** What is not measured at first: until the engine has compiled what it will. */
const WARM_UP_MICROSECONDS = 500_000;

const now = { monotonic: monotonicMs(0), wall: wallMs(1_000_000) };
const limits = { ...DEFAULT_SCRIPT_LIMITS, maxSourceLength: 1 << 24, maxSteps: 1e9, maxMemoryBytes: 1 << 30 };
const SIZES = [1_000, 4_000, 16_000];

const SMALL =
  'let v = get `item/7`\nif to_int(v) >= 3 then\n  set `item/7` v - 3\n  return "taken"\nend\nthrow "short"';

/** One line of a kind, made long. */
const KINDS: Readonly<Record<string, (size: number) => string>> = {
  'writes of different keys': (size) => repeated(size, (i) => `set k${i} ${i}`),
  'reads into variables': (size) => repeated(size, (i) => `let v${i} = get k${i % 7}`),
  'assignments that build on each other': (size) =>
    `let v0 = 0 ${repeated(size, (i) => `let v${i + 1} = v${i} + 1`)}`,
  'one long sum': (size) => `return 0${repeated(size, (i) => ` + ${i}`)}`,
  'a loop of that many turns': (size) => `let n = 0 for i in 1..${size} do let n = n + i end return n`,
  'a text that grows': (size) => `let s = "" for i in 1..${size} do let s = concat(s, "x") end return len(s)`,
  'IF after IF': (size) => repeated(size, (i) => `if ${i} > 5 then let a = 1 else let a = 2 end`),
};

function repeated(size: number, line: (i: number) => string): string {
  return Array.from({ length: size }, (_, i) => line(i)).join('\n');
}

export function benchScripts(): Section {
  const cached = emptyPlanCache();
  const warm = findPlan(cached, { source: SMALL, hash: 'x', now: monotonicMs(0) }).cache;
  const bucket = readFileSync(
    fileURLToPath(new URL('../../../core/script/recipes/rate-limiting/token-bucket.script', import.meta.url)),
    'utf8',
  );
  const small = planOf(SMALL);
  const rows: (string | number)[][] = [
    ['script of six lines', perSecond(() => void prepareScript(SMALL)), perSecond(() => runPlan(small))],
    [
      'the same, plan from the cache',
      perSecond(() => void findPlan(warm, { source: SMALL, hash: 'x', now: monotonicMs(1) })),
      '',
    ],
    [
      'token bucket (recipe)',
      perSecond(() => void prepareScript(bucket)),
      perSecond(() => runPlan(planOfCached(bucket))),
    ],
  ];
  for (const [kind, make] of Object.entries(KINDS)) {
    for (const size of SIZES) {
      const source = make(size);
      const parse = microseconds(() => void prepareScript(source, limits)) / size;
      const plan = planOf(source);
      const run = microseconds(() => runPlan(plan)) / size;
      rows.push([`${kind}, ${size}`, `${parse.toFixed(2)} µs each`, `${run.toFixed(2)} µs each`]);
    }
  }
  return {
    title: 'Scripts: parsed and planned, evaluated',
    columns: ['', 'parse', 'run'],
    rows,
    notes: [`Median of ${REPETITIONS}; processor time. The first rows are in scripts a second.`],
  };
}

const plans = new Map<string, ScriptPlan>();

function planOfCached(source: string): ScriptPlan {
  const plan = plans.get(source) ?? planOf(source);
  plans.set(source, plan);
  return plan;
}

function planOf(source: string): ScriptPlan {
  const prepared = prepareScript(source, limits);
  if (prepared.type === 'Refused') throw new Error(prepared.problem.found);
  return prepared.plan;
}

const parameters = Object.entries({
  '@bucket': 'b',
  '@capacity': '100',
  '@every_ms': '10',
  '@tokens': '1',
}).map(([name, value]) => ({ name, value }));
const FIVE = new TextEncoder().encode('5');
const STATE = new TextEncoder().encode('50:999000');

function answerTo(effect: ScriptEffect): ScriptAnswer {
  if (effect.type === 'Begin') return { type: 'Begun' };
  if (effect.type !== 'Operate') return { type: 'Done' };
  const { operation } = effect;
  if (operation.type !== 'Get') return { type: 'Answered', code: ScriptCode.set, entries: [{ revision: 1 }] };
  const value = operation.key === 'b' ? STATE : FIVE;
  return { type: 'Answered', code: ScriptCode.got, entries: [{ key: operation.key, value, revision: 1 }] };
}

function runPlan(plan: ScriptPlan): void {
  let step = startScript({ plan, parameters, now, limits });
  while (step.type !== 'Ended') {
    const { evaluation } = step;
    step =
      step.type === 'Paused'
        ? stepScript(evaluation, { type: 'Elapsed', now })
        : stepScript(evaluation, { type: 'Answered', now, answers: step.effects.map(answerTo) });
  }
  if (step.outcome.code >= ScriptCode.errored) throw new Error(step.outcome.reason);
}

/** Processor time of one call. */
function microseconds(work: () => void): number {
  timeCalls(work, WARM_UP_MICROSECONDS);
  return median(Array.from({ length: REPETITIONS }, () => timeCalls(work, WINDOW_MICROSECONDS)));
}

function timeCalls(work: () => void, window: number): number {
  const before = process.cpuUsage();
  let calls = 0;
  let spent = 0;
  while (spent < window) {
    work();
    calls += 1;
    spent = process.cpuUsage(before).user;
  }
  return spent / calls;
}

function perSecond(work: () => void): string {
  const many = microseconds(() => {
    for (let i = 0; i < 100; i += 1) work();
  });
  return Math.round(1e8 / many).toLocaleString('en');
}
