/** The members of a group, in log entries and snapshots. */

import type { NodeId } from '../machine/units.js';
import type { Configuration } from '../raft/configuration.js';
import { malformed, positive, readUnsigned, skipField, type Reader, type Writer } from './fields.js';

export function writeConfiguration(writer: Writer, config: Configuration): void {
  writeNodes(writer, 10, config.voters);
  writeNodes(writer, 18, config.outgoing);
  writeNodes(writer, 26, config.learners);
  writeNodes(writer, 34, config.learnersNext);
}

function writeNodes(writer: Writer, tag: number, nodes: readonly NodeId[]): void {
  if (nodes.length === 0) return;
  writer.uint32(tag).fork();
  for (const node of nodes) writer.uint64(node);
  writer.ldelim();
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
  const outerEnd = reader.len;
  const end = reader.size() + reader.pos;
  if (end > outerEnd) malformed(reader, `${what} does not fit into what is left`);
  reader.len = end;
  const nodes: NodeId[] = [];
  while (reader.pos < end) {
    const node = positive(reader, readUnsigned(reader, what), what) as NodeId;
    // A quorum is counted over these lists: one node that stood in one twice would be two.
    if (node <= (nodes.at(-1) ?? 0)) malformed(reader, `${what} is not in ascending order`);
    nodes.push(node);
  }
  reader.len = outerEnd;
  return nodes;
}
