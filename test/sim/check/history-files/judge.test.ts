import { describe, expect, it } from 'vitest';
import {
  guessFormat,
  judgeHistory,
  UnreadableHistory,
  type JudgedModel,
  type Judgement,
} from '../../../../sim/check/history-files/index.js';

const judge = (model: JudgedModel, text: string, initial?: string): Judgement =>
  judgeHistory(text, { model, format: 'auto', ...(initial === undefined ? {} : { initial }) });

const staleRead = `
INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - 0\t:ok\t:write\t1
INFO  jepsen.core - Worker 3 starting
INFO  jepsen.util - 1\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:ok\t:read\tnil
`;

describe('the lines that Jepsen prints', () => {
  it('are read with tabs or blanks, with or without a prefix, and other lines are counted', () => {
    const judged = judge('cas-register', staleRead);
    const spaced = judge(
      'cas-register',
      '2026-01-02 10:11:12,131{GMT} INFO [jepsen worker 0] jepsen.util: 0   :invoke :write  1\n' +
        '0 :ok :write 1\r\n:nemesis :info :start nil\n7 :invoke :read nil\n7 :ok :read 1\n',
    );

    expect(judged).toMatchObject({ format: 'log', verdict: 'invalid', answered: 2, ignored: 1 });
    expect(spaced).toMatchObject({ format: 'log', verdict: 'valid', answered: 2, ignored: 1 });
  });

  it('a crashed write may take effect later, or never', () => {
    const crashed = '0 :invoke :write 3\n0 :info :write :timed-out\n';

    expect(judge('register', `${crashed}1 :invoke :read nil\n1 :ok :read 3\n`).verdict).toBe('valid');
    expect(judge('register', `${crashed}1 :invoke :read nil\n1 :ok :read nil\n`).verdict).toBe('valid');
    expect(judge('register', `${crashed}1 :invoke :read nil\n1 :ok :read 4\n`).verdict).toBe('invalid');
  });

  it('a failed write was not executed', () => {
    const failed = '0 :invoke :write 3\n0 :fail :write 3\n1 :invoke :read nil\n';

    expect(judge('register', `${failed}1 :ok :read nil\n`).verdict).toBe('valid');
    expect(judge('register', `${failed}1 :ok :read 3\n`).verdict).toBe('invalid');
  });

  it('a read that timed out says nothing', () => {
    const judged = judge(
      'register',
      '0 :invoke :read nil\n0 :fail :read :timed-out\n1 :invoke :read nil\n1 :ok :read nil\n',
    );

    expect(judged).toMatchObject({ verdict: 'valid', operations: 1 });
    expect(judged.notes.join(' ')).toContain('1 failed operations were left out');
  });

  it('a failed compare-and-set that carries its value back found another value', () => {
    const written = '0 :invoke :write 1\n0 :ok :write 1\n0 :invoke :cas [1 2]\n';

    expect(judge('cas-register', `${written}0 :fail :cas [1 2]\n`).verdict).toBe('invalid');
    expect(judge('cas-register', `${written}0 :fail :cas [1 2] :connection-refused\n`).verdict).toBe('valid');
    expect(judge('cas-register', `${written}0 :fail :cas :connection-refused\n`).verdict).toBe('valid');
    expect(judge('cas-register', `${written}0 :ok :cas [1 2]\n`).verdict).toBe('valid');
  });

  it('a process that goes on after a crash is taken, with a note', () => {
    const judged = judge(
      'register',
      '0 :invoke :write 1\n0 :info :write 1\n0 :invoke :read nil\n0 :ok :read 1\n',
    );

    expect(judged).toMatchObject({ verdict: 'valid', unanswered: 1 });
    expect(judged.notes.join(' ')).toContain('Processes went on after an operation without an answer (0)');
  });

  it('trailing words of people after a crash are not read', () => {
    const judged = judge(
      'register',
      '0 :invoke :write 1\n0 :info :write 1 java.net.Oops: "half\n1 :invoke :read nil\n1 :ok :read 1\n',
    );

    expect(judged.verdict).toBe('valid');
  });

  it.each([
    ['3 :ok :read 1', 'line 1, column 1', 'an invocation by that process before it'],
    ['3 :invoke :read nil\n3 :ok :write 1', 'line 2, column 1', 'the completion of its :read from line 1'],
    ['INFO hello\nINFO again', 'line 1, column 1', 'lines like'],
    ['3 :invoke :txn []', 'line 1, column 1', ':read or :write, which is all that the model register knows'],
  ])('errors say where and what: %s', (text, place, expected) => {
    expect(() => judge('register', text)).toThrow(UnreadableHistory);
    expect(() => judge('register', text)).toThrow(place);
    expect(() => judge('register', text)).toThrow(expected);
  });
});

