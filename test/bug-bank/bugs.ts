/** The bank: every planted bug, and the legal changes beside them. */

import type { Bug } from './bugs/bug.js';
import { DURABILITY } from './bugs/durability.js';
import { ELECTIONS } from './bugs/elections.js';
import { LIVENESS } from './bugs/liveness.js';
import { MEMBERSHIP } from './bugs/membership.js';
import { NODE } from './bugs/node.js';
import { PASTS } from './bugs/pasts.js';
import { QUIESCENCES } from './bugs/quiescence.js';
import { READS } from './bugs/reads.js';
import { SPECIAL_READS } from './bugs/reads-special.js';
import { RECOVERY } from './bugs/recovery.js';
import { REPLICATIONS } from './bugs/replication.js';
import { SEQUENCE_BUGS } from './bugs/sequences.js';
import { SERVICES } from './bugs/services.js';
import { SNAPSHOTS } from './bugs/snapshots.js';
import { STATE_MACHINE } from './bugs/state-machine.js';
import { TRANSACTION_BUGS } from './bugs/transactions.js';
import { VALUES } from './bugs/values.js';

export type { Bug } from './bugs/bug.js';
export { LEGAL } from './bugs/legal.js';

export const BUGS: readonly Bug[] = [
  ...ELECTIONS,
  ...REPLICATIONS,
  ...READS,
  ...SPECIAL_READS,
  ...DURABILITY,
  ...RECOVERY,
  ...SNAPSHOTS,
  ...STATE_MACHINE,
  ...NODE,
  ...MEMBERSHIP,
  ...LIVENESS,
  ...QUIESCENCES,
  ...SERVICES,
  ...SEQUENCE_BUGS,
  ...PASTS,
  ...VALUES,
  ...TRANSACTION_BUGS,
];
