/** etcd's own protocol, version 3: one unary call for each question, as its clients for Node make them. */

import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

import { VALUE, type Question, type Wire } from './service-task.js';

/** What is asked here of etcd's contract (rpc.proto of its version 3). */
const SCHEMA = `
  syntax = "proto3";
  message Put { bytes key = 1; bytes value = 2; }
  message Range { bytes key = 1; }
  message RangeAnswer { int64 count = 4; }
  message Compare { int32 result = 1; int32 target = 2; bytes key = 3; int64 create_revision = 5; }
  message Op { Put put = 2; }
  message Txn { repeated Compare compare = 1; repeated Op success = 2; }
  message TxnAnswer { bool succeeded = 2; }
  message Nothing {}
`;
const EQUAL = 0;
const CREATE_REVISION = 1;

const { root } = protobuf.parse(SCHEMA, { keepCase: true });
const type = (name: string): protobuf.Type => root.lookupType(name);
const [PUT, RANGE, TXN] = [type('Put'), type('Range'), type('Txn')];
const [NOTHING, RANGE_ANSWER, TXN_ANSWER] = [type('Nothing'), type('RangeAnswer'), type('TxnAnswer')];

export function openEtcdWire(ports: readonly number[]): Promise<Wire> {
  const nodes = ports.map((port) => new Client(`127.0.0.1:${port}`, credentials.createInsecure()));

  function call(
    lane: number,
    method: string,
    [asks, answers]: readonly [protobuf.Type, protobuf.Type],
    asked: object,
    answered: (answer: unknown) => void,
  ): void {
    nodes[lane % nodes.length]?.makeUnaryRequest(
      `/etcdserverpb.KV/${method}`,
      (message: object) => Buffer.from(asks.encode(message).finish()),
      (bytes: Buffer) => answers.decode(bytes),
      asked,
      (error, answer) => answered(error === null ? answer : undefined),
    );
  }

  function ask(lane: number, question: Question, answered: (isGood: boolean) => void): void {
    switch (question.type) {
      case 'put': {
        const asked = { key: Buffer.from(question.key), value: VALUE };
        return call(lane, 'Put', [PUT, NOTHING], asked, (answer) => answered(answer !== undefined));
      }
      case 'get': {
        const asked = { key: Buffer.from(question.key) };
        return call(lane, 'Range', [RANGE, RANGE_ANSWER], asked, (answer) =>
          answered(Number((answer as { count?: unknown } | undefined)?.count) === 1),
        );
      }
      case 'create': {
        const key = Buffer.from(question.key);
        const compare = [{ result: EQUAL, target: CREATE_REVISION, key, create_revision: 0 }];
        const asked = { compare, success: [{ put: { key, value: VALUE } }] };
        return call(lane, 'Txn', [TXN, TXN_ANSWER], asked, (answer) =>
          answered((answer as { succeeded?: boolean } | undefined)?.succeeded === true),
        );
      }
      default:
        throw new Error(`etcd is not asked for this: ${question.type}`);
    }
  }
  return Promise.resolve({
    ask,
    close() {
      for (const node of nodes) node.close();
    },
  });
}
