/** Asking a node about its cluster. */

import type { AdminAnswer, AdminCommand } from '../../core/index.js';
import { HostStopped } from '../host/host.js';
import type { ClusterBackend } from './cluster.js';

/** A node that stops while it is asked is one that does not answer. */
export async function askAdmin(backend: ClusterBackend, command: AdminCommand): Promise<AdminAnswer> {
  try {
    return await backend.admin(command);
  } catch (error) {
    if (error instanceof HostStopped) return { outcome: 'Unknown', reason: error.message, version: 0 };
    throw error;
  }
}