describe('a history in EDN', () => {
  const events = [
    '{:type :invoke, :f :write, :value 1, :process 0, :time 10, :index 0}',
    '{:type :info, :f :start, :process :nemesis, :time 11, :value {"n1" #{"n2" "n3"}}}',
    '{:type :ok, :f :write, :value 1, :process 0, :time 12}',
    '{:type :invoke, :f :read, :value nil, :process 1, :time 13}',
    '{:type :ok, :f :read, :value nil, :process 1, :time 14}',
  ];

  it('is read as one map a line, as one vector, and with the tags of records', () => {
    const lines = judge('register', events.join('\n'));
    const vector = judge('register', `; a history\n[${events.join('\n ')}]`);
    const tagged = judge('register', events.map((event) => `#jepsen.history.Op${event}`).join('\n'));

    for (const judged of [lines, vector, tagged]) {
      expect(judged).toMatchObject({ format: 'edn', verdict: 'invalid', answered: 2, ignored: 1 });
    }
    expect(lines.explanation).toContain('process 1 #1: read -> read null: here it must answer: read "1"');
  });

  it('has a key in front of each value in an independent test, with a tag or without', () => {
    const history = (tuple: (key: number, value: string) => string): string =>
      [
        `{:type :invoke, :f :write, :value ${tuple(7, '1')}, :process 0}`,
        `{:type :ok, :f :write, :value ${tuple(7, '1')}, :process 0}`,
        `{:type :invoke, :f :cas, :value ${tuple(7, '[1 2]')}, :process 0}`,
        `{:type :ok, :f :cas, :value ${tuple(7, '[1 2]')}, :process 0}`,
        `{:type :invoke, :f :read, :value ${tuple(8, 'nil')}, :process 0}`,
        `{:type :ok, :f :read, :value ${tuple(8, 'nil')}, :process 0}`,
        `{:type :invoke, :f :read, :value ${tuple(7, 'nil')}, :process 0}`,
        `{:type :ok, :f :read, :value ${tuple(7, '1')}, :process 0}`,
      ].join('\n');

    for (const tuple of [
      (key: number, value: string) => `[${key} ${value}]`,
      (key: number, value: string) => `#jepsen.independent.Tuple{:key ${key}, :value ${value}}`,
      (key: number, value: string) => `#clojure.lang.MapEntry[${key} ${value}]`,
    ]) {
      const judged = judge('cas-register', history(tuple));

      expect(judged.keys.map(({ key, verdict }) => [key, verdict])).toEqual([
        ['7', 'invalid'],
        ['8', 'valid'],
      ]);
    }
  });

  it('either has keys everywhere or nowhere', () => {
    const text = [
      '{:type :invoke, :f :read, :value nil, :process 0}',
      '{:type :invoke, :f :write, :value [1 2], :process 1}',
    ];

    expect(() => judge('register', text.join('\n'))).toThrow(
      'line 2, column 1: saw an operation on the key 1',
    );
    expect(() => judge('register', text.toReversed().join('\n'))).toThrow('saw an operation without a key');
  });

  it('compares values as they are written', () => {
    const text = (value: string): string =>
      `{:type :invoke, :f :write, :value 1, :process 0}{:type :ok, :f :write, :value 1, :process 0}
       {:type :invoke, :f :read, :value nil, :process 0}{:type :ok, :f :read, :value ${value}, :process 0}`;

    expect(judge('register', text('1N')).verdict).toBe('valid');
    expect(judge('register', text('"1"')).verdict).toBe('invalid');
  });

  it('may begin with another value than nil', () => {
    const text = '{:type :invoke, :f :read, :process 0}{:type :ok, :f :read, :value 0, :process 0}';

    expect(judge('register', text).verdict).toBe('invalid');
    expect(judge('register', text, '0').verdict).toBe('valid');
    expect(() => judge('register', text, '0 1')).toThrow('expected one value');
  });

  it('holds texts that grow, under the model kv', () => {
    const history = (last: string): string => `
{:process 0, :type :invoke, :f :put, :key "a", :value "x"}
{:process 0, :type :ok, :f :put, :key "a", :value "x"}
{:process 1, :type :invoke, :f :append, :key "a", :value "y"}
{:process 0, :type :invoke, :f :append, :key "a", :value "z"}
{:process 0, :type :ok, :f :append, :key "a", :value "z"}
{:process 1, :type :ok, :f :append, :key "a", :value "y"}
{:process 2, :type :invoke, :f :get, :key "b", :value nil}
{:process 2, :type :ok, :f :get, :key "b", :value ""}
{:process 2, :type :invoke, :f :get, :key "a", :value nil}
{:process 2, :type :ok, :f :get, :key "a", :value "${last}"}`;

    expect(judge('kv', history('xyz')).verdict).toBe('valid');
    expect(judge('kv', history('xzy')).verdict).toBe('valid');
    expect(judge('kv', history('xy')).verdict).toBe('invalid');
    expect(judge('kv', history('zxy')).verdict).toBe('invalid');
  });

  it.each([
    ['{:process 0, :f :read}', ':invoke, :ok, :fail or :info'],
    ['{:process 0, :type :later, :f :read}', ':invoke, :ok, :fail or :info'],
    ['{:type :invoke, :f :read}', 'both'],
    ['[1 2]', 'a map for each event'],
    ['[{:process 0, :type :invoke, :f :cas, :value 3}]', 'two values, [old new]'],
  ])('errors say what was expected: %s', (text, expected) => {
    expect(() => judge('cas-register', text)).toThrow(expected);
  });
});

