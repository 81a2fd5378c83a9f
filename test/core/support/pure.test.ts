import { describe, expect, it } from 'vitest';
import { deepFreeze, pureStep } from './pure.js';

describe('deepFreeze', () => {
  it('freezes what lies deep inside and leaves bytes alone', () => {
    const value = { list: [{ inner: 1 }], bytes: new Uint8Array(2) };

    deepFreeze(value);

    expect(Object.isFrozen(value.list[0])).toBe(true);
    expect(() => {
      value.bytes[0] = 7;
    }).not.toThrow();
  });
});

describe('pureStep', () => {
  it('refuses a step that changes the state it was given', () => {
    const step = (state: { count: number }, by: number): number => (state.count += by);

    expect(() => pureStep(step, { count: 1 }, 2)).toThrow(TypeError);
  });

  it('refuses a step that remembers something between calls', () => {
    let calls = 0;
    const step = (): number => (calls += 1);

    expect(() => pureStep(step, {}, {})).toThrow();
  });

  it('gives the result of an honest step, frozen', () => {
    const step = (state: { count: number }, by: number) => ({ count: state.count + by });

    const result = pureStep(step, { count: 1 }, 2);

    expect(result).toEqual({ count: 3 });
    expect(Object.isFrozen(result)).toBe(true);
  });
});
