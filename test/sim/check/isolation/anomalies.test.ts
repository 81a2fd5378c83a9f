import { describe, expect, it } from 'vitest';
import { checkIsolation, type IsolationLevel } from '../../../../sim/check/isolation/index.js';
import {
  aborted,
  allowed,
  broken,
  during,
  everyLevel,
  forbidden,
  historyOf,
  lists,
  registers,
  unknown,
  type Line,
} from './histories.js';

const from = (first: IsolationLevel): readonly IsolationLevel[] =>
  everyLevel.slice(everyLevel.indexOf(first));

/** What each history must be called, and where it is forbidden. */
const listAnomalies: readonly (readonly [
  name: string,
  title: string,
  lines: readonly Line[],
  levels: readonly IsolationLevel[],
])[] = [
  ['G0', 'dirty write', ['ax1 ay1', 'ax2 ay2', 'rx12 ry21'], everyLevel],
  ['G1a', 'aborted read', [['ax1', aborted], 'rx1 ax2'], from('read-committed')],
  [
    'dirty-update',
    'dirty update: an aborted write was built upon',
    [['ax1', aborted], 'ax2', 'rx12'],
    from('read-committed'),
  ],
  ['G1b', 'intermediate read', ['ax1 ax2', 'rx1', 'rx12'], from('read-committed')],
  ['G1c', 'circular information flow', ['ax1 ry1', 'ax2 ay1', 'rx12'], from('read-committed')],
  [
    'incompatible-order',
    'incompatible order: reads that no order of the appends explains',
    ['ax1', 'ax2', 'rx1', 'rx2'],
    from('read-committed'),
  ],
  [
    'incompatible-order',
    'incompatible order: reads that no order of the appends explains',
    ['ax1 ax2', 'rx2'],
    from('read-committed'),
  ],
  [
    'incompatible-order',
    'incompatible order: reads that no order of the appends explains',
    ['ax1 ax2', 'rx21'],
    from('read-committed'),
  ],
  [
    'future-read',
    'future read: a transaction read what it wrote only later',
    ['rx1 ax1', 'ry ay1', 'ry1'],
    from('read-committed'),
  ],
  ['garbage-read', 'garbage read: a value that nobody wrote', ['rx7', 'ax1'], everyLevel],
  [
    'duplicate-elements',
    'duplicate elements: one append took effect twice',
    ['ax1', 'ax2', 'rx121'],
    everyLevel,
  ],
  [
    'internal',
    'internal inconsistency: a transaction contradicts itself',
    ['ax1 rx', 'rx1'],
    from('snapshot-isolation'),
  ],
  ['lost-update', 'lost update', ['rx ax1', 'rx ax2', 'rx12'], from('snapshot-isolation')],
  ['G-single', 'read skew', ['ax1 ay1', 'rx1 ry'], from('snapshot-isolation')],
  [
    'G-single-predicate',
    'phantom: read skew of a predicate',
    ['aka1 ay1', 'sk: ry1'],
    ['snapshot-isolation', 'serializable', 'strong-session-serializable', 'strict-serializable'],
  ],
  [
    'G-nonadjacent',
    'read skew over several transactions',
    ['ax1', 'rx1 ry', 'ay1', 'ry1 rx'],
    from('snapshot-isolation'),
  ],
  [
    'G-nonadjacent-predicate',
    'phantom: read skew of predicates over several transactions',
    ['aka1', 'ska:ka=1 sq:', 'aqa1', 'sq:qa=1 sk:'],
    ['snapshot-isolation', 'serializable', 'strong-session-serializable', 'strict-serializable'],
  ],
  ['G2-item', 'write skew', ['rx ay1', 'ry ax1'], from('repeatable-read')],
  ['G2-item', 'cycle of anti-dependencies', ['rx ay1', 'ry az1', 'rz ax1'], from('repeatable-read')],
  ['G2', 'phantom: write skew with a predicate', ['sk: aka1', 'sk: akb1'], from('serializable')],
  [
    'G-single-process',
    'non-monotonic session (read skew, against the order of a session)',
    ['ax1', ['rx1', during(0, 1, 'c')], ['rx', during(2, 3, 'c')]],
    from('strong-session-serializable'),
  ],
  [
    'G0-process',
    'non-monotonic session (dirty write, against the order of a session)',
    [['ax1', during(0, 1, 'c')], ['ax2', during(2, 3, 'c')], 'rx21'],
    from('strong-session-serializable'),
  ],
  [
    'G1c-process',
    'non-monotonic session (circular information flow, against the order of a session)',
    [
      ['rx1', during(0, 1, 'c')],
      ['ax1', during(2, 3, 'c')],
    ],
    from('strong-session-serializable'),
  ],
  [
    'G-single-realtime',
    'real-time violation (read skew, against the order of time)',
    [
      ['ax1', during(0, 1)],
      ['rx', during(2, 3)],
    ],
    ['strict-serializable'],
  ],
  [
    'G0-realtime',
    'real-time violation (dirty write, against the order of time)',
    [['ax1', during(0, 1)], ['ax2', during(2, 3)], 'rx21'],
    ['strict-serializable'],
  ],
  [
    'G1c-realtime',
    'real-time violation (circular information flow, against the order of time)',
    [
      ['rx1', during(0, 1)],
      ['ax1', during(2, 3)],
    ],
    ['strict-serializable'],
  ],
  [
    'G2-item-realtime',
    'real-time violation (write skew, against the order of time)',
    [
      ['rx ay1', during(0, 9)],
      ['ax1', during(0, 1)],
      ['ry', during(2, 9)],
    ],
    ['strict-serializable'],
  ],
];

