import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseTrace, run } from '../../../sim/index.js';

const FOLDER = fileURLToPath(new URL('../../../traces/', import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'));

// A recorded trace shows a bug as it was; what must hold now is that its scenario is survived.
describe('the corpus of traces', () => {
  it.runIf(FILES.length > 0).each(FILES)('holds nothing that still fails: %s', (file) => {
    const { header } = parseTrace(readFileSync(`${FOLDER}${file}`, 'utf8'));

    const report = run(header.scenario);

    expect(header.about).not.toBe('');
    expect(report.failure).toBeUndefined();
    expect(report.verdict).toBe('valid');
  });

  it('is a folder of traces and their descriptions', () => {
    const others = readdirSync(FOLDER).filter((name) => !/\.(jsonl|md)$/.test(name) && !name.startsWith('.'));

    expect(others).toEqual([]);
  });
});
