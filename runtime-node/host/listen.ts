/** Listening on a port, with words for a person where that does not work. */

import type { Server } from 'node:net';

import { formatAddress, type Address } from './address.js';
import { StartRefused } from './start-refused.js';

/**
 * @param what who wants to listen, such as "clients".
 * @returns where the server listens: with its real port, where 0 was asked for.
 * @throws StartRefused that says what to do.
 */
export async function listen(server: Server, address: Address, what: string, flag: string): Promise<Address> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new StartRefused(whyNotListening(address, what, flag, error));
  }
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? { host: address.host, port: bound.port } : address;
}

export function whyNotListening(address: Address, what: string, flag: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const where = formatAddress(address);
  switch (code) {
    case 'EADDRINUSE':
      return (
        `port ${address.port} (for ${what}, ${where}) is in use by another program. ` +
        `Stop that program (\`ss -ltnp 'sport = :${address.port}'\` names it), or give another port (${flag}).`
      );
    case 'EACCES':
      return `port ${address.port} (for ${what}, ${where}) needs more rights than this user has. Give a port above 1023 (${flag}).`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${address.host} (for ${what}) is not an address of this machine. Give one that is, such as 127.0.0.1 or 0.0.0.0 (${flag}).`;
    default:
      return `cannot listen for ${what} on ${where}: ${error instanceof Error ? error.message : String(error)} (${flag}).`;
  }
}
