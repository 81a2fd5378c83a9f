/** Why a script failed, or a part of it cannot be: a value like any other, so that nothing is thrown. */

export interface Failure {
  readonly type: 'failure';
  /** In words for the author of the script, without the line. */
  readonly reason: string;
  readonly line: number;
}

export function failed(reason: string, line: number): Failure {
  return { type: 'failure', reason, line };
}

/** As clients are told it: the reason ends with the line. */
export function describeFailure({ reason, line }: Failure): string {
  return `${reason} at line ${line}`;
}