describe('a history of lists', () => {
  it.each(listAnomalies)('that has %s (%s) is rejected by that name', (name, title, lines, levels) => {
    const level = levels[0] as IsolationLevel;

    const result = lists(level, ...lines);

    expect(result.verdict).toBe('invalid');
    expect(forbidden(result)).toContain(name);
    expect(result.anomalies.find((anomaly) => anomaly.name === name)?.title).toBe(title);
  });

  it.each(listAnomalies)('that has %s (%s) is rejected from its level on', (_name, _title, lines, levels) => {
    expect(broken('list-append', ...lines)).toEqual(levels);
  });
});

const registerAnomalies: readonly (readonly [
  name: string,
  lines: readonly Line[],
  levels: readonly IsolationLevel[],
])[] = [
  ['garbage-read', ['rx7', 'wx1'], everyLevel],
  ['G1a', [['wx1', aborted], 'rx1'], from('read-committed')],
  ['dirty-update', [['wx1', aborted], 'rx1 wx2'], from('read-committed')],
  ['G1b', ['wx1 wx2', 'rx1'], from('read-committed')],
  ['G1c', ['wx1 ry1', 'wy1 rx1'], from('read-committed')],
  ['G1c', ['rx1 wx2', 'rx2 wx1'], from('read-committed')],
  ['G0', ['wx1 wy2', 'wx2 wy1', 'rx1 ry1'], from('snapshot-isolation')],
  ['G-single', ['wx1 wy1', 'rx1 ry1 wx2 wy2', 'rx2 ry1'], from('snapshot-isolation')],
  ['future-read', ['rx1 wx1'], from('read-committed')],
  ['internal', ['rx1 wx2 rx1', 'wx1'], from('snapshot-isolation')],
  ['internal', ['wx1', 'rx_ rx1'], from('snapshot-isolation')],
  ['lost-update', ['rx_ wx1', 'rx_ wx2'], from('snapshot-isolation')],
  ['lost-update', ['wx1', 'rx1 wx2', 'rx1 wx3'], from('snapshot-isolation')],
  ['G-single', ['wx1 wy1', 'rx1 ry_'], from('snapshot-isolation')],
  ['G-nonadjacent', ['wx1', 'rx1 ry_', 'wy1', 'ry1 rx_'], from('snapshot-isolation')],
  ['G2-item', ['rx_ wy1', 'ry_ wx1'], from('repeatable-read')],
  ['G2', ['sk: wka1', 'sk: wkb1'], from('serializable')],
  [
    'G-single-process',
    ['wx1', ['rx1', during(0, 1, 'c')], ['rx_', during(2, 3, 'c')]],
    from('strong-session-serializable'),
  ],
  [
    'G-single-realtime',
    [
      ['wx1', during(0, 1)],
      ['rx_', during(2, 3)],
    ],
    ['strict-serializable'],
  ],
  [
    'G-single-realtime',
    [
      ['wx1', during(0, 1)],
      ['wx2', during(2, 3)],
      ['rx1', during(4, 5)],
    ],
    ['strict-serializable'],
  ],
  [
    'cyclic-versions',
    [
      ['wx1', during(0, 1)],
      ['wx2', during(0, 9)],
      ['rx2', during(2, 3)],
      ['rx1', during(4, 5)],
    ],
    ['strict-serializable'],
  ],
];

