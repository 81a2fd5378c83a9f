/**
 * What it costs to judge long histories, and those of the sizes at which other checkers are measured: a hundred logs of a register with
 * many lost answers, as of Jepsen's tests of etcd, and fifty clients that append to a few keys.
 */

import {
  unconditional,
  checkLinearizable,
  checkLocks,
  checkSequences,
  judgeHistory,
  keyValueModel,
  registerModel,
  textModel,
  textModelFor,
  type KeyValueInput,
  type KeyValueOutput,
  type KeyValueState,
  type RegisterInput,
  type RegisterOutput,
  type RegisterState,
  type TextInput,
  type TextOutput,
  type TextState,
} from '../../sim/index.js';
import { answer } from '../../sim/check/linearizability/key-value-model.js';
import { classicLog, recordHonest, recordLocks, recordSequences, type Recorder } from './recorded.js';
import { median, type Section } from './table.js';

const OPERATIONS = 100_000;
const LOGS = 102;
const REPETITIONS = 5;

export function benchHistories(): Section {
  const many = { operations: OPERATIONS, keys: 200, clients: 10 };
  const registers = recordHonest(many, register);
  const keyValues = recordHonest(many, keyValue);
  const oneKey = recordHonest({ ...many, keys: 1 }, keyValue);
  const fifty = recordHonest({ operations: 1_700, keys: 10, clients: 50 }, text);
  const logs = Array.from({ length: LOGS }, (_, seed) => classicLog(seed));
  const lines = logs.reduce((sum, log) => sum + log.split('\n').length - 1, 0);
  const locks = recordLocks(OPERATIONS, 10);
  const sequences = recordSequences(OPERATIONS, 10);
  return {
    title: 'Judging histories, one core',
    columns: ['', 'operations', 'ms', 'a second', 'MB taken'],
    rows: [
      row('register, 200 keys', OPERATIONS, () => checkLinearizable(registerModel, registers).verdict),
      row('key/value, 200 keys', OPERATIONS, () => checkLinearizable(keyValueModel, keyValues).verdict),
      row('key/value, 1 key', OPERATIONS, () => checkLinearizable(keyValueModel, oneKey).verdict),
      row(
        'texts, 10 keys, 50 clients',
        fifty.length,
        () => checkLinearizable(textModelFor(fifty), fifty).verdict,
      ),
      row(`${LOGS} logs of a register`, Math.round(lines / 2), () =>
        count(logs.map((log) => judgeHistory(log, { model: 'cas-register', format: 'log' }).verdict)),
      ),
      row('locks, 10', OPERATIONS, () => checkLocks(locks).verdict),
      row('sequences, 10', OPERATIONS, () => checkSequences(sequences, { isContiguous: true }).verdict),
    ],
    notes: [
      `CPU time of the process, the median of ${REPETITIONS} runs after one to warm up; ten clients where not said otherwise.`,
      'The logs are read, judged and explained. Memory is what a run added to the heap, garbage included.',
    ],
  };
}

const register: Recorder<RegisterState, RegisterInput, RegisterOutput> = {
  initial: registerModel.initial,
  inputOf: (draw) => (draw(2) === 0 ? { type: 'read' } : { type: 'write', value: String(draw(1_000)) }),
  execute: (state, input) =>
    input.type === 'read'
      ? { state, output: { type: 'read', value: state.value } }
      : { state: { value: input.value }, output: { type: 'written' } },
};

const keyValue: Recorder<KeyValueState, KeyValueInput, KeyValueOutput> = {
  initial: keyValueModel.initial,
  inputOf: (draw, id) =>
    draw(2) === 0 ? { type: 'get' } : { type: 'set', value: `v${id}`, condition: unconditional },
  execute: (state, input) => ({
    state: keyValueModel.step(state, input, undefined) ?? state,
    output: answer(state, input),
  }),
};

const text: Recorder<TextState, TextInput, TextOutput> = {
  initial: textModel.initial,
  inputOf: (draw, id) =>
    draw(3) === 0 ? { type: 'get' } : { type: draw(9) === 0 ? 'put' : 'append', text: `x ${id} y` },
  execute: (state, input) => ({
    state: textModel.step(state, input, undefined) ?? state,
    output: input.type === 'get' ? { type: 'got', text: state.text } : { type: 'written' },
  }),
};

function row(name: string, operations: number, judge: () => string): (string | number)[] {
  const verdict = judge();
  const runs = Array.from({ length: REPETITIONS }, () => {
    const heapBefore = process.memoryUsage().heapUsed;
    const before = process.cpuUsage();
    judge();
    const { user, system } = process.cpuUsage(before);
    return { ms: (user + system) / 1_000, heap: process.memoryUsage().heapUsed - heapBefore };
  });
  const ms = median(runs.map((run) => run.ms));
  const heap = median(runs.map((run) => run.heap)) / 1e6;
  return [
    `${name}: ${verdict}`,
    operations,
    ms.toFixed(0),
    Math.round((operations / ms) * 1_000),
    heap.toFixed(0),
  ];
}

function count(verdicts: readonly string[]): string {
  const valid = verdicts.filter((verdict) => verdict === 'valid').length;
  const invalid = verdicts.filter((verdict) => verdict === 'invalid').length;
  return `${valid} valid, ${invalid} invalid, ${verdicts.length - valid - invalid} unknown`;
}
