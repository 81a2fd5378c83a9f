/** What the command's exit code says to a script. */
export const ExitCode = {
  ok: 0,
  /** The operation says no: the key is missing, a condition refused, a check failed, a node refused to start. */
  no: 1,
  badArguments: 2,
  /** A write may or may not have taken effect. */
  unknownOutcome: 3,
  /** Nothing could be done: the cluster is unreachable, or cannot answer now. */
  unreachable: 69,
  /** A node found its own state impossible, or its disk failed, and stopped. */
  fatal: 70,
  interrupted: 130,
} as const;