describe('a history of registers', () => {
  it.each(registerAnomalies)('that has %s is rejected by that name: %j', (name, lines, levels) => {
    const level = levels[0] as IsolationLevel;

    expect(forbidden(registers(level, ...lines))).toContain(name);
  });

  it.each(registerAnomalies)('that has %s is rejected from its level on: %j', (_name, lines, levels) => {
    expect(broken('rw-register', ...lines)).toEqual(levels);
  });
});

describe('an anomaly that the level allows', () => {
  it('is reported as such and does not make the history invalid', () => {
    const result = lists('snapshot-isolation', 'rx ay1', 'ry ax1');

    expect(result.verdict).toBe('valid');
    expect(forbidden(result)).toEqual([]);
    expect(allowed(result)).toEqual(['G2-item']);
  });

  it('stands after those that the level forbids', () => {
    const result = lists('read-committed', 'rx ax1', 'rx ax2', 'rx12', ['ay1', aborted], 'ry1');

    expect(result.anomalies.map((anomaly) => [anomaly.name, anomaly.allowed])).toEqual([
      ['G1a', false],
      ['lost-update', true],
    ]);
  });

  it('is a stale read where only serializability was promised', () => {
    const result = lists('serializable', ['ax1', during(0, 1)], ['rx', during(2, 3)]);

    expect(result.verdict).toBe('valid');
    expect(allowed(result)).toEqual(['G-single-realtime']);
  });
});

describe('a transaction of unknown outcome', () => {
  it('has committed once a committed one has read what it wrote', () => {
    const result = lists('serializable', ['ax1 ay1', unknown], 'rx1 ry');

    expect(forbidden(result)).toEqual(['G-single']);
    expect(result.statistics.resolved).toBe(1);
  });

  it('has committed also when the one that read from it is itself only known by being read', () => {
    const result = lists('serializable', ['ax1 ay1', unknown], ['rx1 az1', unknown], 'rz1 ry');

    expect(result.verdict).toBe('invalid');
    expect(result.statistics.resolved).toBe(2);
  });

  it('is no aborted read, and none of its effects need ever show', () => {
    expect(lists('strict-serializable', ['ax1', unknown], 'rx ay1', 'ry1').verdict).toBe('valid');
    expect(lists('strict-serializable', ['ax1', unknown], 'rx1 ay1', 'ry1').verdict).toBe('valid');
  });

  it('may take effect long after its time of giving up', () => {
    const lines: readonly Line[] = [
      ['ax1', { outcome: 'unknown', invokedAt: 0, answeredAt: 1 }],
      ['rx', during(2, 3)],
      ['rx1', during(4, 5)],
    ];

    expect(broken('list-append', ...lines)).toEqual([]);
  });

  it('cannot take effect before it was invoked', () => {
    const lines: readonly Line[] = [
      ['rx1', during(0, 1)],
      ['ax1', { ...unknown, invokedAt: 2 }],
    ];

    expect(broken('list-append', ...lines)).toEqual(['strict-serializable']);
  });

  it('does not hold up the session that goes on after it', () => {
    const lines: readonly Line[] = [
      ['ax1', { ...unknown, client: 'c' }],
      ['rx', during(2, 3, 'c')],
      ['rx1', during(4, 5, 'c')],
    ];

    expect(broken('list-append', ...lines)).toEqual([]);
  });

  it('says nothing by its own reads while nobody has read what it wrote', () => {
    expect(broken('list-append', 'ax1 ay1', ['rx1 ry', unknown], 'rx1 ry1')).toEqual([]);
  });
});

