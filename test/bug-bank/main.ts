/**
 * `npm run bank`: how many seeds, and how much time, the tank needs for each planted bug.
 *
 * Every bug is hunted from seed 1 on, in a process of its own and without hints.
 */

import { parseArgs } from 'node:util';
import { BUGS, LEGAL, type Bug } from './bugs.js';
import { compare, comparisonTable, type Comparison } from './compare.js';
import { FIRST_SEEDS } from './first-seeds.js';
import { hunt, type Found } from './mutant.js';

const { values } = parseArgs({
  options: {
    bug: { type: 'string', multiple: true },
    category: { type: 'string' },
    'first-seed': { type: 'string', default: '1' },
    'max-seeds': { type: 'string', default: '5000' },
    jobs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    legal: { type: 'boolean', default: false },
    guided: { type: 'boolean', default: false },
    recorded: { type: 'boolean', default: false },
    compare: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(`npm run bank -- [options]

How many seeds, and how much time, the tank needs for each planted bug.

  --bug ID          only this bug; may be given more than once
  --category NAME   only the bugs of a category
  --first-seed N    where each hunt begins (1)
  --max-seeds N     where it gives up (5000)
  --jobs N          hunts at once (1)
  --recorded        begin with the recorded seed of each, to see that it still finds it, and go on from the first
  --guided          let a guide choose the scenarios by what the earlier ones reached
  --compare N       hunt N times both ways, from seeds that are far apart, and set the medians side by side
  --legal           the legal changes instead: none may be found
  --json            print JSON

Exit codes: 0 as it should be, 1 a bug was not found or a legal change was, 2 bad arguments.`);
  process.exit(0);
}

interface Row {
  readonly bug: Bug;
  readonly found: Found | undefined;
}

const firstSeed = Number(values['first-seed']);
const maxSeeds = Number(values['max-seeds']);
const seeds = Array.from({ length: maxSeeds }, (_, i) => firstSeed + i);
const chosen = (values.legal ? LEGAL : BUGS).filter(
  ({ id, category }) =>
    (values.bug === undefined || values.bug.includes(id)) &&
    (values.category === undefined || values.category === category),
);
if (chosen.length === 0) {
  console.error('no such bug in the bank; `npm run bank -- --json --max-seeds 0` lists all');
  process.exit(2);
}

if (values.compare !== undefined) {
  const starts = { firstSeed, hunts: Number(values.compare), maxSeeds };
  const compared: Comparison[] = [];
  for (const bug of chosen) compared.push(await compare(bug, starts));
  console.log(values.json ? JSON.stringify(compared) : comparisonTable(compared, starts));
  process.exit(0);
}

const rows = new Map<Bug, Row>();
const queue = [...chosen];
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const known = values.recorded ? FIRST_SEEDS[bug.id] : undefined;
      const tried = known === undefined ? seeds : [known, ...seeds];
      const row = { bug, found: await hunt(bug, { seeds: tried, guided: values.guided }) };
      rows.set(bug, row);
      if (!values.json) console.error(lineOf(row));
    }
  }),
);
const ordered = chosen.map((bug) => rows.get(bug) as Row);
if (values.json) {
  console.log(
    JSON.stringify(ordered.map(({ bug: { id, category, name }, found }) => ({ id, category, name, found }))),
  );
} else {
  console.log(tableOf(ordered));
}
process.exitCode = ordered.some(({ found }) => (found === undefined) !== values.legal) ? 1 : 0;

function lineOf({ bug, found }: Row): string {
  return found === undefined
    ? `${bug.id}: not found in ${maxSeeds} seeds`
    : `${bug.id}: seed ${found.seed}, ${found.seconds.toFixed(1)} s, ${found.property}: ${found.detail.slice(0, 160)}`;
}

function tableOf(all: readonly Row[]): string {
  const lines = [
    '| category | id | the mistake | seed | CPU seconds | found by |',
    '|---|---|---|---:|---:|---|',
  ];
  for (const { bug, found } of all) {
    const result =
      found === undefined ? '– | – | –' : `${found.seed} | ${found.seconds.toFixed(1)} | ${found.property}`;
    const where = bug.profile === undefined ? '' : ` (${bug.profile})`;
    lines.push(`| ${bug.category} | \`${bug.id}\` | ${bug.name}${where} | ${result} |`);
  }
  const needed = all
    .flatMap(({ found }) => (found === undefined ? [] : [found.seed - firstSeed + 1]))
    .sort((a, b) => a - b);
  const within = (most: number): number => needed.filter((seed) => seed <= most).length;
  lines.push(
    '',
    `${needed.length} of ${all.length} found; median seed ${needed[needed.length >>> 1] ?? '–'}, ` +
      `${within(20)} within 20 seeds, ${within(100)} within 100, the slowest at ${needed.at(-1) ?? '–'}.`,
  );
  return lines.join('\n');
}
