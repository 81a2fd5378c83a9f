/** A sweep's report for people and for programs. */

import {
  neverReached,
  verdictOf,
  wouldHaveShown,
  type SweepFailure,
  type SweepReport,
} from '../../sim/index.js';

/** The command that runs a failure again. */
export type Again = (failure: SweepFailure) => string;

/** What `--json` prints: the whole report, its verdict, and how to run each failure again. */
export function sweepJson(report: SweepReport, again: Again): unknown {
  const { valid, invalid, unknown } = report.verdicts;
  const { failures, ...rest } = report;
  return {
    verdict: verdictOf(report),
    seeds: valid + invalid + unknown,
    ...rest,
    neverReached: neverReached(report),
    failures: failures.map((failure) => ({ ...failure, reproduce: again(failure) })),
  };
}

/** @param told the failure that is told at length elsewhere. */
export function describeSweep(report: SweepReport, again: Again, told?: SweepFailure): string {
  const { verdicts, events, operations, virtualMs, realMs, rechecked } = report;
  const seeds = verdicts.valid + verdicts.invalid + verdicts.unknown;
  const perSecond = Math.round((events * 1_000) / Math.max(1, realMs));
  const verdict = verdictOf(report);
  const missed = neverReached(report);
  return [
    `${verdict}: ${seeds} seeds, ${verdicts.invalid} failed, ${verdicts.unknown} unknown`,
    `${events} events and ${operations} operations in ${Math.round(virtualMs / 1_000)} virtual seconds`,
    `${(realMs / 1_000).toFixed(1)} s of real time, ${perSecond} events a second`,
    `${rechecked} seeds run twice, bit for bit the same`,
    ...(verdict === 'valid'
      ? [`a failure in more than ${rateOf(seeds)} of runs would have shown itself (95 %)`]
      : []),
    ...(missed.length === 0 ? [] : [`never reached: ${missed.join('; ')}`]),
    ...failuresOf(report, again, told),
  ].join('\n');
}

function rateOf(cleanRuns: number): string {
  const perHundredThousand = wouldHaveShown(cleanRuns);
  return `${Math.min(100, perHundredThousand / 1_000)} %`;
}

const FAILURES_SHOWN = 20;
/** Characters of what is told of each. */
const DETAIL_SHOWN = 160;

function failuresOf(
  { failures }: SweepReport,
  again: Again,
  told: SweepFailure | undefined,
): readonly string[] {
  if (failures.every((failure) => failure === told)) return [];
  const lines = failures.slice(0, FAILURES_SHOWN).flatMap((failure) => {
    const { seed, verdict, property, detail } = failure;
    const [firstLine = ''] = detail.split('\n', 1);
    return [
      `  seed ${seed}: ${verdict}, ${property}: ${firstLine.slice(0, DETAIL_SHOWN)}`,
      `    ${again(failure)}`,
    ];
  });
  const more = failures.length - FAILURES_SHOWN;
  return ['all failures:', ...lines, ...(more > 0 ? [`  … and ${more} more`] : [])];
}

const BAR = 30;

/** In how many seeds each thing happened: a histogram of what the sweep generated and what that reached. */
export function describeCoverage(report: SweepReport): string {
  const { verdicts, felt, reached } = report;
  const seeds = Math.max(1, verdicts.valid + verdicts.invalid + verdicts.unknown);
  const plain = Object.entries(reached).filter(([name]) => !name.includes(' · '));
  return [
    `What the storms did, and in how many of ${seeds} seeds:`,
    ...rows(Object.entries(felt), seeds),
    '',
    'What was reached:',
    ...rows(plain, seeds),
    '',
    'Under which faults:',
    ...combinations(reached),
  ].join('\n');
}

function rows(counts: readonly (readonly [string, number])[], seeds: number): readonly string[] {
  return counts
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => {
      const bar = '#'.repeat(Math.max(1, Math.round((count / seeds) * BAR)));
      return `  ${String(count).padStart(7)}  ${bar.padEnd(BAR)}  ${name}`;
    });
}

/** A line for each landmark: the faults under which it was reached, most often first. */
function combinations(reached: Readonly<Record<string, number>>): readonly string[] {
  const byLandmark = new Map<string, [string, number][]>();
  for (const [name, count] of Object.entries(reached)) {
    const [landmark = '', fault] = name.split(' · ');
    if (fault === undefined || landmark.includes(' term, as ')) continue;
    byLandmark.set(landmark, [...(byLandmark.get(landmark) ?? []), [fault, count]]);
  }
  return [...byLandmark].map(
    ([landmark, faults]) =>
      `  ${landmark}: ${faults
        .toSorted(([, a], [, b]) => b - a)
        .map(([fault, count]) => `${fault} ${count}`)
        .join(', ')}`,
  );
}
