/** What is said to whoever asks for backups, by either wire. */

export const NO_BACKUPS = {
  outcome: 'NotConfigured',
  detail: 'backups are not in this version: stop the node, and copy its data folder',
} as const;
