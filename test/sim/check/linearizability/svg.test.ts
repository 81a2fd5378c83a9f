import { describe, expect, it } from 'vitest';
import {
  checkLinearizable,
  drawCounterexample,
  keyValueModel,
  registerModel,
  textModel,
  type Operation,
  type TextInput,
  type TextOutput,
} from '../../../../sim/check/linearizability/index.js';

type TextStep = readonly [
  client: string,
  input: TextInput,
  output: TextOutput | undefined,
  from: number,
  to?: number,
];

const put = (text: string): TextInput => ({ type: 'put', text });
const got = (text: string): TextOutput => ({ type: 'got', text });
const written: TextOutput = { type: 'written' };

function operations(...steps: readonly TextStep[]): readonly Operation<TextInput, TextOutput>[] {
  return steps.map(([client, input, output, invokedAt, answeredAt], id) => ({
    id,
    client,
    key: 'a & b',
    input,
    output,
    invokedAt,
    answeredAt,
  }));
}

const illegal = operations(
  ['c<1>', put('one'), written, 0, 3],
  ['c10', put('lost'), undefined, 1],
  ['c2', put('<&">'), written, 4, 7],
  ['c2', { type: 'get' }, got('<&">'), 8, 9],
  ['c9', { type: 'get' }, got('one\u0000\ud800'), 10, 12],
  ['c9', put('beside'), undefined, 11],
);

const drawn = (history: readonly Operation<TextInput, TextOutput>[]): string =>
  drawCounterexample(checkLinearizable(textModel, history)) ?? '';

/** The texts between tags; throws for what is no well-formed XML. */
function textsOf(xml: string): readonly string[] {
  const open: string[] = [];
  const texts: string[] = [];
  let rest = xml;
  for (let at = rest.indexOf('<'); at !== -1; at = rest.indexOf('<')) {
    const text = rest.slice(0, at);
    if (/&(?!amp;|lt;|gt;|quot;)/.test(text)) throw new Error(`a bare ampersand in ${text}`);
    if (text.trim() !== '') texts.push(text);
    const tag = /^<(\/?)([a-z]+)((?: [A-Za-z0-9:-]+="[^"<]*")*)(\/?)>/.exec(rest.slice(at));
    if (tag === null) throw new Error(`no tag: ${rest.slice(at, at + 60)}`);
    const [whole, closing, name, , isEmpty] = tag;
    if (closing === '/' && open.pop() !== name) throw new Error(`${whole} closes something else`);
    if (closing === '' && isEmpty === '') open.push(name ?? '');
    rest = rest.slice(at + whole.length);
  }
  if (open.length > 0 || rest.trim() !== '') throw new Error(`not closed: ${open.join(' ')}`);
  return texts;
}

describe('the picture of a counterexample', () => {
  it('is well-formed, the same each time, and has no character that XML cannot hold', () => {
    const picture = drawn(illegal);

    expect(textsOf(picture).length).toBeGreaterThan(20);
    expect(drawn(illegal.map((operation) => ({ ...operation })))).toBe(picture);
    expect([...picture].every((character) => character === '\n' || character >= ' ')).toBe(true);
    expect(picture).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('shows every client once, and what was asked and told, escaped', () => {
    const texts = textsOf(drawn(illegal));

    expect(texts.filter((text) => /^c(\d+|&lt;1&gt;)$/.test(text))).toEqual([
      'c2',
      'c9',
      'c10',
      'c&lt;1&gt;',
    ]);
    expect(texts).toContain('put &quot;&lt;&amp;\\&quot;&gt;&quot;');
    expect(texts.join('\n')).toContain('key &quot;a &amp; b&quot;');
  });

  it('numbers the legal beginning and marks what cannot come next, with the reason', () => {
    const texts = textsOf(drawn(illegal));

    expect(texts).toEqual(expect.arrayContaining(['1', '2', '3', 'A']));
    expect(texts.some((text) => text.startsWith('A c9 #4: here it must answer'))).toBe(true);
    expect(drawn(illegal)).toContain('<g class="blocked">');
    expect(drawn(illegal)).toContain('class="placed"');
  });

  it('draws operations without an answer with an open end, and overlapping ones of a client beneath each other', () => {
    const picture = drawn(illegal);

    const rowOf = (text: string): string | undefined =>
      new RegExp(`<title>${text}[^<]*</title><rect x="[^"]*" y="([^"]*)"`).exec(picture)?.[1];
    expect(picture).toContain(' open">');
    expect(rowOf('get -&gt; &quot;one')).toBeDefined();
    expect(rowOf('put &quot;beside')).not.toBe(rowOf('get -&gt; &quot;one'));
  });

  it('shows only the operations that contradict each other, where the model knows some', () => {
    const common = { key: 'x', client: 'c', input: { type: 'get' } as const };
    const result = checkLinearizable(keyValueModel, [
      { ...common, id: 0, invokedAt: 0, answeredAt: 1, output: { type: 'got', value: 'a', revision: 4 } },
      { ...common, id: 1, invokedAt: 2, answeredAt: 3, output: { type: 'got', value: 'b', revision: 3 } },
    ]);

    const texts = textsOf(drawCounterexample(result) ?? '');

    expect(texts).toContain('These operations cannot all have been answered so:');
    expect(texts).toEqual(expect.arrayContaining(['A', 'B']));
  });

  it('keeps the numbers in the order of the legal beginning from left to right', () => {
    const history = operations(
      ...Array.from({ length: 6 }, (_, index): TextStep => [
        `c${index}`,
        put(`v${index}`),
        written,
        index,
        100 + index,
      ]),
      ['c9', { type: 'get' }, got('nobody'), 200, 201],
    );

    const points = [...drawn(history).matchAll(/<polyline class="path" points="([^"]*)"/g)].flatMap(
      ([, list]) => (list ?? '').split(' ').map((point) => Number(point.split(',')[0])),
    );

    expect(points).toHaveLength(6);
    expect(points).toEqual(points.toSorted((a, b) => a - b));
  });

  it('is not there for a valid history', () => {
    expect(drawCounterexample(checkLinearizable(registerModel, []))).toBeUndefined();
  });
});