describe('histories that must be accepted', () => {
  it.each<readonly [string, readonly Line[]]>([
    ['one after another', ['ax1', 'rx1 ax2', 'rx12 ay1', 'ry1']],
    ['reads whose results are not known', ['ax1 ay1', 'rx1 ry?', 'rx? ry']],
    ['aborted transactions that nobody saw', [['ax1', aborted], 'rx ax2', 'rx2']],
    ['what an aborted transaction read', ['ax1 ay1', ['rx1 ry', aborted], 'rx1 ry1']],
    ['a read of the own appends between others', ['ax1', 'rx1 ax2 rx12 ax3 rx123', 'rx123']],
    ['appends that no read shows', ['ax1', 'ax2', 'rx', 'ay1', 'ry1']],
    ['the example of Adya, figure 3', ['az1 ax1 ay1', 'rx1 ay2', 'ry12 az3', 'rz13']],
    ['a scan that finds all', ['aka1', 'akb1 akb2', 'sk:ka=1,kb=2 akc1', 'sk:ka=1,kb=2,kc=1']],
    ['a scan of its own appends', ['aka1', 'sk:ka=1 akb1 sk:ka=1,kb=1', 'sk:ka=1,kb=1']],
    ['a scan with no known result', ['aka1', 'sk? akb1', 'sk:ka=1,kb=1']],
    [
      'a read that overlaps the append it does not see',
      [
        ['ax1', during(0, 5)],
        ['rx', during(5, 9)],
      ],
    ],
  ])('lists: %s', (_name, lines) => {
    expect(broken('list-append', ...lines)).toEqual([]);
  });

  it.each<readonly [string, readonly Line[]]>([
    ['one after another', ['wx1', 'rx1 wx2', 'rx2 wy1', 'ry1']],
    ['writes in either order', ['wx1 wy1', 'wx2 wy2', 'rx1 ry1', 'rx2 ry2']],
    ['reads of two writers, of which one wrote only one key', ['wx1 wy1', 'wx2', 'rx2 ry1', 'rx1 ry1']],
    ['its own writes, read again', ['ry_ wx2 rx2 wx1 rx1', 'rx1 wy1']],
    ['two readers of one value', ['wx1', 'rx1 wy1', 'rx1 wz1', 'ry1 rz1']],
    [
      'two writes at once, then reads that agree',
      [
        ['wx1', during(0, 9)],
        ['wx2', during(0, 9)],
        ['rx1', during(10, 11)],
        ['rx1', during(12, 13)],
      ],
    ],
    [
      'a reader that comes back to the older of two writes under way',
      [
        ['wx1', during(0, 20)],
        ['wx2', during(0, 20)],
        ['rx1', during(10, 15)],
        ['rx2', during(11, 16)],
        ['rx1', during(14, 19)],
      ],
    ],
  ])('registers: %s', (_name, lines) => {
    expect(broken('rw-register', ...lines)).toEqual([]);
  });
});

describe('a history that proves nothing', () => {
  it.each<readonly [string, readonly Line[], string]>([
    ['nothing at all', [], 'No transaction was committed'],
    ['only aborted ones', [['ax1', aborted]], 'No transaction was committed'],
    ['nothing but writes', ['ax1', 'ax2 ay1'], 'read anything'],
    ['reads that met no write of another', ['rx', 'ry az1'], 'read or replaced'],
  ])('is unknown: %s', (_name, lines, note) => {
    const result = lists('strict-serializable', ...lines);

    expect(result.verdict).toBe('unknown');
    expect(result.notes.join(' ')).toContain(note);
  });

  it('is unknown when the budget does not suffice to look at it once', () => {
    const history = historyOf('list-append', ['rx ay1', 'ry ax1']);

    const result = checkIsolation(history, { model: 'list-append', level: 'serializable', maxSteps: 3 });

    expect(result.verdict).toBe('unknown');
    expect(result.notes.join(' ')).toContain('maxSteps = 3');
  });
});

describe('a malformed history', () => {
  it.each<readonly [string, readonly Line[], string]>([
    ['a value written twice', ['ax1', 'ay1 ax1'], 'writes 1 to "x", which the history writes a second time'],
    ['an id twice', ['ax1', ['ax2', { id: 1 }]], 'repeats an id'],
    ['an id that is no integer', [['ax1', { id: 0.5 }]], 'not an integer'],
    ['a commit without an answer', [['ax1', { answeredAt: undefined }]], 'its outcome is unknown'],
    ['an answer before the invocation', [['ax1', during(5, 4)]], 'before its invocation'],
    ['no time', [['ax1', during(Number.NaN, 4)]], 'not a time'],
    ['an operation of the other model', ['wx1'], 'belongs to the model rw-register'],
  ])('is refused: %s', (_name, lines, message) => {
    expect(() => lists('serializable', ...lines)).toThrow(message);
  });

  it('is refused with the first few of many problems', () => {
    const lines = Array.from({ length: 9 }, (): Line => ['', { answeredAt: undefined }]);

    expect(() => lists('serializable', ...lines)).toThrow('… and 4 more.');
  });

  it.each([
    ['a level that there is not', { level: 'linearizable' as IsolationLevel }],
    ['a budget of nothing', { maxSteps: 0 }],
  ])('and so is %s', (_name, options) => {
    expect(() => checkIsolation([], { model: 'list-append', level: 'serializable', ...options })).toThrow(
      /linearizable|maxSteps/,
    );
  });
});
