/** Some nodes that can lose the one that leads, and can all be started anew: three by a wire, or one in this process. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Driver, Fields, ServicePath } from './driver.js';
import { driverOf, startService, until, type Face, type Service } from './start.js';

export interface Ensemble {
  /** Whoever is there; again and again, as long as it is told to try again or nobody answers. */
  call(path: ServicePath, body: Fields): Promise<Fields>;
  /** Whoever is there, once. */
  once(path: ServicePath, body: Fields): Promise<Fields>;
  /** The node that leads goes, and does not come back; in this process, where there is no other, it comes back at once. */
  loseLeader(): Promise<void>;
  /** Everything stops, and starts anew with what is on its disks. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** One group has one leader to lose. */
const PARTITIONS = 1;
const GROUP = 1;

export function startEnsemble(face: Face): Promise<Ensemble> {
  return face === 'a call in this process' ? startAlone(face) : startThree(face);
}

async function startAlone(face: Face): Promise<Ensemble> {
  const folder = mkdtempSync(join(tmpdir(), 'wavetank-ensemble-'));
  const start = (): Promise<Driver> => driverOf(face, '', { folder, partitions: PARTITIONS });
  let driver = await start();
  const restart = async (): Promise<void> => {
    await driver.close();
    driver = await start();
  };
  return {
    call: (path, body) => askAgain(() => driver, path, body),
    once: (path, body) => driver.call(path, body),
    loseLeader: restart,
    restart,
    async stop() {
      await driver.close();
      rmSync(folder, { recursive: true });
    },
  };
}

interface Member extends Service {
  readonly asked: Driver;
}

async function startThree(face: Face): Promise<Ensemble> {
  const ports = await freePorts(3);
  const folders = ports.map(() => mkdtempSync(join(tmpdir(), 'wavetank-ensemble-')));
  const peers = new Map(ports.map((port, index) => [index + 1, { host: HOST, port }]));
  let members: readonly Member[] = [];

  const start = (): Promise<readonly Member[]> =>
    Promise.all(
      ports.map(async (port, index): Promise<Member> => {
        const service = await startService({
          node: index + 1,
          peers,
          peerAddress: { host: HOST, port },
          partitions: PARTITIONS,
          dataFolder: folders[index] as string,
          tuning: {},
        });
        return { ...service, asked: await driverOf(face, service.url) };
      }),
    );

  members = await start();
  return {
    call: (path, body) => askAgain(() => (members[0] as Member).asked, path, body),
    once: (path, body) => (members[0] as Member).asked.call(path, body),
    async loseLeader() {
      const leader = await until(
        () => Promise.resolve(members.find(leads)),
        (found) => found !== undefined,
      );
      members = members.filter((member) => member !== leader);
      await stopAll([leader as Member]);
    },
    async restart() {
      await stopAll(members);
      members = await start();
    },
    async stop() {
      await stopAll(members);
      for (const folder of folders) rmSync(folder, { recursive: true });
    },
  };
}

function leads({ server }: Member): boolean {
  return server.status().groups.some(({ group, role }) => group === GROUP && role === 'leader');
}

async function stopAll(members: readonly Member[]): Promise<void> {
  for (const { asked } of members) await asked.close();
  await Promise.all(members.map((member) => member.stop()));
}

/** To be tried again, by family. */
const MUST_RETRY: Readonly<Record<string, number>> = { kv: 101, locks: 101, sequences: 5 };

async function askAgain(driver: () => Driver, path: ServicePath, body: Fields): Promise<Fields> {
  const mustRetry = MUST_RETRY[path.replace(/\/.*/, '')];
  return until(
    () =>
      driver()
        .call(path, body)
        .catch(() => ({ type: mustRetry })),
    ({ type }) => type !== mustRetry,
  );
}

/** Ports on which nothing listens, most likely. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, HOST, () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
