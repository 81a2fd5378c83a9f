import { describe, expect, it } from 'vitest';
import { exploreMutant } from '../../bug-bank/mutant.js';
import { FIGURE_8_BY_ITS_HARM, FIGURE_8_D, RAFT_MUTANTS } from './raft-mutants.js';

describe('exploration finds', () => {
  it.each(RAFT_MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async (_name, mutant) => {
    const found = await exploreMutant(mutant, mutant.search);

    expect(found.breach?.property, `${found.states} states, ${found.verdict}`).toBe(mutant.property);
    expect(found.steps?.length).toBe(found.depth - 1);
    console.info(
      `${found.states} states, ${found.seconds} s, ${found.depth - 1} steps: ${found.breach?.property}`,
    );
  });

  it('by its harm alone, what figure 8 of the paper shows, from its picture (d) on', async () => {
    const search = { ...FIGURE_8_BY_ITS_HARM.search, after: FIGURE_8_D };

    const found = await exploreMutant(FIGURE_8_BY_ITS_HARM, search);
    const sound = await exploreMutant({ name: 'nothing', edits: [] }, search);

    expect(found.breach?.property).toBe(FIGURE_8_BY_ITS_HARM.property);
    expect(sound.breach).toBeUndefined();
    console.info(`${found.states} states, ${found.seconds} s: ${found.steps?.join('\n')}`);
    console.info(`unchanged: ${sound.verdict}, ${sound.states} states, ${sound.seconds} s`);
  });
});
