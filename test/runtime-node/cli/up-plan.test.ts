import { describe, expect, it } from 'vitest';

import { planCluster, shellLine } from '../../../runtime-node/cli/up-plan.js';

describe('the plan of a cluster', () => {
  it('puts clients ten ports apart, peers five above them, and data side by side', () => {
    const plan = planCluster({ nodes: 3, clientPort: 2070, data: '.wavetank', partitions: 8 });

    expect(plan.map(({ id, client, peer, dataFolder }) => [id, client.port, peer.port, dataFolder])).toEqual([
      [1, 2070, 2075, '.wavetank/node-1'],
      [2, 2080, 2085, '.wavetank/node-2'],
      [3, 2090, 2095, '.wavetank/node-3'],
    ]);
  });

  it('hands every node the certificate, and says that they speak TLS', () => {
    const tls = { type: 'Pfx', pfx: 'node.pfx', passphraseFile: 'secret' } as const;
    const [first] = planCluster({ nodes: 1, clientPort: 3000, data: 'd', partitions: 8, tls });

    expect(first?.endpoint).toBe('https://127.0.0.1:3000');
    expect(first?.args.slice(-4)).toEqual(['--tls-pfx', 'node.pfx', '--tls-passphrase-file', 'secret']);
  });

  it('starts each node by a line that can be pasted into a shell', () => {
    const [first] = planCluster({ nodes: 1, clientPort: 3000, data: "/tmp/it's here", partitions: 16 });

    expect(shellLine(first?.args ?? [])).toBe(
      'npx wavetank serve --id 1 --client 127.0.0.1:3000 --peers 1=127.0.0.1:3005 ' +
        `--data '/tmp/it'\\''s here/node-1' --partitions 16`,
    );
  });
});
