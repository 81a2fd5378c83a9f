/** The refusal of a folder whose contents are not what was written. */

import { StartRefused } from '../host/start-refused.js';

export function damagedFolder(folder: string, what: string): StartRefused {
  return new StartRefused(
    `the data folder ${folder} is damaged: ${what}. Bring back the folder as it was when the node stopped. An empty ` +
      'or an older one is no way out by itself: the node would have forgotten votes and entries that it ' +
      'acknowledged, and with one more failure the cluster could lose writes.',
  );
}
