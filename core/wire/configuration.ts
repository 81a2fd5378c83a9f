/** The members of a group, in log entries and snapshots. */

import type { NodeId } from '../machine/units.js';
import type { Configuration } from '../raft/configuration.js';
import { malformed, positive, readList, skipField, writeList, type Reader, type Writer } from './fields.js';

export function writeConfiguration(writer: Writer, config: Configuration): void {
  writeList(writer, 10, config.voters);
  writeList(writer, 18, config.outgoing);
  writeList(writer, 26, config.learners);
  writeList(writer, 34, config.learnersNext);
}

export function readConfiguration(reader: Reader): Configuration {
  let voters: readonly NodeId[] = [];
  let outgoing: readonly NodeId[] = [];
  let learners: readonly NodeId[] = [];
  let learnersNext: readonly NodeId[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        voters = readNodes(reader, 'Configuration.voters');
        break;
      case 18:
        outgoing = readNodes(reader, 'Configuration.outgoing');
        break;
      case 26:
        learners = readNodes(reader, 'Configuration.learners');
        break;
      case 34:
        learnersNext = readNodes(reader, 'Configuration.learners_next');
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { voters, outgoing, learners, learnersNext };
}

function readNodes(reader: Reader, what: string): readonly NodeId[] {
  const nodes = readList(reader, what);
  for (let i = 0; i < nodes.length; i += 1) {
    const node = positive(reader, nodes[i] as number, what);
    // A quorum is counted over these lists: one node that stood in one twice would be two.
    if (node <= (nodes[i - 1] ?? 0)) malformed(reader, `${what} is not in ascending order`);
  }
  return nodes as readonly NodeId[];
}
