import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addWords, emptyWordTable, findWords } from '../../../../sim/check/linearizability/word-table.js';

describe('a table of words', () => {
  it('finds what was added and nothing else, even when all hashes collide', () => {
    const sequences = fc.uniqueArray(fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 4 }), {
      selector: (words) => words.join(),
      maxLength: 200,
    });
    fc.assert(
      fc.property(sequences, fc.nat(3), (all, distinctHashes) => {
        const table = emptyWordTable();
        const hashOf = (words: readonly number[]): number => words.length % (distinctHashes + 1);

        all.forEach((words, id) => {
          expect(findWords(table, Int32Array.from(words), words.length, hashOf(words))).toBe(-1);
          expect(addWords(table, Int32Array.from(words), words.length, hashOf(words))).toBe(id);
        });

        all.forEach((words, id) => {
          expect(findWords(table, Int32Array.from(words), words.length, hashOf(words))).toBe(id);
        });
      }),
    );
  });
});
