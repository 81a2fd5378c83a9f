/** Addresses on the command line, with errors that show what one looks like. */

import { InvalidArgumentError, Option } from 'commander';

import { parseAddress, type Address } from '../host/address.js';

/** A parser of `HOST:PORT`. */
export function hostAndPort(flag: string): (text: string) => Address {
  return (text) => {
    const address = parseAddress(text);
    if (address !== undefined) return address;
    throw new InvalidArgumentError(`${flag} wants HOST:PORT, for example ${flag} 127.0.0.1:2070.`);
  };
}

const PEERS_EXAMPLE = '"1=127.0.0.1:2075,2=127.0.0.1:2085,3=127.0.0.1:2095"';

/** A parser of `ID=HOST:PORT,…`: every voter of the cluster. */
export function peerList(flag: string): (text: string) => ReadonlyMap<number, Address> {
  return (text) => {
    const peers = new Map<number, Address>();
    for (const part of text.split(',')) {
      const match = /^\s*(\d{1,9})\s*=\s*(\S+)\s*$/.exec(part);
      const id = Number(match?.[1]);
      const address = parseAddress(match?.[2] ?? '');
      if (match === null || id < 1 || address === undefined || address.port === 0) {
        throw new InvalidArgumentError(
          `"${part.trim()}" is not ID=HOST:PORT. ${flag} wants every node, for example ${flag} ${PEERS_EXAMPLE}.`,
        );
      }
      if (peers.has(id)) throw new InvalidArgumentError(`node ${id} is there twice; each id names one node.`);
      peers.set(id, address);
    }
    return peers;
  };
}

/** A parser of `HOST:PORT,…`. */
export function addressList(flag: string): (text: string) => readonly Address[] {
  return (text) =>
    text.split(',').map((part) => {
      const address = parseAddress(part.trim());
      if (address !== undefined && address.port !== 0) return address;
      throw new InvalidArgumentError(
        `"${part.trim()}" is not HOST:PORT. ${flag} wants one or more, for example ${flag} 127.0.0.1:2075,127.0.0.1:2085.`,
      );
    });
}

export const DEFAULT_ENDPOINTS = 'http://127.0.0.1:2070,http://127.0.0.1:2080,http://127.0.0.1:2090';

/** A parser of base URLs, with commas between; `HOST:PORT` and a port alone are understood too. */
export function endpointList(flag: string): (text: string) => readonly string[] {
  return (text) => {
    const endpoints = text.split(',').map((part) => endpointOf(part.trim()));
    const bad = endpoints.indexOf(undefined);
    if (bad < 0) return endpoints.filter((endpoint) => endpoint !== undefined);
    throw new InvalidArgumentError(
      `"${text.split(',')[bad]?.trim()}" is not a URL. ${flag} wants one or more, for example ${flag} ${DEFAULT_ENDPOINTS}.`,
    );
  };
}

export function endpointsOption(): Option {
  return new Option('--endpoints <urls>', 'the nodes to ask, in this order')
    .env('WAVETANK_ENDPOINTS')
    .argParser(endpointList('--endpoints'))
    .default(endpointList('--endpoints')(DEFAULT_ENDPOINTS), DEFAULT_ENDPOINTS);
}

function endpointOf(text: string): string | undefined {
  const full = /^\d{1,5}$/.test(text)
    ? `http://127.0.0.1:${text}`
    : text.includes('://')
      ? text
      : `http://${text}`;
  if (!URL.canParse(full) || text === '') return undefined;
  const url = new URL(full);
  return /^https?:$/.test(url.protocol) && url.hostname !== '' ? url.origin : undefined;
}
