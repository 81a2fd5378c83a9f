/** The first seed that found each bug when the table in the README was made: where the ordinary tests begin. */
export const FIRST_SEEDS: Readonly<Record<string, number>> = {};