describe('a history in JSON', () => {
  it('is a list of operations, or one on each line', () => {
    const operations = [
      '{"client":"a","op":"write","key":"x","input":1,"start":0,"end":5}',
      '{"client":"b","op":"cas","key":"x","input":[1,2],"output":true,"start":6,"end":8}',
      '{"client":"b","op":"cas","key":"x","input":[1,3],"output":false,"start":9,"end":10}',
      '{"client":"a","op":"write","key":"x","input":4,"start":6}',
      '{"client":"c","op":"write","key":"x","input":9,"start":6,"end":9,"outcome":"fail"}',
      '{"client":"b","op":"read","key":"x","output":2,"start":11,"end":12}',
    ];

    const lines = judge('cas-register', operations.join('\n'));
    const list = judge('cas-register', `[${operations.join(',\n')}]`);

    expect(lines).toMatchObject({ format: 'json', verdict: 'valid', answered: 4, unanswered: 1 });
    expect({ ...list }).toEqual({ ...lines });
  });

  it('takes equal times as concurrent', () => {
    const read = (start: number): string =>
      `{"client":"a","op":"write","input":1,"start":0,"end":5}{"client":"b","op":"read","output":null,"start":${start},"end":9}`;

    expect(judge('register', read(5)).verdict).toBe('valid');
    expect(judge('register', read(6)).verdict).toBe('invalid');
  });

  it('may hold the events of Jepsen too', () => {
    const judged = judge(
      'register',
      '{"process":0,"type":"invoke","f":"write","value":1}\n{"process":0,"type":"ok","f":"write","value":1}',
    );

    expect(judged).toMatchObject({ format: 'json', verdict: 'valid', answered: 1 });
  });

  it.each([
    ['{"op":"read","start":0}', 'the name of the client'],
    ['{"client":"a","start":0}', 'what was asked'],
    ['{"client":"a","op":"read"}', 'the time of the invocation'],
    ['{"client":"a","op":"read","start":0.5}', 'a whole number'],
    ['{"client":"a","op":"read","start":5,"end":4}', 'an end that is not before the start'],
    ['{"client":"a","op":"read","start":5,"outcome":"ok"}', 'the time of the answer'],
    ['{"client":"a","op":"read","start":5,"outcome":"good"}', '"unknown"'],
    ['[]', 'at least one event or operation'],
  ])('errors say what was expected: %s', (text, expected) => {
    expect(() => judge('register', text)).toThrow(expected);
  });
});

describe('the guess at the format', () => {
  it.each([
    ['{:type :invoke}', 'edn'],
    ['\n [ {:type :invoke}]', 'edn'],
    ['#jepsen.history.Op{:a 1}', 'edn'],
    ['; comment', 'edn'],
    ['{"a":1}', 'json'],
    ['[\n  {"a":1}]', 'json'],
    ['INFO  jepsen.util - 4 :invoke :read nil', 'log'],
    ['', 'log'],
  ])('takes %s for %s', (text, format) => {
    expect(guessFormat(text)).toBe(format);
  });
});
