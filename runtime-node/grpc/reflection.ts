/**
 * Server reflection: tools ask which services there are and what their messages look like. Every .proto file is described as
 * one, so that names which two files share do not meet.
 */

import { basename } from 'node:path';

import {
  status,
  type handleBidiStreamingCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';

import type { Message } from './message-reader.js';
import { definitionOf, loadSchema, SERVICE_FILES } from './schema.js';

const REFLECTION_FILE = 'reflection.proto';
const PATHS = ['/grpc.reflection.v1.ServerReflection', '/grpc.reflection.v1alpha.ServerReflection'];

interface DescribedFile {
  readonly name: string;
  readonly imports: readonly string[];
  readonly services: readonly string[];
  /** Full names, without a leading dot. */
  readonly symbols: readonly string[];
  readonly bytes: Uint8Array;
}

export interface ReflectionService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** The same service under its two names. */
export function reflectionServices(): readonly ReflectionService[] {
  const files = new Map<string, DescribedFile>();
  const [service] = loadSchema(REFLECTION_FILE).services;
  if (service === undefined) throw new Error(`${REFLECTION_FILE} has no service`);
  // Described when it is first asked for: few processes ever are.
  const known = (): ReadonlyMap<string, DescribedFile> => {
    if (files.size === 0) for (const file of SERVICE_FILES) describeFile(file, files);
    return files;
  };
  return PATHS.map((path): ReflectionService => {
    const bare = definitionOf(service);
    const definition = Object.fromEntries(
      Object.entries(bare).map(([name, method]) => [name, { ...method, path: `${path}/${name}` }]),
    );
    const serve: handleBidiStreamingCall<Message, Message> = (stream) => {
      stream.on('data', (request: Message) => stream.write(answerTo(request, known())));
      stream.on('end', () => stream.end());
      stream.on('error', () => stream.destroy());
    };
    return { definition, handlers: { ServerReflectionInfo: serve } };
  });
}

function answerTo(request: Message, files: ReadonlyMap<string, DescribedFile>): Message {
  const common = { valid_host: request.host, original_request: request };
  const has = (name: string): boolean => Object.hasOwn(request, name);
  if (has('list_services')) {
    const names = [...files.values()].flatMap(({ services }) => services);
    const service = [...names, ...PATHS.map((path) => path.slice(1))].map((name) => ({ name }));
    return { ...common, list_services_response: { service } };
  }
  if (has('file_by_filename') || has('file_containing_symbol')) {
    const name = String(has('file_by_filename') ? request.file_by_filename : request.file_containing_symbol);
    const file = has('file_by_filename')
      ? files.get(name)
      : [...files.values()].find(({ symbols }) => symbols.includes(name));
    if (file === undefined) return { ...common, error_response: notFound(name) };
    const bytes = [file, ...file.imports.map((imported) => files.get(imported))].map(
      (one) => one?.bytes ?? [],
    );
    return { ...common, file_descriptor_response: { file_descriptor_proto: bytes } };
  }
  if (has('all_extension_numbers_of_type')) {
    const base_type_name = request.all_extension_numbers_of_type;
    return { ...common, all_extension_numbers_response: { base_type_name, extension_number: [] } };
  }
  return { ...common, error_response: notFound('extensions') };
}

function notFound(what: string): Message {
  return { error_code: status.NOT_FOUND, error_message: `not found: ${what}` };
}

/** Describes a file and what it imports. */
function describeFile(file: string, files: Map<string, DescribedFile>): void {
  const { root } = loadSchema(file);
  for (const name of new Set(root.files.map((path) => basename(path)))) {
    if (!files.has(name)) files.set(name, describe(root, name, name === file ? importsOf(root, name) : []));
  }
}

function importsOf(root: protobuf.Root, name: string): readonly string[] {
  return root.files.map((path) => basename(path)).filter((other) => other !== name);
}

function describe(root: protobuf.Root, name: string, imports: readonly string[]): DescribedFile {
  const own = root.nestedArray.filter(({ filename }) => filename !== null && basename(filename) === name);
  const types = own.filter((one): one is protobuf.Type => one instanceof protobuf.Type);
  const enums = own.filter((one): one is protobuf.Enum => one instanceof protobuf.Enum);
  const services = own.filter((one): one is protobuf.Service => one instanceof protobuf.Service);
  const bytes = descriptor.FileDescriptorProto.encode(
    descriptor.FileDescriptorProto.create({
      name,
      dependency: imports,
      messageType: types.map((type) => withFullNames(type.toDescriptor('proto3'))),
      enumType: enums.map((one) => one.toDescriptor()),
      service: services.map((one) => withFullMethods(one.toDescriptor())),
      syntax: 'proto3',
    }),
  ).finish();
  const methods = services.flatMap((service) =>
    service.methodsArray.map((method) => `${service.name}.${method.name}`),
  );
  return {
    name,
    imports,
    services: services.map((service) => service.name),
    symbols: [...own.map((one) => one.name), ...methods],
    bytes,
  };
}

/** Names of types begin with a dot where they are whole; nothing here is in a package. */
function withFullNames(type: descriptor.IDescriptorProto): descriptor.IDescriptorProto {
  const field = (type.field ?? []).map((one) =>
    one.typeName ? { ...one, typeName: fullName(one.typeName) } : one,
  );
  return { ...type, field };
}

function withFullMethods(service: descriptor.IServiceDescriptorProto): descriptor.IServiceDescriptorProto {
  const method = (service.method ?? []).map((one) => ({
    ...one,
    inputType: fullName(one.inputType ?? ''),
    outputType: fullName(one.outputType ?? ''),
  }));
  return { ...service, method };
}

function fullName(name: string): string {
  return name.startsWith('.') ? name : `.${name}`;
}
