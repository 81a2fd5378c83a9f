/** Where something listens: a host name or IP address, and a port. */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`; a literal IPv6 host stands in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address in `text`, or undefined where it is none. Port 0 means "any free one" to a listener. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** Whether this names every interface of the machine, and so none. */
export function isEverywhere({ host }: Address): boolean {
  return host === '0.0.0.0' || host === '::';
}
