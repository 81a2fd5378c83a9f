import { status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { beforeEach, describe, expect, it } from 'vitest';

import { loadSchema } from '../../../runtime-node/grpc/schema.js';
import type { Fields } from '../api/services/driver.js';
import { grpcFake, type GrpcFake } from './grpc-fake.js';

let fake: GrpcFake;
beforeEach(async () => {
  fake = await grpcFake();
});

describe('reflection', () => {
  async function reflect(request: Fields): Promise<Fields> {
    const type = loadSchema('reflection.proto').root;
    const requests = type.lookupType('grpc.reflection.v1.ServerReflectionRequest');
    const answers = type.lookupType('grpc.reflection.v1.ServerReflectionResponse');
    const stream = fake.client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (fields: Fields) => Buffer.from(requests.encode(fields).finish()),
      (bytes: Buffer) => answers.toObject(answers.decode(bytes)) as Fields,
    );
    const got = new Promise<Fields>((resolve) => stream.on('data', resolve));
    stream.write(request);
    stream.end();
    return got;
  }

  it('names the services', async () => {
    const { list_services_response: list } = await reflect({ list_services: '' });

    const names = (list as { readonly service: readonly Fields[] }).service.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['Locker', 'KeyValuer', 'Sequencer', 'Cluster', 'Backups']));
  });

  it('describes them, with the files that they import', async () => {
    const { file_descriptor_response: files } = await reflect({ file_containing_symbol: 'Locker' });

    const { file_descriptor_proto: protos } = files as {
      readonly file_descriptor_proto: readonly Uint8Array[];
    };
    const described = protos.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
    expect(described.map(({ name }) => name)).toEqual(['locks.proto', 'routing.proto']);
    const set = descriptor.FileDescriptorSet.encode({ file: described }).finish();
    const root = protobuf.Root.fromDescriptor(set).resolveAll();
    expect(root.lookupType('GrpcTryLockResponse').fields.Route?.resolvedType?.name).toBe('GrpcRouteHint');
  });

  it('says what it does not know', async () => {
    expect(await reflect({ file_containing_symbol: 'Nobody' })).toMatchObject({
      error_response: { error_code: status.NOT_FOUND },
    });
  });
});
